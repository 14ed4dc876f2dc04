"""The score kind: the points of ordered bands, added up.

Each criterion gives the set of points that are still possible.  Lowest and highest totals add the least and the most
of each set, so they hold whatever is missing; they may be wider than need be where criteria share a slot.

When a total is given:

- all criteria are settled and every required slot is filled: the total;
- a required slot is missing: no total, even where it could not change the points, for the chart asks for it;
- with mpm:partialTotal, neither of these: the lowest total, with its bounds unless everything is settled; but not
  where a required slot is missing since the record could not be read, for then nobody knows what is recorded.
"""

from collections.abc import Mapping
from decimal import Decimal

from ontology.evaluation import Contribution, Evaluation, Interval, Issue, Severity, Working
from ontology.inputs import Consumed
from ontology.values import Absent, AbsentReason, Bound, Quantity, Value
from ontology.words import number_words
from server.catalog.descriptions import Description
from server.kinds.inputs import missing_issues, missing_required
from server.kinds.points import Scored, read_by, score_criterion
from server.kinds.wording import listed, named, told

UNIT = "{score}"
UNREAD = frozenset(
    {AbsentReason.UNREACHABLE, AbsentReason.NOT_PERMITTED, AbsentReason.NOT_QUERIED, AbsentReason.FAILED}
)
"""Absences that say nothing of the record: "not recorded" must not be said of them."""


def evaluate_score(description: Description, inputs: Mapping[str, Consumed]) -> Evaluation:
    """The total with each criterion's points, or between which totals it lies."""
    scored = tuple(score_criterion(criterion, inputs) for criterion in description.criteria)
    low = sum((s.points[0] for s in scored), Decimal(0))
    high = sum((s.points[-1] for s in scored), Decimal(0))
    missing = missing_required(description, inputs)
    unit = description.unit or UNIT
    unread = any(_is_unread(inputs[slot.name].value) for slot in missing)
    given = (description.partial_total and not unread) or (low == high and not missing)
    value: Value = Quantity(low, unit) if given else Absent(AbsentReason.INPUT_ABSENT)
    bounds = Interval(low, high, unit, "whatever the missing inputs are") if low < high or not given else None
    claim = None
    if given and bounds is not None:
        claim = (
            f"{description.produces.display}: at least {number_words(low)} (recorded); "
            f"up to {number_words(high)} if criteria {_lack(scored, inputs)} are present"
        )
    severity = Severity.WARNING if given else Severity.ERROR
    issues = missing_issues(missing, inputs, severity)
    issues += _undetermined(description, scored, inputs, severity)
    issues += _single(description, scored)
    contributions = tuple(Contribution(s.criterion.slot, s.points[0], s.label) for s in scored if len(s.points) == 1)
    warrant = _warrant(description, scored, inputs, low, high, settled=bounds is None)
    return Evaluation(value, Working(warrant, claim, contributions=contributions), issues, bounds)


def _is_unread(value: Value) -> bool:
    return isinstance(value, Absent) and value.reason in UNREAD


def _lack(scored: tuple[Scored, ...], inputs: Mapping[str, Consumed]) -> str:
    """``not recorded`` only where that is why all the open criteria are open; what cannot be used was recorded."""
    values = [inputs[name].value for s in scored if len(s.points) > 1 for name in read_by(s.criterion)]
    lacking = [value for value in values if isinstance(value, Absent | Bound)]
    return "not recorded" if all(value == Absent(AbsentReason.NOT_FOUND) for value in lacking) else "not known"


def _undetermined(
    description: Description, scored: tuple[Scored, ...], inputs: Mapping[str, Consumed], severity: Severity
) -> tuple[Issue, ...]:
    """Optional inputs whose absence leaves points open, in one issue; the required ones are named on their own."""
    required = {slot.name for slot in description.slots if slot.required}
    names = [
        named(description.slot(name))
        for s in scored
        if len(s.points) > 1
        for name in read_by(s.criterion)
        if name not in required and isinstance(inputs[name].value, Absent | Bound)
    ]
    if not names:
        return ()
    return (Issue(severity, "undetermined", f"Not known, and could change the total: {listed(names)}"),)


def _single(description: Description, scored: tuple[Scored, ...]) -> tuple[Issue, ...]:
    limits = [outcome.single for outcome in description.outcomes if outcome.single is not None]
    if not limits:
        return ()
    return tuple(
        Issue(
            Severity.WARNING,
            "single-parameter",
            f"{s.criterion.label} alone scores {number_words(s.points[0])}",
            s.criterion.slot,
        )
        for s in scored
        if len(s.points) == 1 and s.points[0] >= min(limits)
    )


def _warrant(
    description: Description,
    scored: tuple[Scored, ...],
    inputs: Mapping[str, Consumed],
    low: Decimal,
    high: Decimal,
    settled: bool,
) -> str:
    parts = " + ".join(_part(description, s, inputs) for s in scored)
    if settled:
        return f"{parts} = {number_words(low)}"
    if low == high:
        return f"{parts}: {number_words(low)} whatever the missing inputs are"
    return f"{parts}: at least {number_words(low)}, at most {number_words(high)}"


def _part(description: Description, scored: Scored, inputs: Mapping[str, Consumed]) -> str:
    points = scored.points
    subject = f"{scored.criterion.label} {_seen(description, scored, inputs)}"
    if len(points) == 1:
        return f"{subject}: {number_words(points[0])} ({scored.label})"
    return f"{subject}: {number_words(points[0])} to {number_words(points[-1])}"


def _seen(description: Description, scored: Scored, inputs: Mapping[str, Consumed]) -> str:
    """What is known of the criterion's slot; where that is nothing, of the others that its bands read."""
    criterion = scored.criterion
    own = inputs[criterion.slot]
    others = [name for name in read_by(criterion) if not isinstance(inputs[name].value, Absent)]
    if not isinstance(own.value, Absent) or own.bounds is not None or not others:
        return told(own)
    read = f"({', '.join(f'{named(description.slot(name))} {told(inputs[name])}' for name in others)})"
    return read if len(scored.points) == 1 else f"missing {read}"

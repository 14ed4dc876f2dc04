"""The score kind: the points of ordered bands, added up.

The bands of a criterion are read in order: a band known not to match is passed, one that may match stays possible, and
the first that is known to match ends the reading.  Where every band is known not to match, the criterion gives no
points.

Each criterion gives the set of points that are still possible.  Lowest and highest totals add the least and the most
of each set, so they hold whatever is missing; they may be wider than need be where criteria share a slot.

When a total is given:

- all criteria are decided and every required slot is filled: the total;
- a required slot is missing: no total, even where it could not change the points, for the chart requires it;
- with mpm:partialTotal, neither of these: the lowest total, with its bounds unless every criterion is decided; but not
  where a required slot is missing since the record could not be read, for then nobody knows what is recorded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from ontology.evaluation import Contribution, Evaluation, Interval, Issue, Severity, SlotInput, Working
from ontology.values import Absent, AbsentReason, Bound, Quantity, Value
from ontology.words.lists import list_words, slot_words
from ontology.words.quantities import number_words
from ontology.words.values import input_words
from server.catalog.criteria import Band, ScoreCriterion
from server.catalog.descriptions import Description
from server.kinds.inputs import missing_issues, missing_required
from server.kinds.logic import Verdict, all_of, any_of, judge_optional, slots_of, unknown_slots


@dataclass(frozen=True, slots=True)
class ScoredCriterion:
    """One criterion with the bands that may still hold; no band stands for no points."""

    criterion: ScoreCriterion
    bands: tuple[Band | None, ...]

    @property
    def points(self) -> tuple[Decimal, ...]:
        """The possible points, least first, each once."""
        return tuple(sorted({Decimal(0) if band is None else band.points for band in self.bands}))

    @property
    def label(self) -> str:
        """The possible bands in words."""
        return list_words(("none of its bands" if band is None else band.label for band in self.bands), "or")


def score_criterion(criterion: ScoreCriterion, inputs: Mapping[str, SlotInput]) -> ScoredCriterion:
    """Which bands of the criterion may hold."""
    possible: list[Band | None] = []
    for band in criterion.bands:
        verdict = all_of((judge_optional(band.when, inputs), judge_optional(band.match, inputs)))
        if verdict is not False:
            possible.append(band)
        if verdict is True:
            return ScoredCriterion(criterion, tuple(possible))
    return ScoredCriterion(criterion, (*possible, None))


def slots_read(criterion: ScoreCriterion) -> tuple[str, ...]:
    """The slots that the criterion reads: its own first, then those of its bands."""
    names = [criterion.slot]
    for band in criterion.bands:
        names += [*slots_of(band.match), *slots_of(band.when)]
    return tuple(dict.fromkeys(names))


def judge_single_criterion(description: Description, inputs: Mapping[str, SlotInput], points: Decimal) -> Verdict:
    """Whether one criterion by itself scores ``points`` or more."""
    verdicts: list[Verdict] = []
    for criterion in description.criteria:
        possible = score_criterion(criterion, inputs).points
        verdicts.append(True if possible[0] >= points else None if possible[-1] >= points else False)
    return any_of(verdicts)


UNIT = "{score}"
UNREAD_REASONS = frozenset(
    {AbsentReason.UNREACHABLE, AbsentReason.NOT_PERMITTED, AbsentReason.NOT_QUERIED, AbsentReason.FAILED}
)
"""Absences that imply nothing about the record: they must not be reported as "not recorded"."""


def evaluate_score(description: Description, inputs: Mapping[str, SlotInput]) -> Evaluation:
    """The total with each criterion's points, or between which totals it lies."""
    scored = tuple(score_criterion(criterion, inputs) for criterion in description.criteria)
    low = sum((s.points[0] for s in scored), Decimal(0))
    high = sum((s.points[-1] for s in scored), Decimal(0))
    missing = missing_required(description, inputs)
    unit = description.unit or UNIT
    unread = any(_is_unread(inputs[slot.name].value) for slot in missing)
    given = (description.partial_total and not unread) or (low == high and not missing)
    value: Value = Quantity(low, unit) if given else Absent(AbsentReason.INPUT_ABSENT)
    bounds = Interval(low, high, unit, "regardless of the missing inputs") if low < high or not given else None
    claim = None
    if given and bounds is not None:
        claim = (
            f"{description.produces.display}: at least {number_words(low)} (recorded); "
            f"up to {number_words(high)} if criteria {_missing_reason(scored, inputs)} are present"
        )
    severity = Severity.WARNING if given else Severity.ERROR
    issues = missing_issues(missing, inputs, severity)
    issues += _undetermined_issues(description, scored, inputs, severity)
    issues += _single_parameter_issues(description, scored)
    contributions = tuple(Contribution(s.criterion.slot, s.points[0], s.label) for s in scored if len(s.points) == 1)
    warrant = _warrant(description, scored, inputs, low, high, complete=bounds is None)
    return Evaluation(value, Working(warrant, claim, contributions=contributions), issues, bounds)


def _is_unread(value: Value) -> bool:
    return isinstance(value, Absent) and value.reason in UNREAD_REASONS


def _missing_reason(scored: tuple[ScoredCriterion, ...], inputs: Mapping[str, SlotInput]) -> str:
    """``not documented`` only where that is why all the open criteria are open; what cannot be used was recorded."""
    values = [inputs[name].value for s in scored if len(s.points) > 1 for name in slots_read(s.criterion)]
    lacking = [value for value in values if isinstance(value, Absent | Bound)]
    return "not documented" if all(value == Absent(AbsentReason.NOT_FOUND) for value in lacking) else "not known"


def _undetermined_issues(
    description: Description, scored: tuple[ScoredCriterion, ...], inputs: Mapping[str, SlotInput], severity: Severity
) -> tuple[Issue, ...]:
    """Optional inputs whose absence leaves points open, in one issue; the required ones are named on their own."""
    required = {slot.name for slot in description.slots if slot.required}
    names = [
        slot_words(description.slot(name))
        for s in scored
        if len(s.points) > 1
        for name in _slots_left_open(s, inputs)
        if name not in required
    ]
    if not names:
        return ()
    return (Issue(severity, "undetermined", f"Unknown, could change the total: {list_words(names)}"),)


def _slots_left_open(scored: ScoredCriterion, inputs: Mapping[str, SlotInput]) -> tuple[str, ...]:
    """The slots for whose sake a band is undecided; what is absent and decides all the same is none of them."""
    names: list[str] = []
    for band in scored.bands:
        for criterion in (band.match, band.when) if band is not None else ():
            names += unknown_slots(criterion, inputs)
    return tuple(dict.fromkeys(names))


def _single_parameter_issues(description: Description, scored: tuple[ScoredCriterion, ...]) -> tuple[Issue, ...]:
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
    scored: tuple[ScoredCriterion, ...],
    inputs: Mapping[str, SlotInput],
    low: Decimal,
    high: Decimal,
    complete: bool,
) -> str:
    parts = " + ".join(_describe_criterion(description, s, inputs) for s in scored)
    if complete:
        return f"{parts} = {number_words(low)}"
    if low == high:
        return f"{parts}: {number_words(low)} regardless of the missing inputs"
    return f"{parts}: at least {number_words(low)}, at most {number_words(high)}"


def _describe_criterion(description: Description, scored: ScoredCriterion, inputs: Mapping[str, SlotInput]) -> str:
    points = scored.points
    subject = f"{scored.criterion.label} {_describe_slot(description, scored, inputs)}"
    if len(points) == 1:
        return f"{subject}: {number_words(points[0])} ({scored.label})"
    return f"{subject}: {number_words(points[0])} to {number_words(points[-1])}"


def _describe_slot(description: Description, scored: ScoredCriterion, inputs: Mapping[str, SlotInput]) -> str:
    """What is known of the criterion's slot; where that is nothing, of the others that its bands read."""
    criterion = scored.criterion
    own = inputs[criterion.slot]
    others = [name for name in slots_read(criterion) if not isinstance(inputs[name].value, Absent)]
    if not isinstance(own.value, Absent) or own.bounds is not None or not others:
        return input_words(own, slot=criterion.slot)
    known = (f"{slot_words(description.slot(name))} {input_words(inputs[name], slot=name)}" for name in others)
    read = f"({', '.join(known)})"
    return read if len(scored.points) == 1 else f"missing {read}"

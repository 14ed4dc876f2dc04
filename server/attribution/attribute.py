"""What moved a result away from a baseline: ``attribute``, pure.

Risks are attributed on log-odds, where what adds up for a probability near 0 or 1 is not lost; scores and quantities
on their own scale.  For a code nothing is reckoned: it is said which inputs the change hangs on, and which criteria.
"""

from collections.abc import Iterable, Sequence
from datetime import tzinfo
from decimal import Decimal
from math import fsum, log

from ontology.evaluation import Evaluation
from ontology.values import Absent, Quantity
from server.attribution.deciding import settled
from server.attribution.effort import Effort, TooMuchError
from server.attribution.function import Hierarchy
from server.attribution.groups import groups_of
from server.attribution.items import between, flipped, items_of
from server.attribution.joining import joined
from server.attribution.playing import play
from server.attribution.shapley import Shares, coalitions, error_of_sum, shapley
from server.attribution.sides import Field, Side, carries
from server.attribution.told import CODE, LOG_ODDS, POINTS, Attribution, Item, Together, Undefined
from server.catalog.descriptions import Description, Kind
from server.compiler.plan import Goal, Plan


class _NoNumberError(Exception):
    """A mixture of both ends gives no number."""


def attribute(
    plan: Plan, goal: Goal, baseline: Side, actual: Side, zone: tzinfo, effort: Effort | None = None
) -> Attribution | Undefined:
    """What moved the goal between two ends.  ``zone`` is that in which days begin; ``effort`` what it may cost.

    The output is the actual result.  The base is what the hierarchy gives where every input that takes part is at its
    baseline: where inputs stayed, that need not be what was told then.
    """
    if goal.call is None:
        raise ValueError("a recorded concept has no inputs")
    function = Hierarchy(play(plan, goal, baseline, actual, zone), (baseline.at, actual.at), zone, effort)
    try:
        return _attributed(plan, goal.call, function, baseline, actual)
    except TooMuchError as fault:
        return Undefined(f"{goal.concept.display}: {fault}.")


def _attributed(plan: Plan, goal: str, function: Hierarchy, baseline: Side, actual: Side) -> Attribution | Undefined:
    description = plan.call(goal).description
    if baseline.usual is not None:
        function = settled(function)
    field = function.field
    base, output = function.goal(0), function.goal(function.everyone)
    display = description.produces.display
    if isinstance(output.value, Absent):
        return Undefined(f"{display} has no value, so there is nothing to attribute.")
    if baseline.usual is not None and not any(
        iri in field.carrying and _counts(plan, iri, n) for iri, n in baseline.usual
    ):
        return Undefined(f"{display}: none of its inputs has a usual value to compare with.")
    if isinstance(base.value, Absent):
        why = base.working.warrant.rstrip(".")
        return Undefined(f"{display} has no value at the baseline ({why}), so there is nothing to compare with.")
    if output.value != actual.values.get(goal):
        return Undefined(f"{display} could not be computed again from its inputs.")
    if not (isinstance(base.value, Quantity) and isinstance(output.value, Quantity)):
        return _of_code(function, base, output)
    scale = _scale(description)
    try:
        ends = _number(base, description), _number(output, description)
        function, shares = _shared(function, description)
    except _NoNumberError:
        text = "some of the inputs from the baseline with the others as they are give no value, or a certainty"
        return Undefined(f"{display}: {text}, so that nothing can be shared out.")
    field = function.field
    errors = shares.errors or (None,) * len(shares.amounts)
    told = [
        items_of(function, index, amount, error)
        for index, (amount, error) in enumerate(zip(shares.amounts, errors, strict=True))
    ]
    return Attribution(
        scale,
        *ends,
        base.value,
        output.value,
        _by_size(item for items in told for item in items),
        field.stayed,
        flipped(function),
        _groups(field, told, shares),
        between(function),
        base.bounds,
        output.bounds,
    )


def _shared(function: Hierarchy, description: Description) -> tuple[Hierarchy, Shares]:
    """The share of each player; where a mixture gives no number, of those that must move as one together."""
    players = len(function.field.players)
    try:
        function.prepare(coalitions(players))
        return function, shapley(players, lambda mask: _number(function.goal(mask), description))
    except _NoNumberError:
        other = joined(function)
        if other is function:
            raise
        return _shared(other, description)


def _counts(plan: Plan, iri: str, name: str) -> bool:
    return carries(plan.call(iri).description.slot(name))


def _by_size(items: Iterable[Item]) -> tuple[Item, ...]:
    return tuple(sorted(items, key=lambda item: -abs(item.amount)))


def _groups(field: Field, items: Sequence[tuple[Item, ...]], shares: Shares) -> tuple[Together, ...]:
    """What correlated inputs, and those that move as one, moved together, the largest first."""
    found = []
    for text, members in groups_of(field):
        own = _by_size(item for member in members for item in items[member])
        found.append(Together(text, own, fsum(item.amount for item in own), error_of_sum(shares, members)))
    return tuple(sorted(found, key=lambda group: -abs(group.amount)))


def _of_code(function: Hierarchy, base: Evaluation, output: Evaluation) -> Attribution:
    single = [1 << index for index in range(len(function.field.players))]
    if any(isinstance(function.goal(mask ^ bit).value, Absent) for bit in single for mask in (0, function.everyone)):
        function = joined(function)
    field, everyone = function.field, function.everyone
    items: list[Item] = []
    for index in range(len(field.players)):
        bit = 1 << index
        # Where this input alone leaves no result, it makes no other of it.
        only = function.goal(bit).value
        alone = only != base.value and not isinstance(only, Absent)
        needed = function.goal(everyone & ~bit).value != output.value
        if alone or needed:
            items += items_of(function, index, alone=alone, needed=needed)
    ends = 0.0, 0.0, base.value, output.value
    return Attribution(CODE, *ends, tuple(items), field.stayed, flipped(function), between=between(function))


def _scale(description: Description) -> str:
    if description.risk is not None:
        return LOG_ODDS
    return POINTS if description.kind is Kind.SCORE else description.unit or description.produces.unit or "1"


def _number(evaluation: Evaluation, description: Description) -> float:
    if not isinstance(evaluation.value, Quantity):
        raise _NoNumberError
    number = evaluation.value.value
    if description.risk is None:
        return float(number)
    probability = number / (Decimal(100) if evaluation.value.unit == "%" else Decimal(1))
    if not 0 < probability < 1:
        raise _NoNumberError
    return log(probability / (1 - probability))

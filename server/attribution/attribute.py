"""What moved a result away from a baseline: ``attribute``, pure.

Risks are attributed on log-odds, where what adds up for a probability near 0 or 1 is not lost; scores and quantities
on their own scale.  For a code nothing is reckoned: it is said which inputs the change hangs on, and which criteria.
"""

from datetime import tzinfo
from decimal import Decimal
from functools import partial
from math import fsum, log

from ontology.evaluation import Evaluation
from ontology.values import Absent, Quantity
from server.attribution.deciding import settled
from server.attribution.function import Hierarchy
from server.attribution.groups import groups_of
from server.attribution.items import between, flipped, item_of
from server.attribution.playing import play
from server.attribution.shapley import Shares, coalitions, error_of_sum, shapley
from server.attribution.sides import Field, Side, carries
from server.attribution.told import CODE, LOG_ODDS, POINTS, Attribution, Item, Together, Undefined
from server.catalog.descriptions import Description, Kind
from server.compiler.plan import Goal, Plan


class _NoNumberError(Exception):
    """A mixture of both ends gives no number."""


def attribute(plan: Plan, goal: Goal, baseline: Side, actual: Side, zone: tzinfo) -> Attribution | Undefined:
    """What moved the goal between two ends.  ``zone`` is that in which days begin.

    The output is the actual result.  The base is what the hierarchy gives where every input that takes part is at its
    baseline: where inputs stayed, that need not be what was told then.
    """
    if goal.call is None:
        raise ValueError("a recorded concept has no inputs")
    description = plan.call(goal.call).description
    times = baseline.at, actual.at
    function = Hierarchy(play(plan, goal, baseline, actual, zone), times, zone)
    if baseline.usual is not None:
        function = settled(function, times, zone)
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
    if output.value != actual.values.get(goal.call):
        return Undefined(f"{display} could not be computed again from its inputs.")
    if not (isinstance(base.value, Quantity) and isinstance(output.value, Quantity)):
        return _of_code(function, base, output)
    scale = _scale(description)
    try:
        ends = _number(base, description), _number(output, description)
        function.prepare(coalitions(len(field.players)))
        shares = shapley(len(field.players), lambda mask: _number(function.goal(mask), description))
    except _NoNumberError:
        text = "some of the inputs from the baseline with the others as they are give no value, or a certainty"
        return Undefined(f"{display}: {text}, so that nothing can be shared out.")
    errors = shares.errors or (None,) * len(shares.amounts)
    told = tuple(map(partial(item_of, function), field.players, shares.amounts, errors))
    return Attribution(
        scale,
        *ends,
        base.value,
        output.value,
        tuple(sorted(told, key=lambda item: -abs(item.amount))),
        field.stayed,
        flipped(function),
        _groups(field, told, shares),
        between(function),
        base.bounds,
        output.bounds,
    )


def _counts(plan: Plan, iri: str, name: str) -> bool:
    return carries(plan.call(iri).description.slot(name))


def _groups(field: Field, items: tuple[Item, ...], shares: Shares) -> tuple[Together, ...]:
    """What correlated inputs moved together, the largest first."""
    found = []
    for group, members in groups_of(field):
        own = sorted((items[member] for member in members), key=lambda item: -abs(item.amount))
        amount = fsum(item.amount for item in own)
        found.append(Together(group.text, tuple(own), amount, error_of_sum(shares, members)))
    return tuple(sorted(found, key=lambda group: -abs(group.amount)))


def _of_code(function: Hierarchy, base: Evaluation, output: Evaluation) -> Attribution:
    field, everyone = function.field, function.everyone
    items = []
    for index, player in enumerate(field.players):
        bit = 1 << index
        alone = function.goal(bit).value != base.value
        needed = function.goal(everyone & ~bit).value != output.value
        if alone or needed:
            items.append(item_of(function, player, alone=alone, needed=needed))
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

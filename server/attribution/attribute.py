"""What moved a result away from a baseline: ``attribute``, pure.

Risks are attributed on log-odds, where what adds up for a probability near 0 or 1 is not lost; scores and quantities
on their own scale.  For a code nothing is reckoned: it is said which inputs the change hangs on, and which criteria.
"""

from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal
from math import fsum, log

from ontology.concepts import Concept
from ontology.evaluation import Evaluation
from ontology.resources import Resource
from ontology.values import Absent, Quantity, Value
from server.attribution.function import Hierarchy
from server.attribution.shapley import coalitions, shapley
from server.attribution.sides import Player, Side, Stayed, play
from server.catalog.descriptions import Description, Kind
from server.compiler.plan import Goal, Plan
from server.executor.trace import BoundInput
from server.kinds.logic import judge_optional

LOG_ODDS = "LOG_ODDS"
POINTS = "POINTS"
CODE = "CODE"
"""Scales; any other is a unit."""


@dataclass(frozen=True, slots=True)
class Item:
    """One player and what it moved; ``error`` is a standard error, where the amounts were sampled.

    ``before`` and ``after`` are what it was at each end, with the records of both; the evaluation time is told by the
    first result that depends on it (age).  Of a code there is no amount: ``alone`` says that this input by itself
    changes it from the baseline, ``needed`` that it would not have changed to what it is without.
    """

    concept: Concept
    slot: str | None
    before: Value
    after: Value
    resources_before: tuple[Resource, ...] = ()
    resources: tuple[Resource, ...] = ()
    amount: float = 0.0
    error: float | None = None
    alone: bool = False
    needed: bool = False
    time: bool = False
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class Attribution:
    """How much each input moved the result from ``base`` to ``output`` on ``scale``; the largest first.

    ``base_value`` and ``output_value`` are the ends as values.  ``flipped`` are criteria of rules that are met now and
    were not, in words.
    """

    scale: str
    base: float
    output: float
    base_value: Value
    output_value: Value
    items: tuple[Item, ...]
    stayed: tuple[Stayed, ...]
    flipped: tuple[str, ...] = ()

    @property
    def residual(self) -> float:
        """``output - base - sum(amounts)``; none of a code."""
        if self.scale == CODE:
            return 0.0
        return fsum([self.output, -self.base, *(-item.amount for item in self.items)])


@dataclass(frozen=True, slots=True)
class Undefined:
    """There is no attribution, and why (a sentence)."""

    why: str


class _NoNumberError(Exception):
    """A mixture of both ends gives no number."""


def attribute(plan: Plan, goal: Goal, baseline: Side, actual: Side, zone: tzinfo) -> Attribution | Undefined:
    """What moved the goal between two ends.  ``zone`` is that in which days begin.

    The output is the actual result.  The base is what the hierarchy gives where every input that takes part is at its
    baseline: where inputs stayed, that need not be what was told then.
    """
    if goal.call is None:
        raise ValueError("a recorded concept has no inputs")
    field = play(plan, goal, baseline, actual, zone)
    function = Hierarchy(field, (baseline.at, actual.at), zone)
    description = plan.call(goal.call).description
    base, output = function.goal(0), function.goal(function.everyone)
    display = description.produces.display
    if isinstance(output.value, Absent):
        return Undefined(f"{display} has no value, so there is nothing to attribute.")
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
    told = [
        _item(function, index, player, amount, error)
        for index, (player, amount, error) in enumerate(zip(field.players, shares.amounts, errors, strict=True))
    ]
    items = tuple(sorted(told, key=lambda item: -abs(item.amount)))
    return Attribution(scale, *ends, base.value, output.value, items, field.stayed, _flipped(function))


def _of_code(function: Hierarchy, base: Evaluation, output: Evaluation) -> Attribution:
    field, everyone = function.field, function.everyone
    items = []
    for index, player in enumerate(field.players):
        bit = 1 << index
        alone = function.goal(bit).value != base.value
        needed = function.goal(everyone & ~bit).value != output.value
        if alone or needed:
            items.append(_item(function, index, player, 0.0, None, alone=alone, needed=needed))
    return Attribution(CODE, 0.0, 0.0, base.value, output.value, tuple(items), field.stayed, _flipped(function))


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


def _item(
    function: Hierarchy,
    index: int,
    player: Player,
    amount: float,
    error: float | None,
    alone: bool = False,
    needed: bool = False,
) -> Item:
    if player.is_time:
        return _time(function, index, amount, error, alone, needed)
    move = player.moves[0]
    names = {each.before.slot.name for each in player.moves}
    return Item(
        concept=move.after.slot.concept,
        slot=move.after.slot.name if len(names) == 1 else None,
        before=move.before.value,
        after=move.after.value,
        resources_before=_records([each.before for each in player.moves]),
        resources=_records([each.after for each in player.moves]),
        amount=amount,
        error=error,
        alone=alone,
        needed=needed,
        assumed=move.after.assumed and not move.after.by_site,
    )


def _records(inputs: list[BoundInput]) -> tuple[Resource, ...]:
    return tuple(dict.fromkeys(resource for given in inputs for resource in given.resources))


def _time(function: Hierarchy, index: int, amount: float, error: float | None, alone: bool, needed: bool) -> Item:
    """The evaluation time, shown as the first number that it changes by itself: age."""
    everyone = function.everyone
    readers = [call for call in function.field.calls if call.description.evaluation_time is not None]
    first = readers[0].description
    for call in readers:
        before = function.call(call.description.iri, everyone & ~(1 << index)).value
        after = function.call(call.description.iri, everyone).value
        if isinstance(before, Quantity) and isinstance(after, Quantity) and before != after:
            return Item(call.description.produces, None, before, after, (), (), amount, error, alone, needed, time=True)
    before = function.call(first.iri, everyone & ~(1 << index)).value
    after = function.call(first.iri, everyone).value
    return Item(first.produces, None, before, after, (), (), amount, error, alone, needed, time=True)


def _flipped(function: Hierarchy) -> tuple[str, ...]:
    """Of each rule: the case that is met now, where another was at the baseline."""
    told = []
    for call in function.field.calls:
        description = call.description
        if description.kind is not Kind.RULE or description.iri not in function.field.carrying:
            continue
        before, after = (_case(function, description, mask) for mask in (0, function.everyone))
        if after is not None and before is not None and before != after:
            told.append(f"{description.produces.display}: {after} (at the baseline: {before})")
    return tuple(told)


def _case(function: Hierarchy, description: Description, mask: int) -> str | None:
    inputs = function.inputs(description.iri, mask)
    for case in description.cases:
        verdict = judge_optional(case.when, inputs)
        if verdict is not False:
            return case.label if verdict else None
    return None

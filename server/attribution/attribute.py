"""Attributes the change of a result from a baseline to its inputs: ``attribute``, pure.

Risks are attributed on log-odds, where what adds up for a probability near 0 or 1 is not lost; scores and quantities
on their own scale.  For a code no amount is computed: the attribution says on which inputs and criteria the change
depends.
"""

from collections.abc import Iterable, Sequence
from datetime import tzinfo
from decimal import Decimal
from math import fsum, log

from ontology.evaluation import Evaluation
from ontology.values import Absent, Quantity
from ontology.words.values import rendered
from server.attribution.applicability import join_players, without_deciding_players
from server.attribution.game import Game, Snapshot, carries_value
from server.attribution.players import correlated_groups, make_game
from server.attribution.result import (
    CODE,
    LOG_ODDS,
    NOTHING_TO_COMPARE,
    POINTS,
    Attribution,
    AttributionGroup,
    AttributionItem,
    NoAttribution,
    computed_between,
    flipped_criteria,
    items_of,
)
from server.attribution.shapley import Shares, coalitions, error_of_sum, shapley
from server.attribution.value_function import ValueFunction
from server.catalog.descriptions import Description, Kind
from server.compiler.plan import Goal, Plan
from server.executor.budget import Effort, EffortExceededError


class _NoNumberError(Exception):
    """A mixture of both ends has no number as its result."""


def attribute(
    plan: Plan, goal: Goal, baseline: Snapshot, actual: Snapshot, zone: tzinfo, effort: Effort | None = None
) -> Attribution | NoAttribution:
    """What moved the goal between two ends.  ``zone`` is that in which days begin; ``effort`` what it may cost.

    The output is the actual result.  The base is the result of the hierarchy where every input that takes part is at
    its baseline: where inputs stayed, it may differ from the result of that time.  ValueError for a recorded concept.
    """
    if goal.call is None:
        raise ValueError("a recorded concept has no inputs")
    function = ValueFunction(make_game(plan, goal, baseline, actual, zone), (baseline.at, actual.at), zone, effort)
    try:
        return _attribute_goal(plan, goal.call, function, baseline, actual)
    except EffortExceededError as fault:
        return NoAttribution(f"{goal.concept.display}: {fault}.")


def _attribute_goal(
    plan: Plan, goal: str, function: ValueFunction, baseline: Snapshot, actual: Snapshot
) -> Attribution | NoAttribution:
    description = plan.call(goal).description
    if baseline.usual_texts is not None:
        function = without_deciding_players(function)
    game = function.game
    base, output = function.evaluate_goal(0), function.evaluate_goal(function.everyone)
    display = description.produces.display
    if isinstance(output.value, Absent):
        return NoAttribution(f"{display} has no value, so there is nothing to attribute.")
    if baseline.usual_texts is not None and not any(
        iri in game.carrying and _slot_carries_value(plan, iri, n) for iri, n in baseline.usual_texts
    ):
        return NoAttribution(f"{display}: none of its inputs has a usual value {NOTHING_TO_COMPARE}")
    if isinstance(base.value, Absent):
        why = rendered(base.working.warrant, {}).rstrip(".")
        return NoAttribution(
            f"{display} has no value at the baseline ({why}), so there is nothing {NOTHING_TO_COMPARE}"
        )
    if output.value != actual.values.get(goal):
        return NoAttribution(f"{display} could not be computed again from its inputs.")
    if not (isinstance(base.value, Quantity) and isinstance(output.value, Quantity)):
        return _attribute_code(function, base, output)
    scale = _scale(description)
    try:
        ends = _number(base, description), _number(output, description)
        function, shares = _shapley_shares(function, description)
    except _NoNumberError:
        text = "some mixtures of present and baseline inputs give no value, or a certainty"
        return NoAttribution(f"{display}: no attribution, since {text}.")
    game = function.game
    errors = shares.errors or (None,) * len(shares.amounts)
    items = [
        items_of(function, index, amount, error)
        for index, (amount, error) in enumerate(zip(shares.amounts, errors, strict=True))
    ]
    return Attribution(
        scale,
        *ends,
        base.value,
        output.value,
        _largest_first(item for player in items for item in player if not _is_unchanged(item)),
        game.stayed,
        flipped_criteria(function),
        _attribution_groups(game, items, shares),
        computed_between(function),
        base.bounds,
        output.bounds,
        bool(base.presumed or output.presumed),
    )


def _shapley_shares(function: ValueFunction, description: Description) -> tuple[ValueFunction, Shares]:
    """The share of each player; where a mixture gives no number, of those that must move as one together."""
    players = len(function.game.players)
    try:
        function.prepare(coalitions(players))
        return function, shapley(players, lambda mask: _number(function.evaluate_goal(mask), description))
    except _NoNumberError:
        other = join_players(function)
        if other is function:
            raise
        return _shapley_shares(other, description)


def _slot_carries_value(plan: Plan, iri: str, name: str) -> bool:
    return carries_value(plan.call(iri).description.slot(name))


def _is_unchanged(item: AttributionItem) -> bool:
    """Whether an input is the same at both ends and moved nothing: the time, where nothing is known that it changes."""
    return item.before == item.after and not item.amount


def _largest_first(items: Iterable[AttributionItem]) -> tuple[AttributionItem, ...]:
    return tuple(sorted(items, key=lambda item: -abs(item.amount)))


def _attribution_groups(
    game: Game, items: Sequence[tuple[AttributionItem, ...]], shares: Shares
) -> tuple[AttributionGroup, ...]:
    """What correlated inputs, and those that move as one, moved together, the largest first."""
    found = []
    for text, members in correlated_groups(game):
        own = _largest_first(item for member in members for item in items[member])
        found.append(AttributionGroup(text, own, fsum(item.amount for item in own), error_of_sum(shares, members)))
    return tuple(sorted(found, key=lambda group: -abs(group.amount)))


def _attribute_code(function: ValueFunction, base: Evaluation, output: Evaluation) -> Attribution:
    single = [1 << index for index in range(len(function.game.players))]
    if any(
        isinstance(function.evaluate_goal(mask ^ bit).value, Absent)
        for bit in single
        for mask in (0, function.everyone)
    ):
        function = join_players(function)
    game, everyone = function.game, function.everyone
    items: list[AttributionItem] = []
    for index in range(len(game.players)):
        bit = 1 << index
        # Where this input alone leaves no result, it does not change the code by itself.
        only = function.evaluate_goal(bit).value
        alone = only != base.value and not isinstance(only, Absent)
        needed = function.evaluate_goal(everyone & ~bit).value != output.value
        if alone or needed:
            items += items_of(function, index, alone=alone, needed=needed)
    ends = 0.0, 0.0, base.value, output.value
    return Attribution(
        CODE, *ends, tuple(items), game.stayed, flipped_criteria(function), between=computed_between(function)
    )


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

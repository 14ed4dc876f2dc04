"""The result of an attribution: what each input moved, between which ends, what stayed, and what changed on the way.

Every output (text, RDF, FHIR, GraphQL) reads these objects: ``server.explain`` only adds words to them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from math import fsum

from ontology.concepts import Concept
from ontology.evaluation import Interval
from ontology.resources import RecordRef, Resource, records_of
from ontology.values import Quantity, Value
from server.attribution.game import Player, StayedInput
from server.attribution.value_function import ValueFunction
from server.catalog.descriptions import Description, Kind
from server.executor.trace import BoundInput
from server.kinds.interpretation import interpret
from server.kinds.logic import judge_optional

LOG_ODDS = "LOG_ODDS"
POINTS = "POINTS"
CODE = "CODE"
"""Scales; any other is a unit."""
NOTHING_TO_COMPARE = "to compare with."
"""The end of a reason that there is no attribution, where there is nothing at the other end."""


@dataclass(frozen=True, slots=True)
class AttributionItem:
    """One input and what it moved; ``error`` is a standard error, where the amounts were sampled.

    ``before`` and ``after`` are its values at each end, with the records of both; the evaluation time is shown by the
    first result that depends on it (age).  Of a code there is no amount: ``alone`` means that this input by itself
    changes it from the baseline, ``needed`` that it would be another code without this input.  ``usual`` describes the
    value of a reference baseline (usual, or the median of some training data); it is None for other baselines.
    ``slot`` is None where several slots of different names are filled alike.
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
    usual: str | None = None

    @property
    def records_before(self) -> tuple[RecordRef, ...]:
        """The records in the EHR at the baseline."""
        return records_of(self.resources_before)

    @property
    def records(self) -> tuple[RecordRef, ...]:
        """The records in the EHR that the value comes from."""
        return records_of(self.resources)

    @property
    def effective_before(self) -> datetime | None:
        """The latest time of the records at the baseline; None where none carries a time."""
        return _latest_time(self.resources_before)

    @property
    def effective(self) -> datetime | None:
        """The latest time of the records; None where none carries a time."""
        return _latest_time(self.resources)


def _latest_time(resources: Iterable[Resource]) -> datetime | None:
    return max((each.effective.end for each in resources if each.effective is not None), default=None)


@dataclass(frozen=True, slots=True)
class AttributionGroup:
    """Correlated inputs, as the description of a model groups them; ``items`` (two at least) are in the attribution's.

    ``amount`` is the sum of theirs; ``error`` its standard error, where the amounts were sampled.
    """

    text: str
    items: tuple[AttributionItem, ...]
    amount: float
    error: float | None = None


@dataclass(frozen=True, slots=True)
class ComputedBetween:
    """A number computed on the way from the leaves to the result, at both ends: no item, since the items moved it."""

    concept: Concept
    before: Value
    after: Value
    decimals: int | None = None


@dataclass(frozen=True, slots=True)
class Attribution:
    """How much each input moved the result from ``base`` to ``output`` on ``scale``; the largest first.

    ``scale`` is LOG_ODDS, POINTS, CODE (then base, output and amounts are 0) or a unit.  ``base_value`` and
    ``output_value`` are the ends as values; where one is only the least that the result can be, its bounds are given.
    ``presumed``: the ends hold only if the lists are complete, and their bounds in any case.
    ``stayed``: the inputs that are the same at both ends, and why.  ``flipped``, in words: criteria of rules, and bands
    and special rules of scores, that hold now and did not at the baseline.
    """

    scale: str
    base: float
    output: float
    base_value: Value
    output_value: Value
    items: tuple[AttributionItem, ...]
    stayed: tuple[StayedInput, ...]
    flipped: tuple[str, ...] = ()
    groups: tuple[AttributionGroup, ...] = ()
    between: tuple[ComputedBetween, ...] = ()
    base_bounds: Interval | None = None
    output_bounds: Interval | None = None
    presumed: bool = False

    @property
    def residual(self) -> float:
        """``output - base - sum(amounts)``; 0 for a code."""
        if self.scale == CODE:
            return 0.0
        return fsum([self.output, -self.base, *(-item.amount for item in self.items)])


@dataclass(frozen=True, slots=True)
class NoAttribution:
    """There is no attribution; ``reason`` is a sentence."""

    reason: str


def items_of(
    function: ValueFunction,
    index: int,
    amount: float = 0.0,
    error: float | None = None,
    alone: bool = False,
    needed: bool = False,
) -> tuple[AttributionItem, ...]:
    """The item of a player; of joined players, an item of each.

    What those moved is split equally, since their shares cannot be distinguished; none of them decides alone.
    """
    player = function.game.players[index]
    if not player.joined:
        return (_item(function, index, player, amount, error, alone, needed),)
    count = len(player.joined)
    part = None if error is None else error / count
    return tuple(_item(function, index, each, amount / count, part, False, alone or needed) for each in player.joined)


def _item(
    function: ValueFunction, index: int, player: Player, amount: float, error: float | None, alone: bool, needed: bool
) -> AttributionItem:
    if player.is_time:
        return _time_item(function, index, amount, error, alone, needed)
    move = player.moves[0]
    names = {each.before.slot.name for each in player.moves}
    return AttributionItem(
        concept=move.after.slot.concept,
        slot=move.after.slot.name if len(names) == 1 else None,
        before=move.before.value,
        after=move.after.value,
        resources_before=_input_resources([each.before for each in player.moves]),
        resources=_input_resources([each.after for each in player.moves]),
        amount=amount,
        error=error,
        alone=alone,
        needed=needed,
        assumed=move.after.assumed and not move.after.by_site,
        usual=move.usual,
    )


def _input_resources(inputs: list[BoundInput]) -> tuple[Resource, ...]:
    return tuple(dict.fromkeys(resource for given in inputs for resource in given.resources))


def _time_item(
    function: ValueFunction, index: int, amount: float, error: float | None, alone: bool, needed: bool
) -> AttributionItem:
    """The evaluation time, shown as the first number that it changes by itself: age."""
    everyone = function.everyone
    rest = everyone & ~(1 << index)
    timed = function.game.time_linked
    calls = [call for call in function.game.calls if call.description.evaluation_time is not None]
    readers = [call for call in calls if call.description.iri not in timed]
    shown = readers[0].description
    for call in readers:
        before = function.evaluate_call(call.description.iri, rest).value
        after = function.evaluate_call(call.description.iri, everyone).value
        if isinstance(before, Quantity) and isinstance(after, Quantity) and before != after:
            shown = call.description
            break
    before, after = function.evaluate_call(shown.iri, rest).value, function.evaluate_call(shown.iri, everyone).value
    return AttributionItem(shown.produces, None, before, after, (), (), amount, error, alone, needed, time=True)


def computed_between(function: ValueFunction) -> tuple[ComputedBetween, ...]:
    """The numbers on the way that differ between the ends; but for what the time alone changes (age)."""
    found = []
    for call in function.game.calls:
        description = call.description
        if description.iri == function.game.goal or description.iri not in function.game.carrying:
            continue
        before, after = (function.evaluate_call(description.iri, mask).value for mask in (0, function.everyone))
        numbers = isinstance(before, Quantity) and isinstance(after, Quantity)
        if numbers and before != after and description.evaluation_time is None:
            found.append(ComputedBetween(description.produces, before, after, description.display_decimals))
    return tuple(found)


def flipped_criteria(function: ValueFunction) -> tuple[str, ...]:
    """In words: the case of each rule, the band of the goal and the special rule of each score that are new."""
    found = []
    for call in function.game.calls:
        description = call.description
        if description.iri not in function.game.carrying:
            continue
        if description.kind is Kind.RULE:
            before, after = (_matching_case(function, description, mask) for mask in (0, function.everyone))
            if after is not None and before is not None and before != after:
                found.append(f"{description.produces.display}: {after}, instead of {before}")
        elif description.kind is Kind.SCORE:
            found += _single_parameter_change(function, description)
    return (*_band_change(function), *found)


def _matching_case(function: ValueFunction, description: Description, mask: int) -> str | None:
    inputs = function.inputs(description.iri, mask)
    for case in description.cases:
        verdict = judge_optional(case.when, inputs)
        if verdict is not False:
            return case.label if verdict else None
    return None


def _single_parameter_change(function: ValueFunction, description: Description) -> list[str]:
    """The change where a single parameter reaches the score's own limit for one now and none did, or the reverse."""
    was, now = (
        [i.text for i in function.evaluate_call(description.iri, mask).issues if i.code == "single-parameter"]
        for mask in (0, function.everyone)
    )
    if bool(was) is bool(now):
        return []
    # Usual values are no earlier time: nothing is new, or no longer so, beside them.
    alone = "; ".join(now or was)
    change = f"{alone}, instead of no single parameter" if now else f"no single parameter, instead of {alone}"
    return [f"{description.produces.display}: {change}"]


def _band_change(function: ValueFunction) -> tuple[str, ...]:
    """Of a goal that is a number: the band of its interpretation."""
    description = function.calls[function.game.goal].description
    if description.kind is Kind.RULE:
        return ()
    before, after = (
        interpret(description, function.inputs(description.iri, mask), function.evaluate_goal(mask))
        for mask in (0, function.everyone)
    )
    if before is None or after is None or before.text == after.text:
        return ()
    return (f"Now: {after.text}, instead of {before.text}",)

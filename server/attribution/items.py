"""Players as items: what each was at both ends, with its records; and what else is told of the way between."""

from ontology.resources import Resource
from ontology.values import Quantity
from server.attribution.function import Hierarchy
from server.attribution.sides import Player
from server.attribution.told import Between, Item
from server.catalog.descriptions import Description, Kind
from server.executor.trace import BoundInput
from server.kinds.interpret import interpret
from server.kinds.logic import judge_optional


def items_of(
    function: Hierarchy,
    index: int,
    amount: float = 0.0,
    error: float | None = None,
    alone: bool = False,
    needed: bool = False,
) -> tuple[Item, ...]:
    """The item of a player; of one that is several in one, an item of each.

    What those moved is told as equal parts, since none of them can be told from the others; none decides alone.
    """
    player = function.field.players[index]
    if not player.joined:
        return (_item(function, index, player, amount, error, alone, needed),)
    count = len(player.joined)
    part = None if error is None else error / count
    return tuple(_item(function, index, each, amount / count, part, False, alone or needed) for each in player.joined)


def _item(
    function: Hierarchy, index: int, player: Player, amount: float, error: float | None, alone: bool, needed: bool
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
        usual=move.usual,
    )


def _records(inputs: list[BoundInput]) -> tuple[Resource, ...]:
    return tuple(dict.fromkeys(resource for given in inputs for resource in given.resources))


def _time(function: Hierarchy, index: int, amount: float, error: float | None, alone: bool, needed: bool) -> Item:
    """The evaluation time, shown as the first number that it changes by itself: age."""
    everyone = function.everyone
    rest = everyone & ~(1 << index)
    timed = function.field.timed
    calls = [call for call in function.field.calls if call.description.evaluation_time is not None]
    readers = [call for call in calls if call.description.iri not in timed]
    shown = readers[0].description
    for call in readers:
        before = function.call(call.description.iri, rest).value
        after = function.call(call.description.iri, everyone).value
        if isinstance(before, Quantity) and isinstance(after, Quantity) and before != after:
            shown = call.description
            break
    before, after = function.call(shown.iri, rest).value, function.call(shown.iri, everyone).value
    return Item(shown.produces, None, before, after, (), (), amount, error, alone, needed, time=True)


def between(function: Hierarchy) -> tuple[Between, ...]:
    """The numbers on the way that are not the same at both ends; but for what the time alone changes (age)."""
    told = []
    for call in function.field.calls:
        description = call.description
        if description.iri == function.field.goal or description.iri not in function.field.carrying:
            continue
        before, after = (function.call(description.iri, mask).value for mask in (0, function.everyone))
        numbers = isinstance(before, Quantity) and isinstance(after, Quantity)
        if numbers and before != after and description.evaluation_time is None:
            told.append(Between(description.produces, before, after, description.display_decimals))
    return tuple(told)


def flipped(function: Hierarchy) -> tuple[str, ...]:
    """Of each rule the case, of the goal the band, and of each score the special rule, that is met now and was not."""
    told = []
    for call in function.field.calls:
        description = call.description
        if description.iri not in function.field.carrying:
            continue
        if description.kind is Kind.RULE:
            before, after = (_case(function, description, mask) for mask in (0, function.everyone))
            if after is not None and before is not None and before != after:
                told.append(f"{description.produces.display}: {after} (at the baseline: {before})")
        elif description.kind is Kind.SCORE:
            told += _special(function, description)
    return (*_band(function), *told)


def _case(function: Hierarchy, description: Description, mask: int) -> str | None:
    inputs = function.inputs(description.iri, mask)
    for case in description.cases:
        verdict = judge_optional(case.when, inputs)
        if verdict is not False:
            return case.label if verdict else None
    return None


def _special(function: Hierarchy, description: Description) -> list[str]:
    """Whether single parameters reach by themselves what the score minds in one alone, and none did, or none does."""
    was, now = (
        [i.text for i in function.call(description.iri, mask).issues if i.code == "single-parameter"]
        for mask in (0, function.everyone)
    )
    if bool(was) is bool(now):
        return []
    ended = "at the baseline" if now else "not so now"
    alone = "; ".join(now or was)
    return [f"{description.produces.display}: {alone} ({'none ' if now else ''}{ended})"]


def _band(function: Hierarchy) -> tuple[str, ...]:
    """Of a goal that is a number: the band of its interpretation."""
    description = function.calls[function.field.goal].description
    if description.kind is Kind.RULE:
        return ()
    before, after = (
        interpret(description, function.inputs(description.iri, mask), function.goal(mask))
        for mask in (0, function.everyone)
    )
    if before is None or after is None or before.text == after.text:
        return ()
    return (f"Now: {after.text} (at the baseline: {before.text})",)

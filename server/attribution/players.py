"""Who plays between two snapshots, what stays, and which players are correlated.

An input plays where it is different, and known at both ends.  Players are grouped where they reach the result through
correlated inputs of a model alone.  Each leaf stays a player of its own, so that its amount is the Shapley value by the
definition; the amount of a group is the sum of its members' amounts.  One player for a group would make fewer unlikely
mixtures, but would give no amount of a leaf; what it would give for the group is near the sum.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, tzinfo

from ontology.evaluation import SlotInput
from ontology.slots import Select
from ontology.values import Absent, Quantity, Value
from server.attribution.game import (
    MISSING_AT_BASELINE,
    MISSING_NOW,
    NO_REFERENCE,
    Game,
    Move,
    Place,
    Player,
    Snapshot,
    StayedInput,
    carries_value,
    hierarchy,
    leaf_key,
)
from server.catalog.trained_model import CorrelatedSlots
from server.compiler.plan import FromCall, Goal, Leaf, Plan, PlannedCall
from server.executor.fingerprint import truncate_time
from server.executor.trace import BoundInput


def make_game(plan: Plan, goal: Goal, baseline: Snapshot, actual: Snapshot, zone: tzinfo) -> Game:
    """Who plays between two ends of a computed goal, and what stays.  ValueError for a goal that is not computed."""
    if goal.call is None:
        raise ValueError("the goal is not computed")
    cuts = baseline.cuts or _one_sided_inputs(plan, goal.call, baseline, actual)
    calls = hierarchy(plan, goal.call, cuts=cuts)
    carrying = frozenset(call.description.iri for call in hierarchy(plan, goal.call, carrying_only=True, cuts=cuts))
    fixed: dict[Place, SlotInput] = {}
    stayed: dict[tuple[object, ...], StayedInput] = {}
    moves: dict[tuple[object, ...], list[Move]] = {}
    usual = baseline.usual_texts or {}
    for call in calls:
        for slot in call.description.slots:
            place = call.description.iri, slot.name
            before, after = baseline.inputs.get(place), actual.inputs[place]
            binding = call.bindings[slot.name]
            leaf = not isinstance(binding, FromCall) or place in cuts
            if isinstance(binding, FromCall) and not (
                leaf or _is_cut_off(binding.call, after, actual) or _is_cut_off(binding.call, before, baseline)
            ):
                continue
            fixed[place] = after.consumed
            key: tuple[object, ...] = leaf_key(binding.slot if isinstance(binding, Leaf) else slot)
            if isinstance(binding, FromCall) and leaf:
                key = ("call", binding.call)
                before = None if before is None else _with_records(plan, binding.call, before, baseline)
                after = _with_records(plan, binding.call, after, actual)
            why = MISSING_NOW if isinstance(after.value, Absent) else None
            if before is None:
                why = why or (MISSING_AT_BASELINE if baseline.usual_texts is None else NO_REFERENCE)
            elif isinstance(before.value, Absent):
                why = None if why else MISSING_AT_BASELINE
            elif leaf and why is None and not _same_value(before.value, after.value):
                moves.setdefault(key, []).append(Move(place, before, after, usual.get(place)))
            if why is not None and carries_value(slot) and call.description.iri in carrying:
                series = slot.select is Select.SERIES
                stayed.setdefault(key, StayedInput(slot.concept, slot.name, series, after.value, why))
    players = [Player(tuple(found)) for found in moves.values()]
    moving = frozenset(move.place for found in moves.values() for move in found)
    timed = {
        call.description.iri: tied
        for call in calls
        if (tied := _time_linked_series(call, moving, baseline)) is not None
    }
    free = [call for call in calls if call.description.iri not in timed]
    if any(_reads_another_time(call, baseline.at, actual.at, zone) for call in free):
        players.append(Player(is_time=True))
    return Game(calls, goal.call, fixed, tuple(players), tuple(stayed.values()), carrying, timed)


def _time_linked_series(call: PlannedCall, moving: frozenset[Place], baseline: Snapshot) -> tuple[Place, ...] | None:
    """The series that the evaluation time of a call goes with; None where it goes by itself."""
    if call.description.evaluation_time is None:
        return None
    series = [(call.description.iri, slot.name) for slot in call.description.slots if slot.select is Select.SERIES]
    moved = tuple(place for place in series if place in moving)
    then = [baseline.inputs.get(place) for place in series]
    missing = any(given is None or isinstance(given.value, Absent) for given in then)
    return moved if moved or missing else None


def _is_cut_off(call: str, given: BoundInput | None, side: Snapshot) -> bool:
    """Whether a computed input was not used although there is a value: too old, or not of one time with the others."""
    computed = side.values.get(call)
    return given is not None and isinstance(given.value, Absent) and not isinstance(computed, Absent | None)


def _same_value(before: Value, after: Value) -> bool:
    if isinstance(before, Quantity) and isinstance(after, Quantity):
        return before.value == after.value and before.unit == after.unit
    return type(before) is type(after) and before == after


def _reads_another_time(call: PlannedCall, before: datetime, after: datetime, zone: tzinfo) -> bool:
    """Whether a module reads the evaluation time, and it differs between the ends."""
    granularity = call.description.evaluation_time
    return granularity is not None and truncate_time(before, granularity, zone) != truncate_time(
        after, granularity, zone
    )


def _one_sided_inputs(plan: Plan, goal: str, baseline: Snapshot, actual: Snapshot) -> frozenset[Place]:
    """Computed inputs that are known at both ends, but from what was recorded at one of them only.

    Whether oxygen was given may be derived from its fraction at one time and from its flow at another: the difference
    is then whether it was given.  The innermost such input counts.
    """
    cuts: set[Place] = set()
    if baseline.usual_texts is not None:
        return frozenset()
    for call in hierarchy(plan, goal, carrying_only=True):
        for slot in call.description.slots:
            place, binding = (call.description.iri, slot.name), call.bindings[slot.name]
            if not (
                isinstance(binding, FromCall)
                and carries_value(slot)
                and _has_value(baseline, place)
                and _has_value(actual, place)
            ):
                continue
            leaves = _leaf_places(plan, binding.call, frozenset(cuts))
            if any(_has_value(baseline, leaf) is not _has_value(actual, leaf) for leaf in leaves):
                cuts.add(place)
    return frozenset(cuts)


def _has_value(side: Snapshot, place: Place) -> bool:
    given = side.inputs.get(place)
    return given is not None and not isinstance(given.value, Absent)


def _leaf_places(plan: Plan, call: str, cuts: frozenset[Place] = frozenset()) -> Iterator[Place]:
    """The places that carry a call's result and are filled by no call, or by one that is cut off."""
    for each in hierarchy(plan, call, carrying_only=True, cuts=cuts):
        for slot in each.description.slots:
            place = each.description.iri, slot.name
            if carries_value(slot) and (place in cuts or not isinstance(each.bindings[slot.name], FromCall)):
                yield place


def _with_records(plan: Plan, call: str, given: BoundInput, side: Snapshot) -> BoundInput:
    """A computed input with the records that it was computed from."""
    if not given.steps:
        return given
    found = (
        resource
        for place in _leaf_places(plan, call)
        if (leaf := side.inputs.get(place))
        for resource in leaf.resources
    )
    return replace(given, resources=tuple(dict.fromkeys(found)))


JOINED_TEXT = "inputs that keep the result applicable only together"


def correlated_groups(game: Game) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Each group of a model of the hierarchy that at least two players belong to, by their indices.

    A joined player is a group too, by itself or in the group of its model.

    A player belongs to a group where all ways from what it fills to the result lead through slots of the group; slots
    that only decide whether a module applies, or are only compared with, do not count.  It belongs to one group at
    most: that of the model nearest to the leaves.
    """
    taken: set[int] = set()
    found = []
    for call in game.calls:
        for group in call.description.model.correlated if call.description.model is not None else ():
            members = [
                index
                for index, player in enumerate(game.players)
                if index not in taken and _belongs_to_group(game, player, call, group)
            ]
            if len(members) > 1 or any(game.players[member].joined for member in members):
                taken.update(members)
                found.append((group.text, tuple(members)))
    rest = [index for index, player in enumerate(game.players) if player.joined and index not in taken]
    return (*found, *((JOINED_TEXT, (index,)) for index in rest))


def _belongs_to_group(game: Game, player: Player, model: PlannedCall, group: CorrelatedSlots) -> bool:
    carrying = [place for place in (move.place for move in player.moves) if _is_carrying(game, place)]
    return bool(carrying) and all(_leads_through_group(game, place, model, group) for place in carrying)


def _is_carrying(game: Game, place: Place) -> bool:
    call = next(each for each in game.calls if each.description.iri == place[0])
    return place[0] in game.carrying and carries_value(call.description.slot(place[1]))


def _leads_through_group(game: Game, place: Place, model: PlannedCall, group: CorrelatedSlots) -> bool:
    if place[0] == model.description.iri:
        return place[1] in group.slots
    readers = tuple(_reading_places(game, place[0]))
    return bool(readers) and all(_leads_through_group(game, each, model, group) for each in readers)


def _reading_places(game: Game, produced: str) -> Iterator[Place]:
    """The carrying slots that the result of a call fills."""
    for call in game.calls:
        for name, binding in call.bindings.items():
            place = call.description.iri, name
            filled = isinstance(binding, FromCall) and binding.call == produced and place not in game.fixed
            if filled and _is_carrying(game, place):
                yield place

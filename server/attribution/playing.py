"""Who plays between two ends, and what stays: what is different, and known at both."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, tzinfo

from ontology.inputs import Consumed
from ontology.slots import Select
from ontology.values import Absent, Quantity, Value
from server.attribution.sides import (
    NO_REFERENCE,
    NOT_NOW,
    NOT_THEN,
    Field,
    Move,
    Place,
    Player,
    Side,
    Stayed,
    carries,
    hierarchy,
    key_of,
)
from server.compiler.plan import FromCall, Goal, Leaf, Plan, PlannedCall
from server.executor.fingerprint import truncate
from server.executor.trace import BoundInput


def play(plan: Plan, goal: Goal, baseline: Side, actual: Side, zone: tzinfo) -> Field:
    """Who plays between two ends of a computed goal, and what stays.  ValueError for a goal that is not computed."""
    if goal.call is None:
        raise ValueError("the goal is not computed")
    cuts = baseline.cuts or _one_sided(plan, goal.call, baseline, actual)
    calls = hierarchy(plan, goal.call, cuts=cuts)
    carrying = frozenset(call.description.iri for call in hierarchy(plan, goal.call, carrying_only=True, cuts=cuts))
    fixed: dict[Place, Consumed] = {}
    stayed: dict[tuple[object, ...], Stayed] = {}
    moves: dict[tuple[object, ...], list[Move]] = {}
    usual = baseline.usual or {}
    for call in calls:
        for slot in call.description.slots:
            place = call.description.iri, slot.name
            before, after = baseline.inputs.get(place), actual.inputs[place]
            binding = call.bindings[slot.name]
            leaf = not isinstance(binding, FromCall) or place in cuts
            if isinstance(binding, FromCall) and not (
                leaf or _cut(binding.call, after, actual) or _cut(binding.call, before, baseline)
            ):
                continue
            fixed[place] = Consumed(after.value, after.bounds)
            key: tuple[object, ...] = key_of(binding.slot if isinstance(binding, Leaf) else slot)
            if isinstance(binding, FromCall) and leaf:
                key = ("call", binding.call)
                before = None if before is None else _with_records(plan, binding.call, before, baseline)
                after = _with_records(plan, binding.call, after, actual)
            why = NOT_NOW if isinstance(after.value, Absent) else None
            if before is None:
                why = why or (NOT_THEN if baseline.usual is None else NO_REFERENCE)
            elif isinstance(before.value, Absent):
                why = None if why else NOT_THEN
            elif leaf and why is None and not _same(before.value, after.value):
                moves.setdefault(key, []).append(Move(place, before, after, usual.get(place)))
            if why is not None and carries(slot) and call.description.iri in carrying:
                series = slot.select is Select.SERIES
                stayed.setdefault(key, Stayed(slot.concept, slot.name, series, after.value, why))
    players = [Player(tuple(found)) for found in moves.values()]
    moving = frozenset(move.place for found in moves.values() for move in found)
    timed = {call.description.iri: tied for call in calls if (tied := _tied(call, moving, baseline)) is not None}
    free = [call for call in calls if call.description.iri not in timed]
    if any(_reads_otherwise(call, baseline.at, actual.at, zone) for call in free):
        players.append(Player(is_time=True))
    return Field(calls, goal.call, fixed, tuple(players), tuple(stayed.values()), carrying, timed)


def _tied(call: PlannedCall, moving: frozenset[Place], baseline: Side) -> tuple[Place, ...] | None:
    """The series that the evaluation time of a call goes with; None where it goes by itself."""
    if call.description.evaluation_time is None:
        return None
    series = [(call.description.iri, slot.name) for slot in call.description.slots if slot.select is Select.SERIES]
    moved = tuple(place for place in series if place in moving)
    then = [baseline.inputs.get(place) for place in series]
    missing = any(given is None or isinstance(given.value, Absent) for given in then)
    return moved if moved or missing else None


def _cut(call: str, given: BoundInput | None, side: Side) -> bool:
    """Whether a computed input was not used although there is a value: too old, or not of one time with the others."""
    computed = side.values.get(call)
    return given is not None and isinstance(given.value, Absent) and not isinstance(computed, Absent | None)


def _same(before: Value, after: Value) -> bool:
    if isinstance(before, Quantity) and isinstance(after, Quantity):
        return before.value == after.value and before.unit == after.unit
    return type(before) is type(after) and before == after


def _reads_otherwise(call: PlannedCall, before: datetime, after: datetime, zone: tzinfo) -> bool:
    """Whether a module reads the evaluation time, and reads another at each end."""
    granularity = call.description.evaluation_time
    return granularity is not None and truncate(before, granularity, zone) != truncate(after, granularity, zone)


def _one_sided(plan: Plan, goal: str, baseline: Side, actual: Side) -> frozenset[Place]:
    """Computed inputs that are known at both ends, but from what was recorded at one of them only.

    Whether oxygen was given may be told from its fraction at one time and from its flow at another: what differs then
    is whether it was given.  The innermost such input counts.
    """
    cuts: set[Place] = set()
    if baseline.usual is not None:
        return frozenset()
    for call in hierarchy(plan, goal, carrying_only=True):
        for slot in call.description.slots:
            place, binding = (call.description.iri, slot.name), call.bindings[slot.name]
            if not (
                isinstance(binding, FromCall) and carries(slot) and _known(baseline, place) and _known(actual, place)
            ):
                continue
            leaves = _leaves(plan, binding.call, frozenset(cuts))
            if any(_known(baseline, leaf) is not _known(actual, leaf) for leaf in leaves):
                cuts.add(place)
    return frozenset(cuts)


def _known(side: Side, place: Place) -> bool:
    given = side.inputs.get(place)
    return given is not None and not isinstance(given.value, Absent)


def _leaves(plan: Plan, call: str, cuts: frozenset[Place] = frozenset()) -> Iterator[Place]:
    """The places that carry a call's result and are filled by no call, or by one that is cut off."""
    for each in hierarchy(plan, call, carrying_only=True, cuts=cuts):
        for slot in each.description.slots:
            place = each.description.iri, slot.name
            if carries(slot) and (place in cuts or not isinstance(each.bindings[slot.name], FromCall)):
                yield place


def _with_records(plan: Plan, call: str, given: BoundInput, side: Side) -> BoundInput:
    """A computed input with the records that it was computed from."""
    if not given.steps:
        return given
    found = (
        resource for place in _leaves(plan, call) if (leaf := side.inputs.get(place)) for resource in leaf.resources
    )
    return replace(given, resources=tuple(dict.fromkeys(found)))

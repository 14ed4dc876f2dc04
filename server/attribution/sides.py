"""The two ends between which a result is attributed, and what differs between them.

An end says what fills each slot of a call hierarchy, and as of when.  A *player* is one thing that differs: a leaf
(a concept, a selection, a window), with all slots that it fills, or the evaluation time.  What is absent at one end,
or has no reference, does not take part: it stays at its actual value, and is listed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import TypeAlias

from ontology.concepts import Concept
from ontology.inputs import Consumed
from ontology.slots import Select, Slot
from ontology.values import Absent, Quantity, Value
from server.compiler.plan import FromCall, Goal, Leaf, Plan, PlannedCall
from server.executor.bind import in_unit
from server.executor.fingerprint import truncate
from server.executor.trace import BoundInput, Execution, Trace

Place: TypeAlias = tuple[str, str]
"""A slot of a hierarchy: the IRI of the module, and the slot's name."""

NO_REFERENCE = "no reference value"
NOT_THEN = "missing at the baseline"
NOT_NOW = "missing now"


@dataclass(frozen=True, slots=True)
class Side:
    """One end: the evaluation time, what filled each slot, and what each call gave."""

    at: datetime
    inputs: Mapping[Place, BoundInput]
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Move:
    """What a player does to one slot."""

    place: Place
    before: BoundInput
    after: BoundInput


@dataclass(frozen=True, slots=True)
class Player:
    """A leaf that differs, with every slot that it fills; or (no moves) the evaluation time."""

    moves: tuple[Move, ...] = ()

    @property
    def is_time(self) -> bool:
        """Whether this is the evaluation time."""
        return not self.moves


@dataclass(frozen=True, slots=True)
class Stayed:
    """An input that stays at its actual value at both ends, and why."""

    concept: Concept
    slot: str
    series: bool
    value: Value
    why: str


@dataclass(frozen=True, slots=True)
class Field:
    """What is played on: the calls of a hierarchy (inputs first), what stays, and who plays.

    ``carrying`` are the calls that the result rests on, beside those that only decide whether it applies.
    """

    calls: tuple[PlannedCall, ...]
    goal: str
    fixed: Mapping[Place, Consumed]
    players: tuple[Player, ...]
    stayed: tuple[Stayed, ...]
    carrying: frozenset[str]


def hierarchy(plan: Plan, goal: str) -> tuple[PlannedCall, ...]:
    """The calls under a goal as of its own time, inputs first; series of computed concepts count as leaves."""
    wanted = _under(plan, goal, carrying_only=False)
    return tuple(call for call in plan.calls if call.description.iri in wanted)


def _under(plan: Plan, goal: str, carrying_only: bool) -> frozenset[str]:
    wanted, pending = {goal}, [goal]
    while pending:
        call = plan.call(pending.pop())
        for slot in call.description.slots:
            binding = call.bindings[slot.name]
            if isinstance(binding, FromCall) and not (carrying_only and not _carries(slot)):
                pending += {binding.call} - wanted
                wanted.add(binding.call)
    return frozenset(wanted)


def _carries(slot: Slot) -> bool:
    return not (slot.applicability_only or slot.comparison)


def side_of(trace: Trace, concept: str) -> Side | None:
    """The end that a run was; None where it did not compute the concept."""
    for answered in trace.answers:
        if answered.goal.concept.id == concept and answered.execution is not None and answered.goal.call is not None:
            executions = dict(_walk(trace, answered.goal.call, answered.execution))
            inputs = {(iri, name): i for iri, each in executions.items() for name, i in each.inputs.items()}
            return Side(trace.at, inputs, {iri: each.evaluation.value for iri, each in executions.items()})
    return None


def _walk(trace: Trace, iri: str, position: int) -> Iterator[tuple[str, Execution]]:
    execution = trace.executions[position]
    yield iri, execution
    for name, binding in trace.plan.call(iri).bindings.items():
        if isinstance(binding, FromCall) and execution.inputs[name].steps:
            yield from _walk(trace, binding.call, execution.inputs[name].steps[0])


def reference_side(plan: Plan, goal: str, actual: Side) -> Side:
    """The end at which each leaf that has a reference value is at it; the time is the actual one."""
    inputs: dict[Place, BoundInput] = {}
    for call in hierarchy(plan, goal):
        for slot in call.description.slots:
            binding = call.bindings[slot.name]
            if isinstance(binding, Leaf) and (value := _reference(binding.slot, slot)) is not None:
                inputs[call.description.iri, slot.name] = BoundInput(slot, value)
    return Side(actual.at, inputs)


def _reference(selected: Slot, slot: Slot) -> Value | None:
    reference = selected.concept.reference
    if reference is None or selected.select is Select.SERIES:
        return None
    return in_unit(reference, slot)


def play(plan: Plan, goal: Goal, baseline: Side, actual: Side, zone: tzinfo) -> Field:
    """Who plays between two ends of a computed goal, and what stays.  ValueError for a goal that is not computed."""
    if goal.call is None:
        raise ValueError("the goal is not computed")
    calls = hierarchy(plan, goal.call)
    carrying = _under(plan, goal.call, carrying_only=True)
    fixed: dict[Place, Consumed] = {}
    stayed: dict[tuple[object, ...], Stayed] = {}
    moves: dict[tuple[object, ...], list[Move]] = {}
    for call in calls:
        for slot in call.description.slots:
            place = call.description.iri, slot.name
            before, after = baseline.inputs.get(place), actual.inputs[place]
            binding = call.bindings[slot.name]
            if isinstance(binding, FromCall) and not _cut(binding.call, slot, after, actual):
                continue
            fixed[place] = Consumed(after.value, after.bounds)
            key = _key(binding.slot if isinstance(binding, Leaf) else slot)
            why = NOT_NOW if isinstance(after.value, Absent) else None
            if before is None:
                why = why or NO_REFERENCE
            elif isinstance(before.value, Absent):
                why = None if why else NOT_THEN
            elif not isinstance(binding, FromCall) and why is None and not _same(before.value, after.value):
                moves.setdefault(key, []).append(Move(place, before, after))
            if why is not None and _carries(slot) and call.description.iri in carrying:
                series = slot.select is Select.SERIES
                stayed.setdefault(key, Stayed(slot.concept, slot.name, series, after.value, why))
    players = [Player(tuple(found)) for found in moves.values()]
    if any(_reads_otherwise(call, baseline.at, actual.at, zone) for call in calls):
        players.append(Player())
    return Field(calls, goal.call, fixed, tuple(players), tuple(stayed.values()), carrying)


def _cut(call: str, slot: Slot, after: BoundInput, actual: Side) -> bool:
    """Whether a computed input was not used although there is a value: too old, or not of one time with the others."""
    given = actual.values.get(call)
    return isinstance(after.value, Absent) and given is not None and not isinstance(given, Absent)


def _key(slot: Slot) -> tuple[str, Select, timedelta | None, bool]:
    return slot.concept.id, slot.select, slot.window, slot.ever


def _same(before: Value, after: Value) -> bool:
    if isinstance(before, Quantity) and isinstance(after, Quantity):
        return before.value == after.value and before.unit == after.unit
    return type(before) is type(after) and before == after


def _reads_otherwise(call: PlannedCall, before: datetime, after: datetime, zone: tzinfo) -> bool:
    """Whether a module reads the evaluation time, and reads another at each end."""
    granularity = call.description.evaluation_time
    return granularity is not None and truncate(before, granularity, zone) != truncate(after, granularity, zone)

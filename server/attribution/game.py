"""The game whose Shapley values an attribution is: the baseline, the actual snapshot, and the players between them.

A snapshot has what fills each slot of a call hierarchy, and as of when.  A *player* is one difference between the two:
a leaf (a concept, a selection, a window) with all slots that it fills, or the evaluation time.  An input that is absent
at one end, or has no reference value, does not take part: it stays at its actual value, and is listed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from ontology.concepts import Concept
from ontology.evaluation import SlotInput
from ontology.slots import Select, Slot
from ontology.values import Value
from server.compiler.plan import FromCall, Plan, PlannedCall
from server.executor.trace import BoundInput, Execution, Trace

Place: TypeAlias = tuple[str, str]
"""A slot of a hierarchy: the IRI of the module, and the slot's name."""

NO_REFERENCE = "no reference value"
MISSING_AT_BASELINE = "missing at the baseline"
MISSING_NOW = "missing now"
DECIDES_APPLICABILITY = "the result would not apply at the usual value"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One end: the evaluation time, what filled each slot, and the value of each call.

    Of a reference end, ``usual_texts`` describe its values (None for other ends); ``cuts`` are computed inputs that
    play there in the place of what they are computed from.
    """

    at: datetime
    inputs: Mapping[Place, BoundInput]
    values: Mapping[str, Value] = field(default_factory=dict)
    usual_texts: Mapping[Place, str] | None = None
    cuts: frozenset[Place] = frozenset()


@dataclass(frozen=True, slots=True)
class Move:
    """How a player changes one slot; ``usual`` describes the value of a reference end."""

    place: Place
    before: BoundInput
    after: BoundInput
    usual: str | None = None


@dataclass(frozen=True, slots=True)
class Player:
    """A leaf that differs, with every slot that it fills; or the evaluation time (``is_time``).

    ``joined``: several players that move as one, since a mixture of them gives no result.
    """

    moves: tuple[Move, ...] = ()
    is_time: bool = False
    joined: tuple["Player", ...] = ()


@dataclass(frozen=True, slots=True)
class StayedInput:
    """An input that stays at its actual value at both ends, and why."""

    concept: Concept
    slot: str
    series: bool
    value: Value
    why: str


@dataclass(frozen=True, slots=True)
class Game:
    """The calls of a hierarchy (inputs first), what stays, and who plays.

    ``goal`` is the IRI of the call of the result; ``fixed`` what fills the slots that no call fills.  ``carrying`` are
    the calls that the result rests on, without those that only decide whether it applies.  ``time_linked``: for a call
    that reads a series, the places of its series that move.  Its evaluation time moves with these, so that no value is
    ever later than it; where none moves, it stays.
    """

    calls: tuple[PlannedCall, ...]
    goal: str
    fixed: Mapping[Place, SlotInput]
    players: tuple[Player, ...]
    stayed: tuple[StayedInput, ...]
    carrying: frozenset[str]
    time_linked: Mapping[str, tuple[Place, ...]] = field(default_factory=dict)


def hierarchy(
    plan: Plan, goal: str, carrying_only: bool = False, cuts: frozenset[Place] = frozenset()
) -> tuple[PlannedCall, ...]:
    """The calls under a goal as of its own time, inputs first; series of computed concepts count as leaves.

    ``carrying_only`` leaves out what only decides whether a module applies; what is under ``cuts`` is left out.
    """
    wanted = _calls_under(plan, goal, carrying_only, cuts)
    return tuple(call for call in plan.calls if call.description.iri in wanted)


def _calls_under(plan: Plan, goal: str, carrying_only: bool, cuts: frozenset[Place]) -> frozenset[str]:
    wanted, pending = {goal}, [goal]
    while pending:
        call = plan.call(pending.pop())
        for slot in call.description.slots:
            binding = call.bindings[slot.name]
            left_out = (call.description.iri, slot.name) in cuts or (carrying_only and not carries_value(slot))
            if isinstance(binding, FromCall) and not left_out:
                pending += {binding.call} - wanted
                wanted.add(binding.call)
    return frozenset(wanted)


def carries_value(slot: Slot) -> bool:
    """Whether a slot goes into the result, and does more than decide whether it applies."""
    return not (slot.applicability_only or slot.comparison)


def snapshot_of(trace: Trace, concept: str) -> Snapshot | None:
    """A run as one end of an attribution; None where it did not compute the concept."""
    for answered in trace.answers:
        if answered.goal.concept.id == concept and answered.execution is not None and answered.goal.call is not None:
            executions = dict(_walk_executions(trace, answered.goal.call, answered.execution))
            inputs = {(iri, name): i for iri, each in executions.items() for name, i in each.inputs.items()}
            return Snapshot(trace.at, inputs, {iri: each.evaluation.value for iri, each in executions.items()})
    return None


def _walk_executions(trace: Trace, iri: str, position: int) -> Iterator[tuple[str, Execution]]:
    execution = trace.executions[position]
    yield iri, execution
    for name, binding in trace.plan.call(iri).bindings.items():
        if isinstance(binding, FromCall) and execution.inputs[name].steps:
            yield from _walk_executions(trace, binding.call, execution.inputs[name].steps[0])


def leaf_key(slot: Slot) -> tuple[str, Select, timedelta | None, bool]:
    """The key of a leaf: slots with an equal key are filled alike."""
    return slot.concept.id, slot.select, slot.window, slot.ever

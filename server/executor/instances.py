"""Which executions a plan comes to for one patient: a call once, and once for each point of a series."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from collectors.facts import Facts
from ontology.concepts import Concept
from ontology.slots import Slot
from server.compiler.plan import FromCall, FromSeries, Plan, PlannedCall
from server.executor.budget import Work


@dataclass(frozen=True, slots=True)
class Instance:
    """One module call as of one time.  ``sources`` are the positions of the instances that fill its slots."""

    call: PlannedCall
    as_of: datetime
    level: int
    sources: Mapping[str, tuple[int, ...]]
    point: bool


@dataclass(slots=True)
class Expansion:
    """The instances of a run, inputs before what needs them, and which one answers each call of the question."""

    instances: list[Instance] = field(default_factory=list)
    answers: dict[str, int] = field(default_factory=dict)


def expand(
    plan: Plan, facts: Facts, at: datetime, concepts: Mapping[str, Concept], work: Work | None = None
) -> Expansion:
    """Lay out the executions of a plan; a series of a computed concept becomes one instance for each time at which
    one of the observations under it was made, in the slot's window.  QuestionError where it costs too much."""
    expansion = Expansion()
    seen: dict[tuple[str, datetime, bool], int] = {}
    narrower: dict[str, bool] = {}

    def lay(iri: str, as_of: datetime, point: bool) -> int:
        # A point may lie at the very time of the question, and is then asked for less than the answer.
        key = (iri, as_of, point and _narrower(plan, iri, narrower))
        known = seen.get(key)
        if known is not None:
            return known
        if work is not None:
            work.take()
        call = plan.call(iri)
        sources: dict[str, tuple[int, ...]] = {}
        for slot in call.description.slots:
            binding = call.bindings[slot.name]
            if point and slot.current_only:
                continue
            if isinstance(binding, FromCall):
                sources[slot.name] = (lay(binding.call, as_of, point),)
            elif isinstance(binding, FromSeries):
                times = facts.times(_drivers(binding, concepts), _since(slot, as_of), as_of)
                sources[slot.name] = tuple(lay(binding.call, time, True) for time in times)
        level = 1 + max((expansion.instances[i].level for found in sources.values() for i in found), default=-1)
        expansion.instances.append(Instance(call, as_of, level, sources, point))
        seen[key] = len(expansion.instances) - 1
        return seen[key]

    for goal in plan.goals:
        if goal.call is not None:
            expansion.answers[goal.call] = lay(goal.call, at, False)
    return expansion


def _narrower(plan: Plan, iri: str, known: dict[str, bool]) -> bool:
    """Whether a call, or one under it, is asked for less at the points of a series; ``known`` keeps it."""
    if iri not in known:
        call = plan.call(iri)
        below = (each.call for each in call.bindings.values() if isinstance(each, FromCall))
        less = any(slot.current_only for slot in call.description.slots)
        known[iri] = less or any(_narrower(plan, each, known) for each in below)
    return known[iri]


def _drivers(binding: FromSeries, concepts: Mapping[str, Concept]) -> tuple[Concept, ...]:
    return tuple(concepts[concept_id] for concept_id in binding.drivers)


def _since(slot: Slot, as_of: datetime) -> datetime | None:
    return None if slot.window is None else as_of - slot.window

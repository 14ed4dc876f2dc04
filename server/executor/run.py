"""Running a plan for one patient: slots filled, fingerprints taken, what is known looked up, the rest evaluated.

Calls run in waves: all whose inputs are there.  A wave costs one look-up in the cache, however many calls it has.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from collectors.facts import Facts
from ontology.concepts import Concept
from ontology.evaluation import Issue
from ontology.values import Value
from server.compiler.plan import Plan
from server.executor.bind import Binder
from server.executor.instances import expand
from server.executor.memory import Memory
from server.executor.trace import Answered, Execution, Trace


@dataclass(frozen=True, slots=True)
class Case:
    """For whom, from where and as of when a plan runs, and what is given besides the record."""

    patient: str
    reference: str
    source: str
    at: datetime
    known_at: datetime
    scope: str = ""
    assume: Mapping[str, Value] = field(default_factory=dict)
    site: Mapping[str, Value] = field(default_factory=dict)


async def run(plan: Plan, case: Case, facts: Facts, concepts: Mapping[str, Concept], memory: Memory) -> Trace:
    """Answer every goal of the plan; a module that fails makes its own result FAILED and no other's."""
    expansion = expand(plan, facts, case.at, concepts)
    executions: list[Execution | None] = [None] * len(expansion.instances)
    binder = Binder(facts, case.known_at, case.assume, case.site, concepts, executions)
    waves: dict[int, list[int]] = {}
    for position, instance in enumerate(expansion.instances):
        waves.setdefault(instance.level, []).append(position)
    seen = await memory.last_seen(case, [i for i in expansion.instances])
    for level in sorted(waves):
        await _wave(waves[level], expansion.instances, executions, binder, memory, seen)
    done = tuple(e for e in executions if e is not None)
    await memory.remember(case, done, seen)
    answers = tuple(
        Answered(goal, expansion.answers[goal.call], None)
        if goal.call is not None
        else Answered(goal, None, binder.leaf(goal.slot, case.at) if goal.slot is not None else None)
        for goal in plan.goals
    )
    issues: tuple[Issue, ...] = facts.issues
    return Trace(plan, case.patient, case.reference, case.source, case.at, done, answers, issues, concepts=concepts)

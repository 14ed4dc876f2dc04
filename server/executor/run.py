"""Running a plan for one patient: slots filled, fingerprints taken, what is known looked up, the rest evaluated.

Calls run in waves: all whose inputs are there.  A wave costs one look-up in the cache, however many calls it has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from collectors.facts import Facts
from ontology.concepts import Concept
from ontology.evaluation import Issue
from ontology.inputs import Consumed
from ontology.values import Value
from server.catalog.descriptions import Kind
from server.compiler.plan import Plan
from server.executor.bind import Binder
from server.executor.boundary import evaluate_safely
from server.executor.budget import Work
from server.executor.fingerprint import truncate
from server.executor.flight import Job
from server.executor.instances import Instance, expand
from server.executor.memory import Memory, Subject
from server.executor.trace import Answered, BoundInput, Execution, Trace
from server.executor.turns import by_turns
from server.executor.within import keep_within


@dataclass(frozen=True, slots=True)
class Case:
    """For whom, from where and as of when a plan runs, and what is given besides the record.

    ``at`` is the evaluation time, ``known_at`` what had been issued by then counts (they differ after a death).
    ``aside``: nobody is told this run by itself, so that nothing is said of why it ran, nor kept for the next time.
    ``work``: what may still be spent on it (None: without end).
    """

    patient: str
    reference: str
    source: str
    at: datetime
    known_at: datetime
    scope: str = ""
    assume: Mapping[str, Value] = field(default_factory=dict)
    site: Mapping[str, Value] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()
    aside: bool = False
    work: Work | None = None

    @property
    def subject(self) -> Subject:
        """Whose last answers "why" compares with."""
        return Subject(self.source, self.patient, self.scope)


async def run(plan: Plan, case: Case, facts: Facts, concepts: Mapping[str, Concept], memory: Memory) -> Trace:
    """Answer every goal of the plan; a module that fails makes its own result FAILED and no other's.

    Raises QuestionError where it costs more than may be spent.
    """
    expansion = expand(plan, facts, case.at, concepts, case.work)
    done = await _Run(case, facts, concepts, memory, expansion.instances).executions()
    binder = Binder(facts, case.known_at, case.assume, case.site, concepts, done)
    answers = []
    for goal in plan.goals:
        position = None if goal.call is None else expansion.answers[goal.call]
        leaf = binder.leaf(goal.slot, case.at) if goal.slot is not None else None
        answers.append(Answered(goal, position, leaf))
    return Trace(
        plan=plan,
        patient=case.patient,
        reference=case.reference,
        source=case.source,
        at=case.at,
        executions=done,
        answers=tuple(answers),
        under=memory.under,
        issues=(*case.issues, *facts.issues),
        concepts=concepts,
    )


class _Run:
    """The executions of one run, in the making."""

    def __init__(
        self,
        case: Case,
        facts: Facts,
        concepts: Mapping[str, Concept],
        memory: Memory,
        instances: Sequence[Instance],
    ) -> None:
        self.instances = instances
        self.memory = memory
        self.case = case
        self.made: list[Execution | None] = [None] * len(instances)
        self.digests = memory.digests()
        self.binder = Binder(facts, case.known_at, case.assume, case.site, concepts, self.made)

    async def executions(self) -> tuple[Execution, ...]:
        waves: dict[int, list[int]] = {}
        for position, instance in enumerate(self.instances):
            waves.setdefault(instance.level, []).append(position)
        for level in sorted(waves):
            await self._wave(waves[level])
        made = [execution for execution in self.made if execution is not None]
        if self.case.aside:
            return tuple(made)
        points = [instance.point for instance in self.instances]
        return await self.memory.explain(self.case.subject, made, points, self.digests)

    async def _wave(self, positions: Sequence[int]) -> None:
        prepared = await by_turns(self._prepared, [self.instances[position] for position in positions])
        landed = await self.memory.flight.land([job for _, job in prepared])
        for position, (given, job), result in zip(positions, prepared, landed, strict=True):
            instance = self.instances[position]
            self.made[position] = Execution(
                description=instance.call.description,
                as_of=instance.as_of,
                inputs=given,
                evaluation=result.evaluation,
                fingerprint=job.fingerprint,
                reused=result.reused,
                reason="",
            )

    def _prepared(self, instance: Instance) -> tuple[dict[str, BoundInput], Job]:
        if self.case.work is not None:
            self.case.work.check()
        found = self.binder.bind(instance)
        given = keep_within(instance.call.description.within, found, self.binder.rests_on)
        return given, self._job(instance, given)

    def _job(self, instance: Instance, given: Mapping[str, BoundInput]) -> Job:
        description = instance.call.description
        consumed = {name: Consumed(i.value, i.bounds) for name, i in given.items()}
        at = None
        if description.evaluation_time is not None:
            at = truncate(instance.as_of, description.evaluation_time, self.memory.zone)
        name = self.memory.fingerprint(description, consumed, instance.as_of, self.digests)
        evaluate = partial(evaluate_safely, description, consumed, at)
        return Job(name, evaluate, costly=description.kind is Kind.MODEL)

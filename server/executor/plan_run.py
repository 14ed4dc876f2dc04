"""Runs a plan for one patient: binds inputs, computes fingerprints, looks results up and evaluates missing ones.

Calls run in waves: all calls whose inputs are complete.  A wave costs one look-up in the cache.  Inputs of one group
(``mpm:within``) that are much older than the newest of the group are stale.

The execution boundary is ``evaluate_safely``: a module that raises makes its own result FAILED, and no other.  It is
one of the two places where every exception is caught.  The text of an exception may contain a patient's values: only
its type and the module are logged, and nothing of it is in the answer.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from collectors.facts import Facts
from ontology.concepts import Concept
from ontology.evaluation import Evaluation, Issue, Severity, SlotInput, Working
from ontology.resources import Resource
from ontology.values import Absent, AbsentReason, Value
from ontology.words import Style
from ontology.words.time import time_words
from server import kinds
from server.catalog.descriptions import Description, Kind, MaxTimeApart
from server.compiler.plan import Plan
from server.executor.binding import Binder, CallInstance, expand_plan
from server.executor.budget import Work
from server.executor.fingerprint import truncate_time
from server.executor.memory import Memory, Subject
from server.executor.result_cache import Job, by_turns
from server.executor.trace import BoundInput, Execution, GoalAnswer, Trace

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunContext:
    """The patient, source and time for which a plan runs, and its inputs that are not from records.

    ``at`` is the evaluation time; only what was issued by ``known_at`` is used (the two differ after a death).
    ``unreported``: the run is not an answer by itself (a baseline, a point of a timeline), so that its executions have
    no reasons, and nothing is stored to compare the next run with.  ``work``: the budget of the run (None: no limit).
    ``without_presumption``: the slots (module id, name) for which the site takes no missing entry of a list as "no".
    ``units``: by concept id, the unit in which the site shows its values.
    """

    patient: str
    reference: str
    source: str
    at: datetime
    known_at: datetime
    scope: str = ""
    assumptions: Mapping[str, Value] = field(default_factory=dict)
    site: Mapping[str, Value] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()
    unreported: bool = False
    work: Work | None = None
    without_presumption: frozenset[tuple[str, str]] = frozenset()

    @property
    def subject(self) -> Subject:
        """Under which the reasons look up what the caller was shown before."""
        return Subject(self.source, self.patient, self.scope)


async def run_plan(
    plan: Plan, context: RunContext, facts: Facts, concepts: Mapping[str, Concept], memory: Memory
) -> Trace:
    """Answer every goal of the plan; a module that raises makes its own result FAILED, and no other.

    Raises QuestionError if the run exceeds its budget.
    """
    expansion = expand_plan(plan, facts, context.at, concepts, context.work)
    done = await _PlanRun(context, facts, concepts, memory, expansion.instances).executions()
    binder = Binder(facts, context.known_at, context.assumptions, context.site, concepts, done)
    answers = []
    for goal in plan.goals:
        position = None if goal.call is None else expansion.answers[goal.call]
        leaf = binder.bind_leaf(goal.slot, context.at) if goal.slot is not None else None
        answers.append(GoalAnswer(goal, position, leaf))
    return Trace(
        plan=plan,
        patient=context.patient,
        reference=context.reference,
        source=context.source,
        at=context.at,
        executions=done,
        answers=tuple(answers),
        circumstances=replace(memory.circumstances, style=Style(memory.zone, context.units)),
        issues=(*context.issues, *facts.issues),
        concepts=concepts,
    )


class _PlanRun:
    """The executions of one run, while it runs."""

    def __init__(
        self,
        context: RunContext,
        facts: Facts,
        concepts: Mapping[str, Concept],
        memory: Memory,
        instances: Sequence[CallInstance],
    ) -> None:
        self.instances = instances
        self.memory = memory
        self.context = context
        self.finished: list[Execution | None] = [None] * len(instances)
        self.digests = memory.input_digests()
        self.binder = Binder(
            facts,
            context.known_at,
            context.assumptions,
            context.site,
            concepts,
            self.finished,
            context.without_presumption,
        )

    async def executions(self) -> tuple[Execution, ...]:
        waves: dict[int, list[int]] = {}
        for position, instance in enumerate(self.instances):
            waves.setdefault(instance.level, []).append(position)
        for level in sorted(waves):
            await self._run_wave(waves[level])
        made = [execution for execution in self.finished if execution is not None]
        if self.context.unreported:
            return tuple(made)
        points = [instance.is_point for instance in self.instances]
        return await self.memory.with_reasons(self.context.subject, made, points, self.digests)

    async def _run_wave(self, positions: Sequence[int]) -> None:
        prepared = await by_turns(self._prepare, [self.instances[position] for position in positions])
        results = await self.memory.result_cache.results_for([job for _, job in prepared])
        for position, (given, job), result in zip(positions, prepared, results, strict=True):
            instance = self.instances[position]
            self.finished[position] = Execution(
                description=instance.call.description,
                as_of=instance.as_of,
                inputs=given,
                evaluation=result.evaluation,
                fingerprint=job.fingerprint,
                reused=result.reused,
                reason="",
            )

    def _prepare(self, instance: CallInstance) -> tuple[dict[str, BoundInput], Job]:
        if self.context.work is not None:
            self.context.work.check_time()
        bound = self.binder.bind(instance)
        given = apply_within(instance.call.description.within, bound, self.binder.records_under)
        return given, self._job(instance, given)

    def _job(self, instance: CallInstance, given: Mapping[str, BoundInput]) -> Job:
        description = instance.call.description
        consumed = {name: SlotInput(i.value, i.bounds, i.presumed) for name, i in given.items()}
        at = None
        if description.evaluation_time is not None:
            at = truncate_time(instance.as_of, description.evaluation_time, self.memory.zone)
        name = self.memory.fingerprint(description, consumed, instance.as_of, self.digests)
        evaluate = partial(evaluate_safely, description, consumed, at)
        return Job(name, evaluate, costly=description.kind is Kind.MODEL)


def apply_within(
    within: MaxTimeApart | None, inputs: Mapping[str, BoundInput], records_under: Callable[[int], tuple[Resource, ...]]
) -> dict[str, BoundInput]:
    """The inputs by slot name, with those of the group that are too much older than its newest ``Absent(STALE)``.

    ``records_under`` gives the records under an execution, by position.  The newest set is used, not the most complete
    one: an older complete set must not hide later changes.
    """
    if within is None:
        return dict(inputs)
    times = {name: _newest_time(inputs[name], records_under) for name in within.slots}
    known = [time for time in times.values() if time is not None]
    if not known:
        return dict(inputs)
    newest = max(known)
    kept = dict(inputs)
    for name, time in times.items():
        if time is not None and newest - time > within.duration:
            kept[name] = _stale_input(inputs[name], time, newest, within)
    return kept


def _newest_time(given: BoundInput, records_under: Callable[[int], tuple[Resource, ...]]) -> datetime | None:
    if isinstance(given.value, Absent) and given.bounds is None:
        return None
    resources = [*given.resources, *(r for step in given.steps for r in records_under(step))]
    return max((r.effective.end for r in resources if r.effective is not None), default=None)


def _stale_input(given: BoundInput, time: datetime, newest: datetime, within: MaxTimeApart) -> BoundInput:
    minutes = int(within.duration.total_seconds() // 60)
    text = (
        f"{given.slot.concept.display}: last measured {time_words(time)}, "
        f"more than {minutes} minutes before the newest of the group ({time_words(newest)})"
    )
    issue = Issue(Severity.WARNING, "not-within", text, given.slot.name)
    return replace(given, value=Absent(AbsentReason.STALE), bounds=None, issues=(*given.issues, issue))


def _log_failure(description: Description, error: Exception) -> None:
    log.error("module %s %s raised %s", description.id, description.version, type(error).__name__)


def evaluate_safely(
    description: Description,
    inputs: Mapping[str, SlotInput],
    at: datetime | None,
    on_error: Callable[[Description, Exception], None] = _log_failure,
) -> Evaluation:
    """Evaluate a module; on any exception the value is ``Absent(FAILED)`` and the text names the module.

    The execution boundary: one of the two places where every exception is caught.  ``on_error`` is given the
    exception, whose text may contain a patient's values, and must not raise: by default only its type and the module
    are logged, and nothing of it reaches the answer.
    """
    try:
        return kinds.evaluate(description, inputs, at)
    except Exception as error:  # noqa: BLE001 - the execution boundary
        on_error(description, error)
        text = f"The module {description.id} {description.version} failed; there is no result."
        return Evaluation(Absent(AbsentReason.FAILED), Working(text), (Issue(Severity.ERROR, "failed", text),))

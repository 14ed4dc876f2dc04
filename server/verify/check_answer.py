"""Checks an answer: its value is that of its last step, as of its time, with the status that follows from its steps."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from ontology.concepts import Concept, Origin
from ontology.values import Absent
from server.catalog.catalog import Catalog
from server.compiler.plan import Plan
from server.executor.fingerprint import Environment
from server.executor.trace import BoundInput, Circumstances, Execution, Trace
from server.explain.dependencies import Dependencies
from server.explain.explain import status_of
from server.explain.prov.exported import ExportedAnswer
from server.explain.results import Status
from server.verify.check_inputs import same_limits, same_value
from server.verify.findings import Finding, FindingKind, RecomputedStep, describe_limits_difference, format_exact

_UNKNOWN_CIRCUMSTANCES = Circumstances(Environment({}, "", ""))


def check_answer(exported: ExportedAnswer, steps: Sequence[RecomputedStep], catalog: Catalog) -> Iterator[Finding]:
    """The findings of the answer itself, beside those of its steps."""
    if not steps:
        yield from _check_recorded(exported, catalog)
        return
    last = steps[-1]
    if not same_value(exported.value, last.exported.value):
        text = (
            f"the answer is {format_exact(exported.value)}, and its last step gave {format_exact(last.exported.value)}"
        )
        yield Finding(FindingKind.ANSWER, text)
    if last.description is not None and last.description.produces.iri != exported.concept:
        yield Finding(
            FindingKind.ANSWER, f"the answer is of {exported.concept}, and its last step gave {_produced_iri(last)}"
        )
    if exported.at != last.exported.as_of:
        text = (
            f"the answer is as of {exported.at.isoformat()}, and its last step as of {last.exported.as_of.isoformat()}"
        )
        yield Finding(FindingKind.TIME, text)
    if exported.assumed:
        yield Finding(FindingKind.ANSWER, "the answer is marked as assumed, and has steps that compute it")
    yield from _check_interval(exported, last)
    reached = _reached_steps(exported)
    for place, step in enumerate(steps):
        if place not in reached:
            yield Finding(FindingKind.LINK, f"the answer does not rest on its step {place + 1}, {step.exported.title}")
    status = _recomputed_status(steps)
    if status is not None and status.value != exported.status:
        yield Finding(FindingKind.STATUS, f"{exported.status} in the file, {status.value} from the steps here")


def _check_interval(exported: ExportedAnswer, last: RecomputedStep) -> Iterator[Finding]:
    """Whether its uncertainty is the same here."""
    if last.evaluation is None:
        return
    there, here = exported.interval, last.evaluation.interval
    if not same_limits(there, here):
        yield Finding(FindingKind.INTERVAL, f"its uncertainty: {describe_limits_difference(there, here)}")
    elif there is not None and here is not None and there.level != here.level:
        yield Finding(
            FindingKind.INTERVAL, f"the level of its uncertainty: {there.level} in the file, {here.level} here"
        )


def _produced_iri(step: RecomputedStep) -> str:
    return "" if step.description is None else step.description.produces.iri


def _check_recorded(exported: ExportedAnswer, catalog: Catalog) -> Iterator[Finding]:
    """An answer without steps is read from a record, or was given with the question."""
    concept = next((each for each in catalog.concepts.values() if each.iri == exported.concept), None)
    if concept is None:
        yield Finding(FindingKind.MODULE, f"there is no concept {exported.concept} here")
    elif _is_computed(concept) and not exported.assumed:
        yield Finding(FindingKind.LINK, f"{concept.display} is computed, and the file has no step that gives it")
    if exported.interval is not None:
        yield Finding(FindingKind.INTERVAL, "the answer has an uncertainty, and no step that could give one")
    wanted = Status.INSUFFICIENT if isinstance(exported.value, Absent) else Status.COMPLETE
    if exported.status != wanted.value:
        yield Finding(FindingKind.STATUS, f"{exported.status} in the file, {wanted.value} for its value")


def _is_computed(concept: Concept) -> bool:
    return concept.origin is Origin.COMPUTED


def _reached_steps(exported: ExportedAnswer) -> frozenset[int]:
    seen, pending = {len(exported.steps) - 1}, [len(exported.steps) - 1]
    while pending:
        below = {each for given in exported.steps[pending.pop()].inputs.values() for each in given.steps}
        new = {each for each in below if 0 <= each < len(exported.steps)} - seen
        seen |= new
        pending += new
    return frozenset(seen)


def _recomputed_status(steps: Sequence[RecomputedStep]) -> Status | None:
    """The status by the rules of every answer; None where a step could not be computed here."""
    made = [each for step in steps if (each := _recomputed_execution(step, len(steps))) is not None]
    if len(made) < len(steps):
        return None
    dependencies = Dependencies(_recomputed_trace(tuple(made), steps[-1].exported.as_of))
    return status_of(dependencies, len(steps) - 1)


def _recomputed_trace(executions: tuple[Execution, ...], at: datetime) -> Trace:
    return Trace(Plan((), (), ()), "", "", "", at, executions, (), _UNKNOWN_CIRCUMSTANCES)


def _recomputed_execution(step: RecomputedStep, count: int) -> Execution | None:
    if step.description is None or step.evaluation is None:
        return None
    inputs = {}
    for slot in step.description.slots:
        consumed, given = step.inputs[slot.name], step.exported.inputs[slot.name]
        below = tuple(each for each in given.steps if 0 <= each < count)
        inputs[slot.name] = BoundInput(
            slot,
            consumed.value,
            consumed.bounds,
            steps=below,
            assumed=given.assumed,
            presumed=consumed.presumed,
        )
    exported = step.exported
    return Execution(
        step.description, exported.as_of, inputs, step.evaluation, exported.fingerprint, exported.reused, ""
    )

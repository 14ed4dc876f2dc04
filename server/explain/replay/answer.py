"""Whether an answer is what its last step gave, as of its time, with the status that follows from its steps."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from ontology.concepts import Concept, Origin
from ontology.values import Absent
from server.catalog.load import Catalog
from server.compiler.plan import Plan
from server.executor.environment import Environment
from server.executor.trace import BoundInput, Circumstances, Execution, Trace
from server.explain.explain import status_of
from server.explain.reach import Reach
from server.explain.replay.found import Finding, Kind, ReplayedStep
from server.explain.replay.inputs import same_limits, same_value
from server.explain.replay.said import Said
from server.explain.replay.wording import exact_words, limits_differ
from server.explain.results import Status

_ANYWHERE = Circumstances(Environment({}, "", ""))


def answer_findings(said: Said, steps: Sequence[ReplayedStep], catalog: Catalog) -> Iterator[Finding]:
    """What is wrong with the answer as a whole."""
    if not steps:
        yield from _read(said, catalog)
        return
    last = steps[-1]
    if not same_value(said.value, last.said.value):
        text = f"the answer is {exact_words(said.value)}, and its last step gave {exact_words(last.said.value)}"
        yield Finding(Kind.ANSWER, text)
    if last.description is not None and last.description.produces.iri != said.concept:
        yield Finding(Kind.ANSWER, f"the answer is of {said.concept}, and its last step gave {_produced(last)}")
    if said.at != last.said.as_of:
        text = f"the answer is as of {said.at.isoformat()}, and its last step as of {last.said.as_of.isoformat()}"
        yield Finding(Kind.TIME, text)
    if said.assumed:
        yield Finding(Kind.ANSWER, "the answer is said to be assumed, and to be computed")
    yield from _interval(said, last)
    reached = _reached(said)
    for place, step in enumerate(steps):
        if place not in reached:
            yield Finding(Kind.LINK, f"the answer does not rest on its step {place + 1}, {step.said.title}")
    status = _status(steps)
    if status is not None and status.value != said.status:
        yield Finding(Kind.STATUS, f"{said.status} in the file; from what comes out here it is {status.value}")


def _interval(said: Said, last: ReplayedStep) -> Iterator[Finding]:
    """Whether its uncertainty is the one that comes out here."""
    if last.evaluation is None:
        return
    there, here = said.interval, last.evaluation.interval
    if not same_limits(there, here):
        yield Finding(Kind.INTERVAL, f"its uncertainty: {limits_differ(there, here)}")
    elif there is not None and here is not None and there.level != here.level:
        yield Finding(Kind.INTERVAL, f"the level of its uncertainty: {there.level} in the file, {here.level} here")


def _produced(step: ReplayedStep) -> str:
    return "" if step.description is None else step.description.produces.iri


def _read(said: Said, catalog: Catalog) -> Iterator[Finding]:
    """An answer without steps is read from a record, or was given with the question."""
    concept = next((each for each in catalog.concepts.values() if each.iri == said.concept), None)
    if concept is None:
        yield Finding(Kind.MODULE, f"there is no concept {said.concept} here")
    elif _computed(concept) and not said.assumed:
        yield Finding(Kind.LINK, f"{concept.display} is computed, and the file has no step that gives it")
    if said.interval is not None:
        yield Finding(Kind.INTERVAL, "the answer has an uncertainty, and no step that could give one")
    wanted = Status.INSUFFICIENT if isinstance(said.value, Absent) else Status.COMPLETE
    if said.status != wanted.value:
        yield Finding(Kind.STATUS, f"{said.status} in the file; for what it says it is {wanted.value}")


def _computed(concept: Concept) -> bool:
    return concept.origin is Origin.COMPUTED


def _reached(said: Said) -> frozenset[int]:
    seen, pending = {len(said.steps) - 1}, [len(said.steps) - 1]
    while pending:
        below = {each for given in said.steps[pending.pop()].inputs.values() for each in given.steps}
        new = {each for each in below if 0 <= each < len(said.steps)} - seen
        seen |= new
        pending += new
    return frozenset(seen)


def _status(steps: Sequence[ReplayedStep]) -> Status | None:
    """The status by the rules of every answer; None where a step could not be computed here."""
    made = [each for step in steps if (each := _execution(step, len(steps))) is not None]
    if len(made) < len(steps):
        return None
    reach = Reach(_trace(tuple(made), steps[-1].said.as_of))
    return status_of(reach, len(steps) - 1)


def _trace(executions: tuple[Execution, ...], at: datetime) -> Trace:
    return Trace(Plan((), (), ()), "", "", "", at, executions, (), _ANYWHERE)


def _execution(step: ReplayedStep, count: int) -> Execution | None:
    if step.description is None or step.evaluation is None:
        return None
    inputs = {}
    for slot in step.description.slots:
        consumed, given = step.inputs[slot.name], step.said.inputs[slot.name]
        below = tuple(each for each in given.steps if 0 <= each < count)
        inputs[slot.name] = BoundInput(slot, consumed.value, consumed.bounds, steps=below, assumed=given.assumed)
    said = step.said
    return Execution(step.description, said.as_of, inputs, step.evaluation, said.fingerprint, said.reused, "")

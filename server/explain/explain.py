"""A trace told to a reader: one result for each goal, in the order asked."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import TypeAlias

from ontology.concepts import Concept
from ontology.evaluation import Evaluation, Issue
from ontology.inputs import Consumed
from ontology.values import Absent, AbsentReason
from server import kinds
from server.catalog.criteria import Outcome
from server.catalog.descriptions import Description, Kind
from server.executor.trace import Answered, Execution, Trace
from server.explain.claims import claim, leaf_claim, risk_of
from server.explain.reach import Reach, Times
from server.explain.results import AnswerResult, InterpretationView, Status
from server.explain.steps import chain, ground, step_issues

Interpreter: TypeAlias = Callable[[Description, Mapping[str, Consumed], Evaluation], Outcome | None]

RECORDED_USE = "A fact as it stands in the record; nothing was computed."


def explain(trace: Trace, interpret: Interpreter = kinds.interpret) -> tuple[AnswerResult, ...]:
    """The results of a run; ``interpret`` finds the band of a value."""
    reach = Reach(trace)
    return tuple(
        _recorded(trace, reach, answered)
        if answered.execution is None
        else _computed(trace, reach, answered.goal.concept, answered.execution, interpret)
        for answered in trace.answers
    )


def status_of(reach: Reach, position: int) -> Status:
    """The status of a computed answer; an optional input whose absence matters anywhere below makes it PARTIAL."""
    below = reach.steps(position, all_slots=False)
    match reach.executions[position].evaluation.value:
        case Absent(AbsentReason.NOT_APPLICABLE):
            return Status.NOT_APPLICABLE
        case Absent(AbsentReason.FAILED):
            return Status.FAILED
        case Absent():
            failed = any(_failed(reach.executions[step]) for step in below)
            return Status.FAILED if failed else Status.INSUFFICIENT
        case _:
            partial = any(_sharper_with_more(reach, step) for step in below)
            return Status.PARTIAL if partial else Status.COMPLETE


def _sharper_with_more(reach: Reach, position: int) -> bool:
    """Whether an input is absent whose presence could change the answer, or lift what qualifies it.

    A score or a rule may be settled without all of its inputs: room air needs no flow.  Then nothing is missing.
    """
    if not any(isinstance(given.value, Absent) for given in reach.carrying(position)):
        return False
    execution = reach.executions[position]
    if execution.description.kind not in (Kind.SCORE, Kind.RULE):
        return True
    evaluation = execution.evaluation
    return evaluation.bounds is not None or evaluation.working.qualifier is not None


def _failed(execution: Execution) -> bool:
    return execution.evaluation.value == Absent(AbsentReason.FAILED)


def _computed(trace: Trace, reach: Reach, concept: Concept, position: int, interpret: Interpreter) -> AnswerResult:
    execution = reach.executions[position]
    description, evaluation = execution.description, execution.evaluation
    times = reach.times(position)
    outcome = interpret(description, _consumed(execution), evaluation)
    # Walked once for all parts: a long series has thousands of steps.
    steps = cache(lambda: reach.steps(position))
    return AnswerResult(
        patient=trace.patient,
        reference=trace.reference,
        source=trace.source,
        at=trace.at,
        concept=concept,
        status=status_of(reach, position),
        value=evaluation.value,
        effective=_holds_at(times, execution.as_of),
        grounds_from=times.oldest.start if times.oldest else None,
        text=claim(reach, position, trace.at),
        interpretation=_interpretation(outcome),
        interval=evaluation.interval,
        risk=risk_of(description, evaluation),
        bounds=evaluation.bounds,
        recommendations=outcome.advice if outcome is not None and not _dead(trace) else (),
        intended_use=description.intended_use,
        fingerprint=execution.fingerprint,
        leaf=None,
        assumed=reach.assumed(position),
        under=trace.under,
        make_chain=lambda: chain(reach, position, trace.at),
        make_issues=lambda: _issues(trace, reach, position),
        make_part=lambda place: _part(trace, reach, steps()[place], interpret),
    )


def _part(trace: Trace, reach: Reach, position: int, interpret: Interpreter) -> AnswerResult:
    return _computed(trace, reach, reach.executions[position].description.produces, position, interpret)


def _no_part(place: int) -> AnswerResult:
    raise IndexError(f"what is read has no steps, and so none at {place}")


def _holds_at(times: Times, as_of: datetime) -> datetime | None:
    """The time of the latest record; where all of them go on (conditions), the time of the evaluation."""
    if times.latest is not None:
        return times.latest.end
    return as_of if times.oldest is not None else None


def _dead(trace: Trace) -> bool:
    """Whether a death is told with the answer: nothing is recommended then."""
    return any(issue.code in ("death", "death-undated") for issue in trace.issues)


def _recorded(trace: Trace, reach: Reach, answered: Answered) -> AnswerResult:
    leaf = answered.leaf
    if leaf is None:
        raise ValueError("an answer needs an execution or a leaf")
    times = reach.input_times(leaf)
    view = ground(reach, leaf)
    return AnswerResult(
        patient=trace.patient,
        reference=trace.reference,
        source=trace.source,
        at=trace.at,
        concept=answered.goal.concept,
        status=Status.INSUFFICIENT if isinstance(leaf.value, Absent) else Status.COMPLETE,
        value=leaf.value,
        effective=times.latest.end if times.latest else None,
        grounds_from=times.oldest.start if times.oldest else None,
        text=leaf_claim(leaf, times),
        interpretation=None,
        interval=None,
        risk=None,
        bounds=leaf.bounds,
        recommendations=(),
        intended_use=RECORDED_USE,
        fingerprint=None,
        leaf=view,
        assumed=leaf.assumed,
        under=trace.under,
        make_chain=tuple,
        make_part=_no_part,
        make_issues=lambda: tuple(dict.fromkeys((*view.issues, *trace.issues))),
    )


def _issues(trace: Trace, reach: Reach, position: int) -> tuple[Issue, ...]:
    # The answer's own step first: what a reader must mind about it comes before what lies below it.
    order = (position, *(step for step in reach.steps(position) if step != position))
    below = (issue for step in order for issue in step_issues(reach, step))
    return tuple(dict.fromkeys((*below, *trace.issues)))


def _consumed(execution: Execution) -> dict[str, Consumed]:
    return {name: Consumed(given.value, given.bounds) for name, given in execution.inputs.items()}


def _interpretation(outcome: Outcome | None) -> InterpretationView | None:
    return None if outcome is None else InterpretationView(outcome.coding, outcome.text, outcome.citation)

"""A trace turned into results: one ``AnswerResult`` for each goal, in the order of the question."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import TypeAlias

from ontology.concepts import Concept
from ontology.evaluation import Evaluation, Issue, SlotInput
from ontology.slots import Slot
from ontology.values import Absent, AbsentReason
from server import kinds
from server.catalog.criteria import Outcome
from server.catalog.descriptions import Description, Kind
from server.compiler.plan import Leaf, Plan
from server.executor.trace import Execution, GoalAnswer, Trace
from server.explain.claims import claim, leaf_claim, missing_inputs, risk_of
from server.explain.dependencies import Dependencies, Times, is_untaken
from server.explain.failed_searches import OF_TYPES
from server.explain.phrases import with_short_texts
from server.explain.results import AnswerResult, InterpretationView, Status
from server.explain.steps import answer_issues, chain, ground_view

Interpreter: TypeAlias = Callable[[Description, Mapping[str, SlotInput], Evaluation], Outcome | None]

_OF_EVERYBODY = "Patient"
"""Whether the patient is alive, and who it is, is asked for every answer."""
_INPUT_ABSENT = Absent(AbsentReason.INPUT_ABSENT)
RECORDED_INTENDED_USE = "A fact as it stands in the record; nothing was computed."


def explain(
    trace: Trace, interpret: Interpreter = kinds.interpret, dependencies: Dependencies | None = None
) -> tuple[AnswerResult, ...]:
    """The results of a run; ``interpret`` finds the band of a value; ``dependencies``: of the trace, if in hand."""
    dependencies = dependencies or Dependencies(trace)
    return tuple(explain_answer(trace, answered, dependencies, interpret) for answered in trace.answers)


def explain_answer(
    trace: Trace, answered: GoalAnswer, dependencies: Dependencies, interpret: Interpreter = kinds.interpret
) -> AnswerResult:
    """The result for one of the concepts of a run, for who needs only some of them."""
    if answered.execution is None:
        return _recorded_result(trace, dependencies, answered)
    return _computed_result(trace, dependencies, answered.goal.concept, answered.execution, interpret)


def status_of(dependencies: Dependencies, position: int) -> Status:
    """The status of a computed answer; an optional input whose absence matters anywhere below makes it PARTIAL."""
    below = dependencies.steps(position, all_slots=False)
    match dependencies.executions[position].evaluation.value:
        case Absent(AbsentReason.NOT_APPLICABLE):
            return Status.NOT_APPLICABLE
        case Absent(AbsentReason.FAILED):
            return Status.FAILED
        case Absent():
            failed = any(_execution_failed(dependencies.executions[step]) for step in below)
            return Status.FAILED if failed else Status.INSUFFICIENT
        case _:
            partial = any(_missing_input_matters(dependencies, step) for step in below)
            return Status.PARTIAL if partial else Status.COMPLETE


def _missing_input_matters(dependencies: Dependencies, position: int) -> bool:
    """Whether an input is absent whose presence could change the answer, or lift what qualifies it.

    A score or a rule may be decided without all of its inputs: room air needs no flow.  Then nothing is missing.  Nor
    is it where one of several ways to the value was not taken.
    """
    inputs = dependencies.supporting_inputs(position)
    if not any(isinstance(given.value, Absent) and not is_untaken(given) for given in inputs):
        return False
    execution = dependencies.executions[position]
    if execution.description.kind not in (Kind.SCORE, Kind.RULE):
        return True
    evaluation = execution.evaluation
    return evaluation.bounds is not None or evaluation.working.qualifier is not None


def _execution_failed(execution: Execution) -> bool:
    return execution.evaluation.value == Absent(AbsentReason.FAILED)


def _computed_result(
    trace: Trace, dependencies: Dependencies, concept: Concept, position: int, interpret: Interpreter
) -> AnswerResult:
    execution = dependencies.executions[position]
    description, evaluation = execution.description, execution.evaluation
    times = dependencies.times(position)
    outcome = interpret(description, dependencies.consumed_inputs(position), evaluation)
    # Walked once for all parts: a long series has thousands of steps.
    steps = cache(lambda: dependencies.steps(position))
    return AnswerResult(
        patient=trace.patient,
        reference=trace.reference,
        source=trace.source,
        at=trace.at,
        concept=concept,
        status=status_of(dependencies, position),
        value=evaluation.value,
        effective=_effective_time(times, execution.as_of),
        grounds_from=times.oldest.start if times.oldest else None,
        text=claim(dependencies, position, trace.at),
        interpretation=_interpretation_view(outcome),
        interval=evaluation.interval,
        risk=risk_of(description, evaluation),
        bounds=evaluation.bounds,
        recommendations=outcome.advice if outcome is not None and not _patient_died(trace) else (),
        intended_use=description.intended_use,
        fingerprint=execution.fingerprint,
        leaf=None,
        assumed=dependencies.rests_on_assumption(position) or dependencies.rests_on_list(position),
        circumstances=trace.circumstances,
        make_chain=lambda: chain(dependencies, position, trace.at),
        make_issues=lambda: _result_issues(trace, dependencies, position),
        make_part=lambda place: _step_result(trace, dependencies, steps()[place], interpret),
        presumed=dependencies.rests_on_list(position),
        missing=missing_inputs(dependencies, position) if evaluation.value == _INPUT_ABSENT else (),
        own_claim=evaluation.working.claim,
        decimals=description.display_decimals,
        unreliable_in=dependencies.known_cautions(position)[0],
    )


def _step_result(trace: Trace, dependencies: Dependencies, position: int, interpret: Interpreter) -> AnswerResult:
    return _computed_result(
        trace, dependencies, dependencies.executions[position].description.produces, position, interpret
    )


def _no_step_result(place: int) -> AnswerResult:
    raise IndexError(f"what is read has no steps, and so none at {place}")


def _effective_time(times: Times, as_of: datetime) -> datetime | None:
    """The time of the latest record; where all of them go on (conditions), the time of the evaluation."""
    if times.latest is not None:
        return times.latest.end
    return as_of if times.oldest is not None else None


def reports_death(issues: Iterable[Issue]) -> bool:
    """Whether a death, dated or not, is among the issues of an answer."""
    return any(issue.code in ("death", "death-undated") for issue in issues)


def _patient_died(trace: Trace) -> bool:
    """Whether the answer reports a death: nothing is recommended then."""
    return reports_death(trace.issues)


def _recorded_result(trace: Trace, dependencies: Dependencies, answered: GoalAnswer) -> AnswerResult:
    leaf = answered.leaf
    if leaf is None:
        raise ValueError("an answer needs an execution or a leaf")
    times = dependencies.input_times(leaf)
    view = ground_view(dependencies, leaf)
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
        text=leaf_claim(leaf, times, dependencies.style),
        interpretation=None,
        interval=None,
        risk=None,
        bounds=leaf.bounds,
        recommendations=(),
        intended_use=RECORDED_INTENDED_USE,
        fingerprint=None,
        leaf=view,
        assumed=leaf.assumed,
        circumstances=trace.circumstances,
        make_chain=tuple,
        make_part=_no_step_result,
        make_issues=lambda: with_short_texts((*view.issues, *_issues_of_concept(trace, leaf.slot))),
    )


def _result_issues(trace: Trace, dependencies: Dependencies, position: int) -> tuple[Issue, ...]:
    iri = dependencies.executions[position].description.iri
    return with_short_texts((*answer_issues(dependencies, position), *_issues_of_call(trace, iri)))


def _interpretation_view(outcome: Outcome | None) -> InterpretationView | None:
    return None if outcome is None else InterpretationView(outcome.coding, outcome.text, outcome.citation)


def _issues_of_call(trace: Trace, iri: str) -> tuple[Issue, ...]:
    """The issues of the run that concern the result of a module; all of them, where its plan is not known."""
    known = any(each.description.iri == iri for each in trace.plan.calls)
    return _concerning(trace, _slots_under(trace.plan, iri)) if known else trace.issues


def _issues_of_concept(trace: Trace, slot: Slot) -> tuple[Issue, ...]:
    """The issues of the run that concern a concept that is read."""
    return _concerning(trace, (slot,))


def _concerning(trace: Trace, slots: Iterable[Slot]) -> tuple[Issue, ...]:
    if not any(each.code in OF_TYPES for each in trace.issues):
        return trace.issues
    slots = tuple(slots)
    concepts = {each.concept.id for each in slots} | {each.enabled_by for each in slots}
    lists = {each.no_if_reconciled.id for each in slots if each.no_if_reconciled is not None}
    searches = [each.description for each in trace.plan.searches]
    read = [
        each.description
        for each in trace.plan.searches
        # Whether a list is kept matters to what asks for one.
        if (each.of_list and lists) or any(one.id in concepts or one.id in lists for one in each.concepts)
    ]
    # What is searched on request may matter to any.  What is included dates records, and shows that a list is kept.
    needed = {each.resource_type for each in (*read, *(one for one in searches if one.on_request))}
    needed.update(kind for each in read for kind in each.includes)
    others = {each.resource_type for each in searches} - needed - {_OF_EVERYBODY}
    return tuple(each for each in trace.issues if each.code not in OF_TYPES or each.text.split(" ", 1)[0] not in others)


def _slots_under(plan: Plan, iri: str) -> Iterator[Slot]:
    """All slots that a module and those below it fill, those of which a recorded value is preferred included."""
    pending, seen = [iri], {iri}
    while pending:
        call = plan.call(pending.pop())
        for slot in call.description.slots:
            yield slot
            binding = call.bindings.get(slot.name)
            if isinstance(binding, Leaf):
                yield binding.slot
            elif binding is not None and binding.call not in seen:
                # What a series is made of are the inputs of the module whose points it has.
                seen.add(binding.call)
                pending.append(binding.call)

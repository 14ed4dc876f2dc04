"""The queries: one patient's results, the concepts and modules on offer, and what a question would call."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any, Protocol, cast

import strawberry
from strawberry import ID, Info

from collectors.auth.authorisations import NO_CALLER, Caller
from collectors.errors import PatientNotFoundError
from collectors.reading.record_content import RecordContent
from collectors.settings import Source
from server.access.grant import Grant, caller_of
from server.catalog.catalog import Catalog
from server.catalog.concept_search import find_concepts
from server.compiler.compilation import compile_plan
from server.errors import CompileError, QuestionError, UnknownConceptError, did_you_mean
from server.executor.budget import Budget
from server.executor.question import Question
from server.executor.record_question import RecordQuestion
from server.executor.timeline import ConceptTimeline
from server.executor.trace import Trace
from server.explain import plan_text
from server.explain.comparisons import Baseline, Comparison
from server.explain.explain import explain
from server.explain.results import AnswerResult
from server.graphql.assumptions import Assumption, read_assumptions
from server.graphql.attribution import attribute_results, requested_comparisons
from server.graphql.identifiers import patient_identifier, read_patient_identifier
from server.graphql.limits import DEFAULT_CONCEPTS, DEFAULT_POINTS, MOST_CONCEPTS, MOST_POINTS
from server.graphql.modules import Concept, Module, Plan
from server.graphql.originals import Originals
from server.graphql.results import Result, Timeline
from server.graphql.turns import Turns
from server.graphql.values import Banner, described

_LONGEST_SEARCH = 100
"""Characters of ``search``: each word of it is looked for in each name of each concept."""


class QuestionEngine(Protocol):
    """The part of the engine that queries use."""

    @property
    def catalog(self) -> Catalog:
        """What is on offer."""

    def source(self, source_id: str | None) -> Source:
        """The source of this id, or the only one."""

    async def ask(self, question: Question) -> Trace:
        """Answer a question."""

    async def banner(self, source_id: str, patient: str, caller: Caller | None = None) -> Any:
        """Who a patient is, read now."""

    async def timeline(self, question: Question, most: int) -> ConceptTimeline:
        """Answer it at each time at which its inputs changed."""

    async def record(self, question: RecordQuestion) -> RecordContent:
        """One record itself."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a request brings: the engine, what the caller's token allows (None: no issuers are configured, and ``token``
    is passed on), how many concepts one question may name, what all its questions may cost together, its turns on the
    event loop, and the records that its answers rest on."""

    engine: QuestionEngine
    token: str | None = field(default=None, repr=False)
    max_concepts: int = 50
    budget: Budget | None = None
    grant: Grant | None = field(default=None, repr=False)
    turns: Turns = field(default_factory=Turns, repr=False)
    originals: Originals | None = field(default=None, repr=False)


async def _resolve_results(
    root: strawberry.Parent[Any],
    info: Info[Context, None],
    of: Annotated[list[ID], strawberry.argument(description="Ids of concepts; `Query.concepts` finds them.")],
    at: Annotated[
        datetime | None, strawberry.argument(description="As of this time, with what was known then; left out: now.")
    ] = strawberry.UNSET,
    assume: Annotated[
        list[Assumption] | None, strawberry.argument(description="Inputs to take as given instead of the record's.")
    ] = strawberry.UNSET,
) -> list[Result | None]:
    context = info.context
    # Aliases ask at the same time: each begins, and is put into words, in a turn of its own.
    await context.turns.wait()
    wanted, catalog = requested_comparisons(info), context.engine.catalog
    question = Question(
        patient=root.logical_id,
        concepts=_checked_concepts(context, of),
        at=at or None,
        source=root.source,
        assumptions=read_assumptions(assume or (), catalog.concepts, catalog.modules.values()),
        caller=root.caller,
        earlier_times=tuple(each.since for each in wanted if each.since is not None),
        compare_without_assumptions=any(each.baseline is Baseline.ACTUAL for each in wanted) and bool(assume),
        budget=context.budget,
    )
    faults: dict[str, CompileError] = {}
    while True:
        try:
            answers = await _answer(context, _without(question, faults), wanted)
            break
        except CompileError as error:  # before anything is fetched
            faults |= await _compile_faults(context, _without(question, faults), error)
    # The schema's types describe what explain returns; fields are read straight off it.
    if not faults:
        return cast("list[Result | None]", answers)
    # An error in a list is null at its place.
    found = iter(answers)
    return [cast("Any", faults[each] if each in faults else next(found)) for each in question.concepts]


async def _answer(context: Context, question: Question, wanted: tuple[Comparison, ...]) -> tuple[AnswerResult, ...]:
    if not question.concepts:
        return ()
    trace = await context.engine.ask(question)
    if context.originals is not None:
        context.originals.traces.append((trace, question.caller or NO_CALLER))
    await context.turns.wait()
    results = explain(trace)
    return await attribute_results(trace, results, wanted, context.budget) if wanted else results


def _without(question: Question, faults: Mapping[str, CompileError]) -> Question:
    """The question without the concepts that cannot be answered."""
    return (
        replace(question, concepts=tuple(each for each in question.concepts if each not in faults))
        if faults
        else question
    )


async def _compile_faults(context: Context, question: Question, error: CompileError) -> dict[str, CompileError]:
    """Why each concept cannot be answered that cannot.  Raises ``error`` where each could be for itself."""
    catalog, faults = context.engine.catalog, dict[str, CompileError]()
    for concept in dict.fromkeys(question.concepts):
        # To look for what an unknown one may have meant takes milliseconds.
        await context.turns.wait()
        if not isinstance(error, UnknownConceptError) or concept not in catalog.concepts:
            try:
                compile_plan(catalog, (concept,), frozenset(question.assumptions))
            except CompileError as fault:
                faults[concept] = fault
    if not faults:
        raise error
    return faults


async def _resolve_timeline(
    root: strawberry.Parent[Any],
    info: Info[Context, None],
    of: Annotated[ID, strawberry.argument(description="The id of a concept.")],
    from_: Annotated[datetime, strawberry.argument(name="from", description="The time of the first point.")],
    to: Annotated[datetime, strawberry.argument(description="No point is later.")],
    at_most: Annotated[
        int | None, strawberry.argument(description=f"How many points at most, from 1 to {MOST_POINTS:,}.")
    ] = DEFAULT_POINTS,
) -> Timeline:
    context = info.context
    most = DEFAULT_POINTS if at_most is None else at_most
    if not 1 <= most <= MOST_POINTS:
        raise QuestionError("too-many-points", f"`atMost` lies between 1 and {MOST_POINTS}")
    question = Question(
        root.logical_id,
        _checked_concepts(context, [of]),
        to,
        root.source,
        caller=root.caller,
        earlier_times=(from_,),
        budget=context.budget,
    )
    course = await context.engine.timeline(question, most)
    points: list[Any] = []
    for trace in course.traces:
        await context.turns.wait()
        points += explain(trace)
    concept: Any = context.engine.catalog.concepts[of]
    return Timeline(concept=concept, points=points, left_out=course.left_out, ran=course.ran, reused=course.reused)


async def _resolve_banner(root: strawberry.Parent[Any], info: Info[Context, None]) -> Banner:
    await info.context.turns.wait()
    return cast("Banner", await info.context.engine.banner(root.source, root.logical_id, root.caller))


@strawberry.type
class Patient:
    """A patient, as a source describes them. Nothing is fetched until results are asked for."""

    id: ID = described("Unique over sources; opaque, and taken back by `patient(id:)`.")
    logical_id: ID = described("The id in the EHR: unique for one source only.")
    banner: Banner | None = strawberry.field(
        resolver=_resolve_banner, description="For the head of a page. Read when asked for, never kept."
    )
    reference: str = described("Absolute FHIR reference.")
    source: strawberry.Private[str]
    caller: strawberry.Private[Caller]
    results: list[Result | None] = strawberry.field(
        resolver=_resolve_results,
        description="One result for each concept asked for, in that order, computed in one run; "
        "null at its place, with an error, where a concept is unknown.",
    )
    timeline: Timeline = strawberry.field(
        resolver=_resolve_timeline,
        description="One concept as of `from` and as of each later time, up to `to`, at which its inputs changed; "
        "each with what was known then. Of more changes than `atMost` the newest.",
    )


def _resolve_patient(
    info: Info[Context, None],
    id: Annotated[ID, strawberry.argument(description="The FHIR id, or what `Patient.id` gave.")],  # noqa: A002 - contract
    source: Annotated[
        ID | None,
        strawberry.argument(
            description="The source, as configured; left out where there is one, or with what `Patient.id` gave."
        ),
    ] = strawberry.UNSET,
) -> Patient | None:
    try:
        named, patient = read_patient_identifier(id, source or None)
    except PatientNotFoundError:
        # A reference to another patient is refused as such, as their id would be.
        if info.context.grant is not None:
            caller_of(info.context.grant, info.context.token, info.context.engine.source(source or None), id)
        raise
    endpoint = info.context.engine.source(named)
    caller = caller_of(info.context.grant, info.context.token, endpoint, patient)
    return Patient(
        id=ID(patient_identifier(endpoint.id, patient)),
        logical_id=ID(patient),
        reference=f"{endpoint.base_url}/Patient/{patient}",
        source=endpoint.id,
        caller=caller,
    )


def _resolve_concepts(
    info: Info[Context, None],
    search: Annotated[
        str | None, strawberry.argument(description="Words, such as `kfre` or `blood pressure`; each must be found.")
    ] = strawberry.UNSET,
    computed: Annotated[
        bool | None, strawberry.argument(description="True: of those that a module computes; false: of the others.")
    ] = strawberry.UNSET,
    first: Annotated[
        int | None, strawberry.argument(description=f"How many at most, from 0 to {MOST_CONCEPTS}.")
    ] = DEFAULT_CONCEPTS,
) -> list[Concept]:
    most = DEFAULT_CONCEPTS if first is None else first
    if not 0 <= most <= MOST_CONCEPTS:
        raise QuestionError("first-out-of-range", f"`first` lies between 0 and {MOST_CONCEPTS}")
    if len(search or "") > _LONGEST_SEARCH:
        raise QuestionError("search-too-long", f"`search` has at most {_LONGEST_SEARCH} characters")
    wanted = None if computed is strawberry.UNSET else computed
    found = find_concepts(info.context.engine.catalog.concepts.values(), search or "", wanted)
    return cast("list[Concept]", list(found[:most]))


def _resolve_modules(
    info: Info[Context, None],
    produces: Annotated[ID | None, strawberry.argument(description="The id of a concept.")] = strawberry.UNSET,
) -> list[Module]:
    catalog = info.context.engine.catalog
    wanted = None if produces is strawberry.UNSET else produces
    if wanted is not None and wanted not in catalog.concepts:
        raise UnknownConceptError(f"no concept has this id{did_you_mean(wanted, catalog.concepts)}")
    found = [m for m in catalog.modules.values() if wanted is None or m.produces.id == wanted]
    return cast("list[Module]", sorted(found, key=lambda module: module.id))


async def _resolve_plan(
    info: Info[Context, None], of: Annotated[list[ID], strawberry.argument(description="Ids of concepts.")]
) -> Plan:
    await info.context.turns.wait()
    plan = compile_plan(info.context.engine.catalog, _checked_concepts(info.context, of))
    calls: list[Any] = [_CallWithNeeds(call.description, plan_text.describe_needs(plan, call)) for call in plan.calls]
    return Plan(calls=calls, searches=list(plan_text.describe_searches(plan)))


@strawberry.type
class Query:
    """What can be asked."""

    patient: Patient | None = strawberry.field(
        resolver=_resolve_patient,
        description="One patient, as the configured sources describe them; null, with an error, where that cannot be.",
    )
    concepts: list[Concept] = strawberry.field(
        resolver=_resolve_concepts,
        description="What can be asked: concepts whose id, label, synonym or code holds the words of `search`, "
        "the best found first.",
    )
    modules: list[Module] = strawberry.field(
        resolver=_resolve_modules, description="The modules on offer; `produces` narrows to those of one concept."
    )
    plan: Plan = strawberry.field(
        resolver=_resolve_plan, description="What a question would call and fetch; nothing is fetched."
    )


@dataclass(frozen=True, slots=True)
class _CallWithNeeds:
    module: Any
    needs: tuple[str, ...]


def _checked_concepts(context: Context, of: list[ID]) -> tuple[str, ...]:
    if not of:
        raise QuestionError("no-concepts", "a question must name at least one concept")
    if len(of) > context.max_concepts:
        raise QuestionError("too-many-concepts", f"a question may name at most {context.max_concepts} concepts")
    return tuple(of)

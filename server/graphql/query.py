"""The queries: one patient's results, the modules on offer, and what a question would call."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Protocol, cast

import strawberry
from strawberry import ID, Info

from collectors.auth.authorisations import Caller
from collectors.reading.readout import check_fhir_id
from collectors.settings import Source
from server.access.grant import Grant, caller_of
from server.catalog.catalog import Catalog
from server.compiler.compilation import compile_plan
from server.errors import QuestionError, UnknownConceptError, did_you_mean
from server.executor.budget import Budget
from server.executor.question import Question
from server.executor.timeline import ConceptTimeline
from server.executor.trace import Trace
from server.explain import plan_text
from server.explain.comparisons import Baseline
from server.explain.explain import explain
from server.graphql.assumptions import Assumption, read_assumptions
from server.graphql.attribution import attribute_results, requested_comparisons
from server.graphql.limits import DEFAULT_POINTS, MOST_POINTS
from server.graphql.modules import Module, Plan
from server.graphql.results import Result, Timeline


class QuestionEngine(Protocol):
    """The part of the engine that queries use."""

    @property
    def catalog(self) -> Catalog:
        """What is on offer."""

    def source(self, source_id: str | None) -> Source:
        """The source of this id, or the only one."""

    async def ask(self, question: Question) -> Trace:
        """Answer a question."""

    async def timeline(self, question: Question, most: int) -> ConceptTimeline:
        """Answer it at each time at which its inputs changed."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a request brings: the engine, what the caller's token allows (None: no issuers are configured, and ``token``
    is passed on), how many concepts one question may name, and what all its questions may cost together."""

    engine: QuestionEngine
    token: str | None = field(default=None, repr=False)
    max_concepts: int = 50
    budget: Budget | None = None
    grant: Grant | None = field(default=None, repr=False)


async def _resolve_results(
    root: strawberry.Parent[Any],
    info: Info[Context, None],
    of: list[ID],
    at: datetime | None = strawberry.UNSET,
    assume: list[Assumption] | None = strawberry.UNSET,
) -> list[Result]:
    context = info.context
    wanted, catalog = requested_comparisons(info), context.engine.catalog
    question = Question(
        patient=root.id,
        concepts=_checked_concepts(context, of),
        at=at or None,
        source=root.source,
        assumptions=read_assumptions(assume or (), catalog.concepts, catalog.modules.values()),
        caller=root.caller,
        earlier_times=tuple(each.since for each in wanted if each.since is not None),
        compare_without_assumptions=any(each.baseline is Baseline.ACTUAL for each in wanted) and bool(assume),
        budget=context.budget,
    )
    trace = await context.engine.ask(question)
    results = explain(trace)
    if wanted:
        results = await attribute_results(trace, results, wanted, context.budget)
    # The schema's types describe what explain returns; fields are read straight off it.
    return cast("list[Result]", results)


async def _resolve_timeline(
    root: strawberry.Parent[Any],
    info: Info[Context, None],
    of: ID,
    from_: Annotated[datetime, strawberry.argument(name="from")],
    to: datetime,
    at_most: int | None = DEFAULT_POINTS,
) -> Timeline:
    context = info.context
    most = DEFAULT_POINTS if at_most is None else at_most
    if not 1 <= most <= MOST_POINTS:
        raise QuestionError("too-many-points", f"`atMost` lies between 1 and {MOST_POINTS}")
    question = Question(
        root.id,
        _checked_concepts(context, [of]),
        to,
        root.source,
        caller=root.caller,
        earlier_times=(from_,),
        budget=context.budget,
    )
    course = await context.engine.timeline(question, most)
    points: Any = [explain(trace)[0] for trace in course.traces]
    concept: Any = context.engine.catalog.concepts[of]
    return Timeline(concept=concept, points=points, left_out=course.left_out, ran=course.ran, reused=course.reused)


@strawberry.type
class Patient:
    """A patient, as a source describes them.  Nothing is fetched until results are asked for."""

    id: ID
    reference: str = strawberry.field(description="Absolute FHIR reference.")
    source: strawberry.Private[str]
    caller: strawberry.Private[Caller]
    results: list[Result] = strawberry.field(
        resolver=_resolve_results,
        description="One result for each concept asked for, in that order, computed in one run. "
        "`at`: as of this time (now, if left out). `assume`: inputs to take as given instead of the record's.",
    )
    timeline: Timeline = strawberry.field(
        resolver=_resolve_timeline,
        description="One concept over time: as of `from`, and as of each later time, up to `to`, at which its inputs "
        "changed; each with what was known then. Of more changes than `atMost` the newest are returned.",
    )


def _resolve_patient(info: Info[Context, None], id: ID, source: ID | None = strawberry.UNSET) -> Patient:  # noqa: A002 - contract
    endpoint = info.context.engine.source(None if source is strawberry.UNSET else source)
    # The one way to a Patient: whoever asks for another than the token's gets no object of which to ask anything.
    caller = caller_of(info.context.grant, info.context.token, endpoint, id)
    patient = check_fhir_id(id)
    reference = f"{endpoint.base_url}/Patient/{patient}"
    return Patient(id=ID(patient), reference=reference, source=endpoint.id, caller=caller)


def _resolve_modules(info: Info[Context, None], produces: ID | None = strawberry.UNSET) -> list[Module]:
    catalog = info.context.engine.catalog
    wanted = None if produces is strawberry.UNSET else produces
    if wanted is not None and wanted not in catalog.concepts:
        raise UnknownConceptError(f"no concept has this id{did_you_mean(wanted, catalog.concepts)}")
    found = [m for m in catalog.modules.values() if wanted is None or m.produces.id == wanted]
    return cast("list[Module]", sorted(found, key=lambda module: module.id))


def _resolve_plan(info: Info[Context, None], of: list[ID]) -> Plan:
    plan = compile_plan(info.context.engine.catalog, _checked_concepts(info.context, of))
    calls: list[Any] = [_CallWithNeeds(call.description, plan_text.describe_needs(plan, call)) for call in plan.calls]
    return Plan(calls=calls, searches=list(plan_text.describe_searches(plan)))


@strawberry.type
class Query:
    """What can be asked."""

    patient: Patient = strawberry.field(
        resolver=_resolve_patient, description="One patient. `source` may be left out where one source is configured."
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

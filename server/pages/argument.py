"""The argument page: one result, from the value down to each record, in the order in which a clinician asks."""

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from markupsafe import Markup

from collectors.patient.banner import Banner
from ontology.errors import MedtwinError
from ontology.values import Absent
from ontology.words.risks import risk_words
from ontology.words.values import uncertainty_words
from server.catalog.criteria import Advice
from server.executor.budget import Budget, Effort
from server.explain.attribution import with_attributions
from server.explain.comparisons import Baseline, Comparison
from server.explain.explain import explain
from server.explain.results import AnswerResult
from server.explain.short_grounds import records_words
from server.explain.short_text import with_calendar_days
from server.pages.argument_words import advice_of, inputs_words, method_words, rule_inputs, why_not_moved
from server.pages.chain_picture import Picture, chain_picture
from server.pages.context import PageContext
from server.pages.doubts import Doubts, doubts_of
from server.pages.earlier_time import EarlierTime, before_death, earlier_time, nearer_time
from server.pages.ground_rows import GroundRow, ground_rows
from server.pages.missing_rows import MissingRow, missing_rows, unknown_inputs
from server.pages.not_retrieved import lacks_records
from server.pages.rendering import initial
from server.pages.since import since_sentence
from server.pages.statuses import Shown, further_meaning, shown_status
from server.pages.step_views import StepPage, step_pages
from server.pages.trend import Trend, trend
from server.pages.waterfall import Moved, moved_view

_TREND = timedelta(days=3 * 365)
_MOST_POINTS = 24
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Argument:
    """All that the page shows of one result."""

    result: AnswerResult
    has_value: bool
    display: str
    shown: Shown
    people: str
    meaning: list[str]
    citation: str
    rule_inputs: str
    unknown: list[str]
    not_retrieved: bool
    method: str
    records: str
    findings: list[str]
    cautions: Doubts
    advice: list[Advice]
    moved: Moved | None
    why_since: str
    not_moved: str
    inputs: str
    grounds: list[GroundRow]
    missing: list[MissingRow]
    steps: list[StepPage]
    picture: Picture | None
    uncertainty: str
    against: list[str]
    trend: Trend | None
    since: Markup
    intended_use: str
    fingerprint: str


async def argue(context: PageContext, concept: str, at: datetime) -> Argument:
    """The argument for a concept.  Raises what ``Engine.ask`` raises."""
    async with alongside(_points(context, concept, at)) as points:
        since = await earlier_time(context, at)
        result, since = await _attributed(context, concept, at, since, points)
        return argument_view(result, await points, context, since.why)


@asynccontextmanager
async def alongside(work: Coroutine[None, None, _Found]) -> AsyncIterator[asyncio.Task[_Found]]:
    """Run ``work`` beside the block, and no longer than that."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


async def _attributed(
    context: PageContext, concept: str, at: datetime, since: EarlierTime, points: asyncio.Task[list[AnswerResult]]
) -> tuple[AnswerResult, EarlierTime]:
    trace = await context.engine.ask(context.question((concept,), at, (since.when,)))
    if (alive := before_death(since, trace.at)) != since:
        since = alive
        trace = await context.engine.ask(context.question((concept,), at, (since.when,)))
    earlier = trace.earlier_traces.get(since.when)
    if context.since is None and (earlier is None or isinstance(explain(earlier)[0].value, Absent)):
        # What is measured for some hours alone has nothing to compare with 90 days before.
        nearer = nearer_time(await points, explain(trace)[0])
        if nearer is not None:
            since = nearer
            trace = await context.engine.ask(context.question((concept,), at, (since.when,)))
    against = (Comparison(Baseline.EARLIER, since.when), Comparison(Baseline.REFERENCE))
    budget = Budget.from_settings(context.engine.settings.server)
    late = budget.start_work().is_late
    stopped = threading.Event()

    def effort() -> Effort:
        return Effort(is_late=late, stopped=stopped)

    try:
        found = await asyncio.to_thread(with_attributions, trace, explain(trace), against, effort)
        return found[0], since
    finally:
        # When the reader is gone, the computation stops.
        stopped.set()


async def _points(context: PageContext, concept: str, at: datetime) -> list[AnswerResult]:
    """The result over the last years; empty where that cannot be: the value does not hang on it."""
    try:
        course = await context.engine.timeline(context.question((concept,), at, (at - _TREND,)), _MOST_POINTS)
    except MedtwinError:
        return []
    return [result for trace in course.traces for result in explain(trace)]


def argument_view(
    result: AnswerResult, points: list[AnswerResult], context: PageContext, why_since: str = ""
) -> Argument:
    """What the page shows of a result; ``why_since``: why it is compared with that earlier time."""
    style = result.circumstances.style
    step = result.step
    decimals = step.module.display_decimals if step is not None else None
    people = ""
    if result.risk is not None and not result.presumed:
        people = f"{initial(risk_words(result.risk.probability, result.risk.horizon, decimals))}."
    doubts = doubts_of(result)
    moved = moved_view(result, context)
    not_moved = "" if moved is not None else why_not_moved(result)
    missing = missing_rows(result)
    return Argument(
        result=result,
        has_value=not isinstance(result.value, Absent),
        display=result.concept.display,
        shown=shown_status(result, doubts),
        people=people,
        meaning=[f"{initial(with_calendar_days(each))}." for each in further_meaning(result)],
        citation=(result.interpretation.citation or "") if result.interpretation is not None else "",
        rule_inputs=rule_inputs(result, style),
        unknown=unknown_inputs(result),
        not_retrieved=lacks_records(result) or not all(each.retrieved for each in missing),
        method=method_words(result, style),
        records=with_calendar_days(records_words(result, style)),
        findings=doubts.findings,
        cautions=doubts,
        advice=advice_of(result),
        moved=moved,
        why_since=why_since if moved is not None and moved.is_earlier else "",
        not_moved=not_moved,
        inputs="" if moved is not None or not_moved else inputs_words(result, style),
        grounds=ground_rows(result, context),
        missing=missing,
        steps=step_pages(result),
        picture=chain_picture(result),
        uncertainty=uncertainty_words(result.interval, decimals) if result.interval is not None else "",
        against=doubts.in_full,
        trend=trend(points, result),
        since=since_sentence(points, result),
        intended_use=result.intended_use,
        fingerprint=result.fingerprint or "",
    )


def evaluation_moment(context: PageContext) -> datetime:
    """The one time that all numbers of a page are as of."""
    return context.at or datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Head:
    """Who the patient is, or why their record could not be read."""

    banner: Banner | None
    fault: str
    age: str


async def read_head(context: PageContext, at: datetime) -> Head:
    """The banner of a page; where it cannot be read the page says so, and goes on."""
    try:
        banner = await context.engine.banner(context.source.id, context.patient, context.caller)
    except MedtwinError as error:
        return Head(None, str(error), "")
    return Head(banner, "", _age(banner, at))


def _age(banner: Banner, at: datetime) -> str:
    """Completed years; of a partial date of birth none."""
    if banner.born is None or banner.born.start != banner.born.end:
        return ""
    end = min(at, banner.deceased_at) if banner.deceased_at is not None else at
    born, day = banner.born.start, end.date()
    return f"{day.year - born.year - ((day.month, day.day) < (born.month, born.day))} y"

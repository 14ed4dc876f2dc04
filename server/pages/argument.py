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
from ontology.words import Style
from ontology.words.lists import list_words
from ontology.words.risks import risk_words
from ontology.words.values import uncertainty_words
from server.attribution.result import NOTHING_TO_COMPARE
from server.catalog.criteria import Advice
from server.executor.budget import Budget, Effort
from server.explain.attribution import with_attributions
from server.explain.comparisons import Baseline, Comparison
from server.explain.explain import explain
from server.explain.results import AnswerResult
from server.explain.short_grounds import ground_words, grounds_words, records_words
from server.explain.short_meaning import different_advice
from server.explain.short_text import meaning_texts, with_calendar_days
from server.pages.chain_picture import Picture, chain_picture
from server.pages.context import PageContext
from server.pages.doubts import Doubts, doubts_of
from server.pages.earlier_time import earlier_time, nearer_time
from server.pages.ground_rows import GroundRow, MissingRow, ground_rows, missing_rows, unknown_inputs
from server.pages.rendering import initial
from server.pages.since import since_sentence
from server.pages.statuses import Shown, shown_status
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
    unknown: list[str]
    method: str
    records: str
    findings: list[str]
    cautions: Doubts
    advice: list[Advice]
    moved: Moved | None
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
        result = await _attributed(context, concept, at, since.when, points)
        return argument_view(result, await points, context)


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
    context: PageContext, concept: str, at: datetime, since: datetime, points: asyncio.Task[list[AnswerResult]]
) -> AnswerResult:
    trace = await context.engine.ask(context.question((concept,), at, (since,)))
    earlier = trace.earlier_traces.get(since)
    if context.since is None and (earlier is None or isinstance(explain(earlier)[0].value, Absent)):
        # What is measured for some hours alone has nothing to compare with 90 days before.
        nearer = nearer_time(await points, explain(trace)[0])
        if nearer is not None:
            since = nearer
            trace = await context.engine.ask(context.question((concept,), at, (since,)))
    against = (Comparison(Baseline.EARLIER, since), Comparison(Baseline.REFERENCE))
    budget = Budget.from_settings(context.engine.settings.server)
    late = budget.start_work().is_late
    stopped = threading.Event()

    def effort() -> Effort:
        return Effort(is_late=late, stopped=stopped)

    try:
        return (await asyncio.to_thread(with_attributions, trace, explain(trace), against, effort))[0]
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


def argument_view(result: AnswerResult, points: list[AnswerResult], context: PageContext) -> Argument:
    """What the page shows of a result."""
    style = result.circumstances.style
    step = result.step
    decimals = step.module.display_decimals if step is not None else None
    people = ""
    if result.risk is not None and not result.presumed:
        people = f"{initial(risk_words(result.risk.probability, result.risk.horizon, decimals))}."
    doubts = doubts_of(result)
    moved = moved_view(result, context)
    kept = different_advice(result)
    not_moved = "" if moved is not None else _why_not_moved(result)
    return Argument(
        result=result,
        has_value=not isinstance(result.value, Absent),
        display=result.concept.display,
        shown=shown_status(result, doubts),
        people=people,
        meaning=[f"{initial(with_calendar_days(each))}." for each in meaning_texts(result, style)],
        citation=(result.interpretation.citation or "") if result.interpretation is not None else "",
        unknown=unknown_inputs(result),
        method=method_words(result, style),
        records=with_calendar_days(records_words(result, style)),
        findings=doubts.findings,
        cautions=doubts,
        advice=_advice(result, kept),
        moved=moved,
        not_moved=not_moved,
        inputs="" if moved is not None or not_moved else _inputs(result, style),
        grounds=ground_rows(result, context),
        missing=missing_rows(result),
        steps=step_pages(result),
        picture=chain_picture(result),
        uncertainty=uncertainty_words(result.interval, decimals) if result.interval is not None else "",
        against=doubts.in_full,
        trend=trend(points, result),
        since=since_sentence(points, result),
        intended_use=result.intended_use,
        fingerprint=result.fingerprint or "",
    )


def _advice(result: AnswerResult, kept: list[str]) -> list[Advice]:
    """The advice whose text says something of its own, with its source."""
    found: dict[str, Advice] = {}
    for each in result.recommendations:
        if each.text.rstrip(".") in kept:
            found.setdefault(each.text.rstrip("."), each)
    return list(found.values())


def _why_not_moved(result: AnswerResult) -> str:
    if isinstance(result.value, Absent):
        # That there is no value is said above.
        return ""
    texts = [each.text for each in result.issues if each.code == "not-attributed"]
    texts = [each for each in texts if result.step is None or not each.endswith(NOTHING_TO_COMPARE)]
    return texts[-1] if texts else ""


def _inputs(result: AnswerResult, style: Style) -> str:
    """What a value rests on that has nothing to be compared with but what its own claim names."""
    if isinstance(result.value, Absent):
        return ""
    named = list_words(grounds_words(result, style))
    return f"{initial(with_calendar_days(named))}." if named else ""


def method_words(result: AnswerResult, style: Style) -> str:
    """By what the value was computed, and what is set for this site rather than recorded; empty of a recorded one."""
    step = result.step
    if step is None or isinstance(result.value, Absent):
        return ""
    title = step.module.title
    by = "" if title.casefold() in result.concept.display.casefold() else f"Method: {title}."
    settings = [
        ground_words(each, style).removesuffix(" (site)").replace(": ", ", ") for each in step.grounds if each.by_site
    ]
    site = f"Set for this site: {list_words(settings)}." if settings else ""
    return " ".join(each for each in (by, site) if each)


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

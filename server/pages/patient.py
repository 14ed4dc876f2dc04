"""The patient page: the questions that a site asks first, each with claim, value and status; what changed, after."""

import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup

from ontology.errors import MedtwinError
from ontology.values import Absent, Quantity
from ontology.words.lists import begin_small
from server.errors import log_unexpected
from server.executor.engine import Engine
from server.explain.explain import explain
from server.explain.results import AnswerResult
from server.explain.short_grounds import records_words
from server.explain.short_text import with_calendar_days
from server.pages.argument import Head
from server.pages.context import PageContext
from server.pages.declared_bands import DeclaredBand, declared_band, order_words, place
from server.pages.doubts import doubts_of
from server.pages.earlier_time import earlier_time
from server.pages.ground_rows import unknown_inputs
from server.pages.rendering import initial, render, words
from server.pages.statuses import Shown, further_meaning, shown_status
from server.pages.trend import Trend, trend

log = logging.getLogger("medtwin.pages")

_TREND = timedelta(days=3 * 365)
_MOST_POINTS = 24
_NOT_COMPUTED = "What changed could not be computed"
_MOST_CAUTIONS = 2
_YEARS = "a"
_REST = "<!--rest-->"


@dataclass(frozen=True, slots=True)
class AnsweredQuestion:
    """One question of the page; ``declared``: the band that puts its answer before others."""

    display: str
    address: str
    declared: DeclaredBand | None
    shown: Shown
    meaning: list[str]
    unknown: list[str]
    cautions: str
    records: str


@dataclass(frozen=True, slots=True)
class Change:
    """An answer that was another one then."""

    display: str
    address: str
    before: Markup
    now: Markup


@dataclass(frozen=True, slots=True)
class TrendOf:
    """The course of one answer."""

    display: str
    address: str
    trend: Trend


def site_questions(engine: Engine) -> tuple[str, ...]:
    """The ids of the concepts that the page asks: those of the settings, else all that modules compute."""
    if engine.settings.pages.questions:
        return engine.settings.pages.questions
    found = dict.fromkeys(module.produces.id for module in engine.catalog.modules.values())
    return tuple(found)[: engine.settings.server.max_concepts]


async def ask_questions(context: PageContext, at: datetime) -> tuple[AnswerResult, ...]:
    """The answers to the questions of the site.  Raises what ``Engine.ask`` raises."""
    return explain(await context.engine.ask(context.question(site_questions(context.engine), at)))


def first_part(results: tuple[AnswerResult, ...], head: Head, context: PageContext, when: str) -> tuple[str, str]:
    """The page up to what is filled in after, and what ends it."""
    catalog, configured = context.engine.catalog, bool(context.engine.settings.pages.questions)
    bands = {each.concept.id: declared_band(each, catalog.services.values()) for each in results}
    if not configured:
        results = tuple(sorted(results, key=lambda each: place(each, bands[each.concept.id])))
    whole = render(
        "patient.html",
        questions=[_question(each, bands[each.concept.id], context) for each in results],
        head=head,
        context=context,
        when=when,
        order=order_words(configured, any(bands.values())),
    )
    first, _, last = whole.partition(_REST)
    return first, last


def _question(result: AnswerResult, declared: DeclaredBand | None, context: PageContext) -> AnsweredQuestion:
    style = result.circumstances.style
    doubts = doubts_of(result)
    cautions = doubts.texts
    others = len(cautions) - _MOST_CAUTIONS
    shown = "; ".join(begin_small(each) for each in cautions[:_MOST_CAUTIONS])
    if isinstance(result.value, Absent):
        shown, others = "", 0
    return AnsweredQuestion(
        result.concept.display,
        context.answer(result.concept.id),
        declared,
        shown_status(result, doubts),
        [f"{initial(with_calendar_days(each))}." for each in further_meaning(result)],
        unknown_inputs(result),
        (f"{initial(with_calendar_days(shown))}{f'; {others} more' if others > 0 else ''}." if shown else ""),
        with_calendar_days(records_words(result, style)),
    )


async def rest(
    results: tuple[AnswerResult, ...],
    context: PageContext,
    at: datetime,
    last: str,
    admitted: AbstractAsyncContextManager[None],
) -> AsyncIterator[str]:
    """What is filled in after the claims, once it is ``admitted``: what changed, and the course of each number.

    What breaks is said in its place: the claims have been sent.
    """
    fault = ""
    try:
        async with admitted:
            yield await _rest_since(results, context, at)
    except MedtwinError as error:
        # It was not let in.
        fault = f"{_NOT_COMPUTED}: {error}."
    except Exception as error:  # noqa: BLE001 - the HTTP edge: whatever it is, no trace of it leaves
        fault = f"{_NOT_COMPUTED}: a fault of this server. Tell your administrator: id {log_unexpected(error, log)}."
    if fault:
        yield render("patient_rest.html", changes=[], trends=[], fault=fault, since="", why_since="")
    yield last


async def _rest_since(results: tuple[AnswerResult, ...], context: PageContext, at: datetime) -> str:
    compared = await earlier_time(context, at)
    since = compared.when
    concepts = tuple(each.concept.id for each in results)
    fault, changes, trends = "", list[Change](), list[TrendOf]()
    try:
        trace = await context.engine.ask(context.question(concepts, at, (since,)))
        earlier = {each.concept.id: each for each in explain(trace.earlier_traces[since])}
        found = [_change(earlier[each.concept.id], each, context) for each in results if _differs(earlier, each)]
        # An age that was 64.2 then as well is no change for its reader.
        changes = [each for each in found if each.before.striptags() != each.now.striptags()]
        course = await context.engine.timeline(context.question(concepts, at, (at - _TREND,)), _MOST_POINTS)
        points = [{each.concept.id: each for each in explain(one)} for one in course.traces]
        trends = list(_trends(results, points, context))
    except MedtwinError as error:
        fault = f"{_NOT_COMPUTED}: {error}."
    day = with_calendar_days(f"{since.astimezone(context.engine.memory.zone).date()}")
    return render("patient_rest.html", changes=changes, trends=trends, fault=fault, since=day, why_since=compared.why)


def _differs(earlier: dict[str, AnswerResult], now: AnswerResult) -> bool:
    before = earlier[now.concept.id]
    return (before.value, before.bounds) != (now.value, now.bounds)


def _change(before: AnswerResult, now: AnswerResult, context: PageContext) -> Change:
    return Change(now.concept.display, context.answer(now.concept.id), _compared(before), _compared(now))


def _compared(result: AnswerResult) -> Markup:
    """What stands where the number would be, with the limits where there is none."""
    shown = shown_status(result)
    if not isinstance(result.value, Absent) or shown.bar is None:
        return shown.value
    return shown.value + words(f", {shown.bar.text}")


def _trends(
    results: tuple[AnswerResult, ...], points: list[dict[str, AnswerResult]], context: PageContext
) -> list[TrendOf]:
    found = []
    for each in results:
        if isinstance(each.value, Quantity) and each.value.unit == _YEARS:
            # An age goes up by itself.
            continue
        course = trend([some[each.concept.id] for some in points], each)
        if course is not None and len({point.value for point in course.points}) > 1:
            found.append(TrendOf(each.concept.display, context.answer(each.concept.id), course))
    return found

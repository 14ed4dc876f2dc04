"""What a patient page fills in after its claims: what changed since an earlier time, and each number over time."""

import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup

from ontology.errors import MedtwinError
from ontology.values import Absent, Quantity
from server.errors import log_unexpected
from server.explain.explain import explain
from server.explain.results import AnswerResult
from server.explain.short_text import with_calendar_days
from server.pages.context import PageContext
from server.pages.earlier_time import before_death, earlier_time
from server.pages.rendering import render, words
from server.pages.statuses import shown_status
from server.pages.trend import Trend, trend

log = logging.getLogger("medtwin.pages")

_TREND = timedelta(days=3 * 365)
_MOST_POINTS = 24
_TIME = ("a", "d")
"""Units of what goes up with time alone: ages, and days of a stay."""
_NOT_COMPUTED = "What changed could not be computed"


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
        yield render("patient_rest.html", context=context, changes=[], trends=[], fault=fault, since="", why_since="")
    yield last


async def _rest_since(results: tuple[AnswerResult, ...], context: PageContext, at: datetime) -> str:
    compared = await earlier_time(context, at)
    compared = before_death(compared, min((each.at for each in results), default=at))
    since = compared.when
    concepts = tuple(each.concept.id for each in results)
    fault, changes, trends = "", list[Change](), list[TrendOf]()
    try:
        trace = await context.engine.ask(context.question(concepts, at, (since,)))
        earlier = {each.concept.id: each for each in explain(trace.earlier_traces[since])}
        found = [
            _change(earlier[each.concept.id], each, context)
            for each in results
            if _differs(earlier, each) and not (_is_of_time(each) and _is_of_time(earlier[each.concept.id]))
        ]
        # What reads the same is no change for its reader.
        changes = [each for each in found if each.before.striptags() != each.now.striptags()]
        course = await context.engine.timeline(context.question(concepts, at, (at - _TREND,)), _MOST_POINTS)
        points = [{each.concept.id: each for each in explain(one)} for one in course.traces]
        trends = list(_trends(results, points, context))
    except MedtwinError as error:
        fault = f"{_NOT_COMPUTED}: {error}."
    zone = context.engine.memory.zone
    day = since.astimezone(zone).date().isoformat()
    return render(
        "patient_rest.html",
        context=context,
        changes=changes,
        trends=trends,
        fault=fault,
        since=with_calendar_days(day),
        day=day,
        latest=at.astimezone(zone).date().isoformat(),
        why_since=compared.why,
    )


def _differs(earlier: dict[str, AnswerResult], now: AnswerResult) -> bool:
    before = earlier[now.concept.id]
    return (before.value, before.bounds) != (now.value, now.bounds)


def _is_of_time(result: AnswerResult) -> bool:
    """Whether a number goes up by itself, as an age does: that is no change."""
    return isinstance(result.value, Quantity) and result.value.unit in _TIME


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
        if _is_of_time(each):
            continue
        course = trend([some[each.concept.id] for some in points], each)
        if course is not None and len({point.value for point in course.points}) > 1:
            found.append(TrendOf(each.concept.display, context.answer(each.concept.id), course))
    return found

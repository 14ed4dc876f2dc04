"""Instants, spans, dates and durations in words."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from ontology.resources import Span
from ontology.values import Date
from ontology.words import PLAIN, Length, Style
from ontology.words.lists import count_words

_DAY, _YEAR = 86_400, 31_557_600
"""In seconds; a year is that of UCUM, 365.25 days."""
_SIZES = ((_DAY, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
_HORIZONS = {"Y": "year", "M": "month", "W": "week", "D": "day"}


_ZONE: ContextVar[tzinfo | None] = ContextVar("zone", default=None)


@contextmanager
def times_in(zone: tzinfo) -> Iterator[None]:
    """Instants are shown in ``zone`` in all sentences made in this block, where their style names no zone.

    For the messages of a question, which are made wherever a record is read; results are computed without them.
    """
    token = _ZONE.set(zone)
    try:
        yield
    finally:
        _ZONE.reset(token)


def in_zone_of(when: datetime, style: Style) -> datetime:
    """The instant in the zone in which it is shown."""
    zone = style.zone or _ZONE.get()
    try:
        return when if zone is None else when.astimezone(zone)
    except OverflowError:
        # At an end of the calendar it has no time in another zone.
        return when


def time_words(when: datetime, style: Style = PLAIN) -> str:
    """An instant to the minute, with its zone: ``2024-03-01 10:00 UTC``, ``2024-03-01 10:00 +0200``."""
    when = in_zone_of(when, style)
    offset = when.utcoffset()
    zone = "UTC" if not offset else f"{when:%z}"
    return f"{when:%Y-%m-%d %H:%M} {zone}"


def day_words(when: datetime | None, style: Style = PLAIN) -> str:
    """The day of an instant, in the zone in which it is shown: ``2024-03-01``; of None that it is unknown.

    The last moment of a day stands for a record that is dated to the day, whose day is the same in every zone.
    """
    if when is None:
        return "an unknown day"
    return (when if when.time() == time.max else in_zone_of(when, style)).date().isoformat()


def is_dated_to_day(when: datetime) -> bool:
    """Whether this is an end of a record that is dated to the day, which has the same day in every zone.

    Days are read in the zone of their source; an instant that happens to be midnight has an offset of its own.
    """
    return when.time() == time.max or (when.time() == time.min and isinstance(when.tzinfo, ZoneInfo))


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS_UP_TO = 731
_RECENT = timedelta(days=2)
"""Within this the time of day of a record matters."""


def calendar_words(when: datetime, style: Style = PLAIN) -> str:
    """A day as people write it, in the zone in which it is shown: ``16 Jun 2026``.  A record of a day keeps its own."""
    local = when if is_dated_to_day(when) else in_zone_of(when, style)
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year}"


def brief_day_words(when: datetime, at: datetime, style: Style = PLAIN) -> str:
    """``16 Jun``, with the year where it is not that of ``at``: both in the zone in which they are shown."""
    return calendar_words(when, style).removesuffix(f" {in_zone_of(at, style).year}")


def period_words(span: Span, style: Style = PLAIN) -> str:
    """The day, the month or the year of a record, as it is dated: ``16 Jun 2026``, ``May 2026``, ``2026``."""
    if not _is_whole_days(span):
        return calendar_words(span.end, style)
    first, last = span.start.date(), _last_day(span)
    if first == date(last.year, 1, 1) and last == date(last.year, 12, 31):
        return f"{first.year}"
    if first == date(last.year, last.month, 1) and last != date.max and (last + timedelta(days=1)).day == 1:
        return f"{_MONTHS[first.month - 1]} {first.year}"
    return calendar_words(span.end, style)


def moment_words(when: datetime, at: datetime, style: Style = PLAIN) -> str:
    """``16 Jun 2026``; of the two days before ``at`` with the time, where it is known: ``30 Jun 2026 11:34 UTC``."""
    day = calendar_words(when, style)
    if is_dated_to_day(when) or at - when >= _RECENT:
        return day
    local = in_zone_of(when, style)
    return f"{day} {local:%H:%M} {local:%z}" if local.utcoffset() else f"{day} {local:%H:%M} UTC"


def age_words(when: datetime, at: datetime, style: Style = PLAIN) -> str:
    """How long before ``at`` something was: minutes up to two hours, hours up to two days, days up to two years."""
    passed = max(at - when, timedelta(0))
    for size, noun, most in ((timedelta(minutes=1), "minute", 120), (timedelta(hours=1), "hour", 48)):
        if passed < size * most:
            return count_words(passed // size, noun)
    days = passed // timedelta(days=1)
    return count_words(days, "day") if days < _DAYS_UP_TO else f"{int(passed.total_seconds() // _YEAR)} years"


def date_words(days: Date, style: Style = PLAIN) -> str:
    """A date, or between which days it lies: ``between 1950-01-01 and 1950-12-31``; SHORT with ``to``.

    What is in progress: ``since 2026-06-05``.
    """
    if days.start == days.end:
        return days.start.isoformat()
    if days.end == date.max:
        return f"since {days.start.isoformat()}"
    if style.length is Length.SHORT:
        return _days_words(days.start, days.end)
    return f"between {days.start.isoformat()} and {days.end.isoformat()}"


def span_words(span: Span, style: Style = PLAIN) -> str:
    """When something was, to the day unless the instant is known: an instant, a day, or the first and the last day."""
    if span.start == span.end:
        return time_words(span.start, style)
    if not _is_whole_days(span):
        # The ends of a period are instants: which days these are depends on the zone.
        span = Span(in_zone_of(span.start, style), in_zone_of(span.end, style))
    return _days_words(span.start.date(), _last_day(span))


def exact_span_words(span: Span, style: Style = PLAIN) -> str:
    """A span as a record writes it: ``2024-03-01 10:00 UTC``, ``2024-03-01``, ``2024-03``, ``2024``, or both ends."""
    start, end = span.start, span.end
    if start == end:
        return time_words(start, style)
    if start.time() == time.min and end.time() == time.max:
        return _calendar_words(start.date(), end.date())
    return f"{time_words(start, style)} to {time_words(end, style)}"


def duration_words(duration: timedelta, style: Style = PLAIN) -> str:
    """A duration as a reader would say it: 10 years, 90 days, 24 hours, 30 minutes."""
    seconds = int(duration.total_seconds())
    years = round(seconds / _YEAR)
    if years > 1 and abs(seconds - years * _YEAR) <= _DAY:
        return count_words(years, "year")
    if seconds == _DAY:
        return "24 hours"
    for size, name in _SIZES:
        if seconds % size == 0 and seconds >= size:
            return count_words(seconds // size, name)
    return "no time"


def horizon_words(horizon: str, style: Style = PLAIN) -> str:
    """An ISO 8601 duration in words, as far as it is whole years, months, weeks or days; else as it is."""
    match = re.fullmatch(r"P(\d+)([YMWD])", horizon)
    return horizon if match is None else count_words(int(match[1]), _HORIZONS[match[2]])


def duration_code(duration: timedelta, style: Style = PLAIN) -> str:
    """A duration as ISO 8601: P90D, PT12H, PT30M."""
    days, seconds = duration.days, duration.seconds
    hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
    clock = "".join(f"{count}{letter}" for count, letter in ((hours, "H"), (minutes, "M"), (rest, "S")) if count)
    return "P" + (f"{days}D" if days or not clock else "") + (f"T{clock}" if clock else "")


def _is_whole_days(span: Span) -> bool:
    return span.start.time() == time.min and span.end.time() in (time.min, time.max)


def _last_day(span: Span) -> date:
    ends_at_midnight = span.end.time() == time.min and span.end > span.start
    return (span.end - timedelta(microseconds=1) if ends_at_midnight else span.end).date()


def _calendar_words(first: date, last: date) -> str:
    """A day, a month or a year, where the days are all of it."""
    if first == date(last.year, 1, 1) and last == date(last.year, 12, 31):
        return f"{first.year:04}"
    month_ends = last == date.max or (last + timedelta(days=1)).day == 1
    if month_ends and first == date(last.year, last.month, 1):
        return f"{first.year:04}-{first.month:02}"
    return _days_words(first, last)


def _days_words(first: date, last: date) -> str:
    return first.isoformat() if first == last else f"{first.isoformat()} to {last.isoformat()}"

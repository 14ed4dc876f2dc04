"""Words for values, units, times and absences, as a clinician reads them.

For sentences only: numbers stay exact elsewhere.
"""

import re
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal

from ontology import words
from ontology.concepts import EVENT_ORIGINS, Origin
from ontology.evaluation import Interval
from ontology.resources import Span
from ontology.slots import Slot
from ontology.values import Absent, AbsentReason, Bound, Coding, Date, Quantity, Series, Value
from server.executor.trace import BoundInput

AT_ONCE = "P0D"
"""The horizon of what is so already, and only not known."""

_ALL = Decimal(100)
_COMPARATORS = {"<": "less than", "<=": "at most", ">": "more than", ">=": "at least"}
_REASONS = {
    AbsentReason.RECORDED_UNKNOWN: "recorded as unknown",
    AbsentReason.UNCONVERTIBLE: "recorded in a unit or a form that cannot be read",
    AbsentReason.IMPLAUSIBLE: "recorded with an implausible value",
    AbsentReason.CONFLICTING: "recorded with different values at the same time",
    AbsentReason.NOT_PERMITTED: "the source does not permit to read it",
    AbsentReason.UNREACHABLE: "the source could not be reached",
    AbsentReason.NOT_QUERIED: "it was not asked for",
    AbsentReason.INPUT_ABSENT: "its own inputs are missing",
    AbsentReason.NOT_APPLICABLE: "it does not apply to this patient",
    AbsentReason.FAILED: "its computation failed",
}


def number_words(number: Decimal, decimals: int | None = None) -> str:
    """A number rounded half up to ``decimals``; without them, with six significant digits."""
    if decimals is None:
        return words.number_words(number)
    return f"{number.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP) + 0:f}"


def amount(number: Decimal, unit: str, decimals: int | None = None) -> str:
    """A number with its unit."""
    if decimals is None:
        return words.amount(number, unit)
    shown = _shown(number, unit, decimals)
    if shown == "1":
        return words.amount(Decimal(1), unit)
    name = words.unit_words(unit)
    return f"{shown}{'' if name.startswith('/') else ' '}{name}".rstrip()


def _shown(number: Decimal, unit: str, decimals: int | None) -> str:
    """The rounded number; percent that this would make none or all: ``under 1``, ``over 99``."""
    shown = number_words(number, decimals)
    if decimals is None or unit != "%" or not (0 < number < _ALL):
        return shown
    step = Decimal(1).scaleb(-decimals)
    return {Decimal(0): f"under {step:f}", _ALL: f"over {_ALL - step:f}"}.get(Decimal(shown), shown)


def value_words(value: Value, decimals: int | None = None) -> str:
    """A value in a few words."""
    match value:
        case bool():
            return "yes" if value else "no"
        case Quantity():
            return amount(value.value, value.unit, decimals)
        case Bound():
            return f"{_COMPARATORS[value.comparator]} {amount(value.value, value.unit)}"
        case Coding():
            return value.display or value.code
        case Date():
            return value.start.isoformat() if value.start == value.end else f"between {value.start} and {value.end}"
        case Series():
            return series_words(value)
        case Absent():
            return f"missing ({reason_words(value.reason)})"


def series_words(series: Series) -> str:
    """How many values, from when to when, and between which limits."""
    if not series.points:
        return "no values"
    first, last = series.points[0], series.points[-1]
    if len(series.points) == 1:
        return f"1 value, {amount(first[1], series.unit)} on {first[0]:%Y-%m-%d}"
    numbers = [number for _, number in series.points]
    limits = f"{number_words(min(numbers))} to {amount(max(numbers), series.unit)}"
    return f"{len(series.points)} values, {first[0]:%Y-%m-%d} to {last[0]:%Y-%m-%d}, {limits}"


def reason_words(reason: AbsentReason, slot: Slot | None = None) -> str:
    """Why there is no value; a slot lets NOT_FOUND and STALE name its window."""
    window = slot.window if slot is not None else None
    if reason is AbsentReason.NOT_FOUND:
        return f"not found in the last {duration_words(window)}" if window else "not found in the record"
    if reason is AbsentReason.STALE:
        return f"only older than {duration_words(window)}" if window else "too old"
    return _REASONS[reason]


def absence_words(given: BoundInput) -> str:
    """Why an input that is absent is so, with what is known of its slot."""
    if not isinstance(given.value, Absent):
        raise ValueError("the input is not absent")
    reason, origin = given.value.reason, given.slot.concept.origin
    if given.assumed:
        return "taken as missing"
    if reason is AbsentReason.STALE and any(issue.code == "not-within" for issue in given.issues):
        return "not measured together with the others"
    if origin is Origin.SITE:
        return "not set for this site"
    if origin in EVENT_ORIGINS and reason is AbsentReason.NOT_FOUND:
        if any(issue.code == "negated" for issue in given.issues):
            return "denied by a record, which alone is not a no"
        return "not recorded, which is not a no"
    if origin in EVENT_ORIGINS and reason is AbsentReason.STALE and given.slot.window is None:
        return "recorded, but too long ago to tell whether it still goes on"
    if origin in EVENT_ORIGINS and reason is AbsentReason.UNCONVERTIBLE:
        return "recorded, but not so that it can be told for this time"
    return reason_words(reason, given.slot)


def duration_words(duration: timedelta) -> str:
    """A duration as a reader would say it: 10 years, 90 days, 24 hours, 30 minutes."""
    seconds = int(duration.total_seconds())
    years = round(seconds / 31_557_600)
    if years > 1 and abs(seconds - years * 31_557_600) <= 86_400:
        return f"{years} years"
    if seconds == 86_400:
        return "24 hours"
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        if seconds % size == 0 and seconds >= size:
            count = seconds // size
            return f"{count} {name}{'' if count == 1 else 's'}"
    return "no time"


def duration_code(duration: timedelta) -> str:
    """A duration as ISO 8601: P90D, PT12H, PT30M."""
    days, seconds = duration.days, duration.seconds
    hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
    clock = "".join(f"{count}{letter}" for count, letter in ((hours, "H"), (minutes, "M"), (rest, "S")) if count)
    return "P" + (f"{days}D" if days or not clock else "") + (f"T{clock}" if clock else "")


def horizon_words(horizon: str) -> str:
    """An ISO 8601 duration in words, as far as it is whole years, months, weeks or days; else as it is."""
    match = re.fullmatch(r"P(\d+)([YMWD])", horizon)
    if match is None:
        return horizon
    name = {"Y": "year", "M": "month", "W": "week", "D": "day"}[match[2]]
    return f"{match[1]} {name}{'' if match[1] == '1' else 's'}"


def time_words(when: datetime) -> str:
    """An instant to the minute, with its zone."""
    offset = when.utcoffset()
    zone = "UTC" if not offset else f"{when:%z}"
    return f"{when:%Y-%m-%d %H:%M} {zone}"


def span_words(span: Span) -> str:
    """A time as precisely as it is known: an instant, a day, or the days between which it lies."""
    if span.start == span.end:
        return time_words(span.start)
    first, last = span.start.date(), _last_day(span)
    return first.isoformat() if first == last else f"{first} to {last}"


def _last_day(span: Span) -> date:
    ends_at_midnight = span.end.time() == time.min and span.end > span.start
    return (span.end - timedelta(microseconds=1) if ends_at_midnight else span.end).date()


def interval_words(interval: Interval, decimals: int | None = None) -> str:
    """``41 to 55 mL/min/1.73 m²``."""
    return f"{_shown(interval.low, interval.unit, decimals)} to {amount(interval.high, interval.unit, decimals)}"


def risk_words(probability: Decimal, horizon: str) -> str:
    """A probability (0 to 1) as how many of similar people; never none, never all."""
    over = "now" if horizon == AT_ONCE else f"over {horizon_words(horizon)}"
    for people in (100, 1000):
        count = (probability * people).quantize(Decimal(1), rounding=ROUND_HALF_UP)
        if count >= people and probability < 1:
            return f"more than {people - 1} in {people} similar people {over}"
        if count >= 1:
            return f"about {count} in {people:,} similar people {over}"
    return f"fewer than 1 in 1,000 similar people {over}"


def list_words(items: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    parts = list(items)
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else "".join(parts)

"""The start and end that a record states, in any FHIR type, and until when one without an end is presumed ongoing.

Records of medications are seldom closed: one that is years old and "active" says little about today.  It counts until
its stated supply ends or the limit of its type is reached, whichever is later.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from collectors.described.record import JsonObject, parents_at, values_at
from collectors.reading.fhir_types import read_time
from collectors.search import Layout, Supply
from ontology.resources import Span

UNDATABLE = ("Age", "String", "Range", "Timing")
"""Types of a choice that give a time in words, by age or as a pattern: no date can be derived from them."""

# The shortest and longest length of a UCUM unit of time, in days: months and years differ.
_DAYS_BY_UNIT = {
    "s": (1 / 86_400, 1 / 86_400),
    "min": (1 / 1_440, 1 / 1_440),
    "h": (1 / 24, 1 / 24),
    "d": (1.0, 1.0),
    "wk": (7.0, 7.0),
    "mo": (28.0, 31.0),
    "a": (365.0, 366.0),
}
_MAX_COUNT = 1_000_000


def start_span(record: JsonObject, paths: Iterable[str], lasting: bool, zone: ZoneInfo) -> tuple[Span | None, bool]:
    """The start by the first path that dates it, and whether another way of dating it may be tried.

    An event over a period has that period as its time.  An event whose time is given in words is not dated otherwise.
    Raises ValueError or OverflowError for a malformed date.
    """
    for path in paths:
        name, parents = parents_at(record, path)
        found = [
            span for owner in parents if owner is not None and (span := _element_start(owner, name, lasting, zone))
        ]
        if found:
            return min(found, key=lambda span: (span.start, span.end)), False
        if not lasting and any(_is_undatable(owner, name) for owner in parents if owner is not None):
            return None, False
    return None, True


def _element_start(owner: JsonObject, name: str, lasting: bool, zone: ZoneInfo) -> Span | None:
    moment = _read_instant(owner, name, zone)
    if moment is not None:
        return moment
    period = _period_element(owner, name)
    start, end = _period_limits(period, zone)
    if lasting or start is None:
        return start if lasting else end
    return start if end is None else Span(start.start, max(start.end, end.end))


def end_span(
    record: JsonObject,
    paths: Iterable[str],
    moments: bool,
    begin: Span | None,
    zone: ZoneInfo,
    start_paths: Collection[str],
) -> tuple[Span | None, bool]:
    """The end by the first path that dates it, and whether a path states an end without a date.

    ``moments``: a single instant counts as the end.  So it does, and the start of a period without an end, at a path
    that is not among ``start_paths``: it speaks of nothing but the end.  A duration counts from ``begin``.  Of several
    parts (consecutive doses) the last end counts, and none where a part has no end.
    Raises ValueError or OverflowError for a malformed date or duration.
    """
    undated = False
    for path in paths:
        name, parents = parents_at(record, path)
        alone = path not in start_paths
        found = [
            _element_end(owner, name, moments, alone, begin, zone) if owner is not None else None for owner in parents
        ]
        spans = [span for span in found if span is not None]
        if spans and len(spans) == len(found):
            return max(spans, key=lambda span: (span.end, span.start)), False
        undated = undated or any(_is_undatable(owner, name) for owner in parents if owner is not None)
    return None, undated


def _element_end(
    owner: JsonObject, name: str, moments: bool, alone: bool, begin: Span | None, zone: ZoneInfo
) -> Span | None:
    if (moments or alone) and (moment := _read_instant(owner, name, zone)) is not None:
        return moment
    start, end = _period_limits(_period_element(owner, name), zone)
    if end is not None or (alone and start is not None):
        return end or start
    length, range_ = owner.get(f"{name}Duration"), owner.get(f"{name}Range")
    if length is not None:
        return _end_after(begin, length, length)
    # Only boundsRange is a duration; onsetRange and the like are ages.
    if name == "bounds" and range_ is not None:
        return _end_after(begin, _range_limit(range_, "low"), _range_limit(range_, "high"))
    return None


def _range_limit(range_: Any, name: str) -> Any:
    return range_.get(name) if isinstance(range_, Mapping) else None


def _end_after(begin: Span | None, least: Any, most: Any) -> Span:
    """The end of a duration, as precise as its unit and the start allow.  Raises ValueError."""
    if begin is None:
        raise ValueError("a duration without a known start")
    return Span(
        begin.start + timedelta(days=duration_days(least)[0]), begin.end + timedelta(days=duration_days(most)[1])
    )


def duration_days(length: Any) -> tuple[float, float]:
    """The shortest and longest length of a Duration, in days.  Raises ValueError where it has no UCUM unit of time."""
    if not isinstance(length, Mapping):
        raise ValueError("no length of time")
    count, unit = length.get("value"), length.get("code")
    if isinstance(count, bool) or not isinstance(count, int | float) or not 0 < count < _MAX_COUNT:
        raise ValueError("no length of time")
    if not isinstance(unit, str) or unit not in _DAYS_BY_UNIT or length.get("comparator") is not None:
        raise ValueError("no length of time in a unit of UCUM")
    shortest, longest = _DAYS_BY_UNIT[unit]
    return count * shortest, count * longest


def _read_instant(owner: JsonObject, name: str, zone: ZoneInfo) -> Span | None:
    for form in (name, f"{name}DateTime", f"{name}Instant"):
        text = owner.get(form)
        if isinstance(text, str):
            return read_time(text, zone)
        if text is not None and form != name:
            raise ValueError("not a FHIR date")
    return None


def _period_element(owner: JsonObject, name: str) -> JsonObject | None:
    for form in (name, f"{name}Period"):
        period = owner.get(form)
        if isinstance(period, Mapping):
            return period
    return None


def _period_limits(period: JsonObject | None, zone: ZoneInfo) -> tuple[Span | None, Span | None]:
    if period is None:
        return None, None
    return _read_limit(period.get("start"), zone), _read_limit(period.get("end"), zone)


def _read_limit(text: Any, zone: ZoneInfo) -> Span | None:
    if text is None:
        return None
    if not isinstance(text, str):
        raise ValueError("not a FHIR date")
    return read_time(text, zone)


def _is_undatable(owner: JsonObject, name: str) -> bool:
    return any(owner.get(f"{name}{form}") is not None for form in UNDATABLE)


FARTHEST_END = timedelta(days=3_653)
"""An end more than ten years after the start counts as none (9999-12-31)."""
FARTHEST_SUPPLY = timedelta(days=1_096)
"""A supply of more than three years is ignored: such a number of repeats (99) means "as often as needed"."""


@dataclass(frozen=True, slots=True)
class OngoingLimits:
    """Until when it is presumed ongoing, and until when the ordered supply lasts; None where there is no limit."""

    presumed_until: datetime | None = None
    supply_end: datetime | None = None


def ongoing_limits(
    content: JsonObject, layout: Layout, begin: Span, recorded: Span | None, zone: ZoneInfo
) -> OngoingLimits:
    """The limits of a record without an end, by its start, its time of recording and its supply."""
    if layout.presumed is None:
        return OngoingLimits()
    supplied = _supply_end(content, layout.supply, begin, zone) if layout.supply is not None else None
    since = max(begin.end, recorded.end) if recorded is not None else begin.end
    try:
        limit = since + layout.presumed
    except OverflowError:
        return OngoingLimits()
    return OngoingLimits(limit if supplied is None else max(limit, supplied), supplied)


def is_open_ended(begin: Span | None, over: Span | None) -> bool:
    """Whether the end is so far after the start that it counts as none."""
    return begin is not None and over is not None and over.end - begin.end > FARTHEST_END


def _supply_end(content: JsonObject, supply: Supply, begin: Span, zone: ZoneInfo) -> datetime | None:
    """Until when the supply lasts: the last one is dispensed by the end of validity.  None where unreadable."""
    length = _supply_duration(content, supply.length)
    repeats = next(iter(values_at(content, supply.repeats)), None)
    again = repeats if isinstance(repeats, int) and not isinstance(repeats, bool) and repeats >= 0 else None
    until: list[datetime] = []
    try:
        valid, _ = end_span(content, (supply.valid,), False, begin, zone, (supply.valid,))
        if valid is not None:
            until.append(valid.end + (length or timedelta(0)))
        if length is not None and (again is not None or valid is None):
            until.append(begin.end + length * (1 + (again or 0)))
    except (ValueError, OverflowError):
        return None
    last = min(until, default=None)
    return last if last is not None and begin.end <= last <= begin.end + FARTHEST_SUPPLY else None


def _supply_duration(content: JsonObject, path: str) -> timedelta | None:
    try:
        return timedelta(days=max(duration_days(each)[1] for each in values_at(content, path)))
    except ValueError:
        return None

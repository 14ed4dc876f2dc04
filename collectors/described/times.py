"""When a record says that something began and ended, whichever type its times have."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from collectors.described.paths import Json, parents
from collectors.reading.timing import read_time
from ontology.times import Span

UNDATABLE = ("Age", "String", "Range", "Timing")
"""Types of a choice that say when in words, by age or as a pattern: no date can be had from them."""

# The shortest and the longest that a unit of time can be, in days: months and years differ.
_DAYS = {
    "s": (1 / 86_400, 1 / 86_400),
    "min": (1 / 1_440, 1 / 1_440),
    "h": (1 / 24, 1 / 24),
    "d": (1.0, 1.0),
    "wk": (7.0, 7.0),
    "mo": (28.0, 31.0),
    "a": (365.0, 366.0),
}
_MOST = 1_000_000


def began(record: Json, paths: Iterable[str], lasting: bool, zone: ZoneInfo) -> tuple[Span | None, bool]:
    """When it began, by the first path that dates it; and whether another way of dating it may be tried.

    What was done over a period has that period for its time.  Of something done at a time that is given in words no
    other date tells when.  ValueError where a date is none.
    """
    for path in paths:
        name, owners = parents(record, path)
        found = [span for owner in owners if owner is not None and (span := _begin(owner, name, lasting, zone))]
        if found:
            return min(found, key=lambda span: (span.start, span.end)), False
        if not lasting and any(_undatable(owner, name) for owner in owners if owner is not None):
            return None, False
    return None, True


def _begin(owner: Json, name: str, lasting: bool, zone: ZoneInfo) -> Span | None:
    moment = _moment(owner, name, zone)
    if moment is not None:
        return moment
    period = _period(owner, name)
    start, end = _ends(period, zone)
    if lasting or start is None:
        return start if lasting else end
    return start if end is None else Span(start.start, max(start.end, end.end))


def ended(
    record: Json, paths: Iterable[str], moments: bool, begin: Span | None, zone: ZoneInfo
) -> tuple[Span | None, bool]:
    """When it ended, by the first path that says so; and whether one says that it did, but not on which date.

    ``moments``: where only one moment is given it is the end, too.  A length of time counts from ``begin``.  Of
    several parts (doses that follow each other) it ends with the last, and not at all where one has no end.
    ValueError where a date, or a length of time, cannot be read.
    """
    undated = False
    for path in paths:
        name, owners = parents(record, path)
        found = [_end(owner, name, moments, begin, zone) if owner is not None else None for owner in owners]
        spans = [span for span in found if span is not None]
        if spans and len(spans) == len(found):
            return max(spans, key=lambda span: (span.end, span.start)), False
        undated = undated or any(_undatable(owner, name) for owner in owners if owner is not None)
    return None, undated


def _end(owner: Json, name: str, moments: bool, begin: Span | None, zone: ZoneInfo) -> Span | None:
    if moments and (moment := _moment(owner, name, zone)) is not None:
        return moment
    _, end = _ends(_period(owner, name), zone)
    if end is not None:
        return end
    length, range_ = owner.get(f"{name}Duration"), owner.get(f"{name}Range")
    if length is not None:
        return _after(begin, length, length)
    # Of something by age this is no length of time.
    if name == "bounds" and range_ is not None:
        return _after(begin, _part(range_, "low"), _part(range_, "high"))
    return None


def _part(whole: Any, name: str) -> Any:
    return whole.get(name) if isinstance(whole, Mapping) else None


def _after(begin: Span | None, least: Any, most: Any) -> Span:
    """The end of a length of time, as precisely as its unit and the beginning allow (ValueError)."""
    if begin is None:
        raise ValueError("a length of time from no known beginning")
    return Span(begin.start + timedelta(days=days_of(least)[0]), begin.end + timedelta(days=days_of(most)[1]))


def days_of(length: Any) -> tuple[float, float]:
    """The fewest and the most days of a length of time (ValueError where it is not in a unit of UCUM)."""
    if not isinstance(length, Mapping):
        raise ValueError("no length of time")
    count, unit = length.get("value"), length.get("code")
    if isinstance(count, bool) or not isinstance(count, int | float) or not 0 < count < _MOST:
        raise ValueError("no length of time")
    if not isinstance(unit, str) or unit not in _DAYS or length.get("comparator") is not None:
        raise ValueError("no length of time in a unit of UCUM")
    shortest, longest = _DAYS[unit]
    return count * shortest, count * longest


def _moment(owner: Json, name: str, zone: ZoneInfo) -> Span | None:
    for form in (name, f"{name}DateTime", f"{name}Instant"):
        text = owner.get(form)
        if isinstance(text, str):
            return read_time(text, zone)
        if text is not None and form != name:
            raise ValueError("not a FHIR date")
    return None


def _period(owner: Json, name: str) -> Json | None:
    for form in (name, f"{name}Period"):
        period = owner.get(form)
        if isinstance(period, Mapping):
            return period
    return None


def _ends(period: Json | None, zone: ZoneInfo) -> tuple[Span | None, Span | None]:
    if period is None:
        return None, None
    return _time(period.get("start"), zone), _time(period.get("end"), zone)


def _time(text: Any, zone: ZoneInfo) -> Span | None:
    if text is None:
        return None
    if not isinstance(text, str):
        raise ValueError("not a FHIR date")
    return read_time(text, zone)


def _undatable(owner: Json, name: str) -> bool:
    return any(owner.get(f"{name}{form}") is not None for form in UNDATABLE)

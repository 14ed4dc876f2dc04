"""For how long something that was never ended is taken to go on: what was to be supplied, and the limit of its type.

Records of medications are seldom closed: one that is years old and "active" says little of now.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from collectors.described.paths import Json, values
from collectors.described.times import days_of, ended
from collectors.layout import Layout, Supply
from ontology.times import Span

FARTHEST_END = timedelta(days=3_653)
"""An end further off than ten years stands for none (9999-12-31)."""
FARTHEST_SUPPLY = timedelta(days=1_096)
"""Nothing is supplied for more than three years: such a number of repeats (99) stands for "as often as needed"."""


@dataclass(frozen=True, slots=True)
class Current:
    """Until when it counts as going on, and until when what was to be supplied lasts; None where nothing says so."""

    presumed: datetime | None = None
    supplied: datetime | None = None


def current(content: Json, layout: Layout, begin: Span, recorded: Span | None, zone: ZoneInfo) -> Current:
    """Of something without an end, which began and was recorded then."""
    if layout.presumed is None:
        return Current()
    supplied = _supplied(content, layout.supply, begin, zone) if layout.supply is not None else None
    since = max(begin.end, recorded.end) if recorded is not None else begin.end
    try:
        limit = since + layout.presumed
    except OverflowError:
        return Current()
    return Current(limit if supplied is None else max(limit, supplied), supplied)


def endless(begin: Span | None, over: Span | None) -> bool:
    """Whether an end that is to come is so far off that it stands for none."""
    return begin is not None and over is not None and over.end - begin.end > FARTHEST_END


def _supplied(content: Json, supply: Supply, begin: Span, zone: ZoneInfo) -> datetime | None:
    """What is supplied last is supplied by the end of the validity; what cannot be read counts as not stated."""
    length = _length(content, supply.length)
    repeats = next(iter(values(content, supply.repeats)), None)
    again = repeats if isinstance(repeats, int) and not isinstance(repeats, bool) and repeats >= 0 else None
    until: list[datetime] = []
    try:
        valid, _ = ended(content, (supply.valid,), False, begin, zone)
        if valid is not None:
            until.append(valid.end + (length or timedelta(0)))
        if length is not None and (again is not None or valid is None):
            until.append(begin.end + length * (1 + (again or 0)))
    except (ValueError, OverflowError):
        return None
    last = min(until, default=None)
    return last if last is not None and begin.end <= last <= begin.end + FARTHEST_SUPPLY else None


def _length(content: Json, path: str) -> timedelta | None:
    try:
        return timedelta(days=max(days_of(each)[1] for each in values(content, path)))
    except ValueError:
        return None

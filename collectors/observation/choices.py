"""Values of the rarer types: dates and periods are read where they can be, ranges and times of day told and refused."""

from zoneinfo import ZoneInfo

import msgspec

from collectors.observation.shape import Range
from collectors.observation.written import mistyped, range_text
from collectors.reading.codes import Reader
from collectors.reading.quantities import Reading, unreadable
from collectors.reading.timing import read_date, read_time
from collectors.reading.wire import Period, plain
from ontology.concepts import ValueType
from ontology.values import Date

_UTC = ZoneInfo("UTC")


_RANGE = msgspec.json.Decoder(Range)
_PERIOD = msgspec.json.Decoder(Period)
_TEXT = msgspec.json.Decoder(str)


def read_range(raw: msgspec.Raw, known: Reader, element: str) -> Reading:
    """Refused: two ends are no number, and which value between them it was is not known."""
    try:
        written = _RANGE.decode(raw)
    except msgspec.DecodeError:
        return mistyped(element)
    return unreadable(f"{element} is a range, which is no single value of {known.concept.id}", range_text(written))


def read_moment(raw: msgspec.Raw, known: Reader, element: str) -> Reading:
    """A date or time as the days that it leaves open, where the concept is a date."""
    try:
        text = _TEXT.decode(raw)
        days = _days(text)
    except (msgspec.DecodeError, ValueError):
        return unreadable(f"{element} is not a date or time")
    if known.concept.value_type is not ValueType.DATE:
        return unreadable(f"{element} is a date, which {known.concept.id} is not", plain(text))
    return Reading(days, plain(text))


def read_period(raw: msgspec.Raw, known: Reader, element: str) -> Reading:
    """A period with both its ends as the days that it leaves open, where the concept is a date."""
    try:
        written = _PERIOD.decode(raw)
    except msgspec.DecodeError:
        return mistyped(element)
    shown = plain(f"{written.start or '?'} to {written.end or '?'}")
    if known.concept.value_type is not ValueType.DATE:
        return unreadable(f"{element} is a period, which {known.concept.id} is not", shown)
    if written.start is None or written.end is None:
        return unreadable(f"{element} is open at one end", shown)
    try:
        start, end = _days(written.start).start, _days(written.end).end
    except ValueError:
        return unreadable(f"{element} is not a date or time", shown)
    if end < start:
        return unreadable(f"{element} ends before it starts", shown)
    return Reading(Date(start, end), shown)


def read_clock(raw: msgspec.Raw, known: Reader, element: str) -> Reading:
    """Refused: a time of day is a value of no concept."""
    try:
        shown = plain(_TEXT.decode(raw))
    except msgspec.DecodeError:
        return mistyped(element)
    return unreadable(f"{element} is a time of day, which {known.concept.id} is not", shown)


def _days(text: str) -> Date:
    """The days of a date or time; of a time the day as it is written, in its own zone."""
    read_time(text, _UTC)
    return read_date(text[:10] if "T" in text else text)

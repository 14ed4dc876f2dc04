"""FHIR's data types as msgspec structs, and its dates and times parsed into spans.

Unknown elements are skipped, not refused.  Numbers stay raw until they are needed, so that decimals are kept as
they were written.  A time is only as precise as it is written: ``2024-03`` spans that month.  Where no zone is
written the source's is taken.  Times without seconds are not FHIR R4, but occur, and span their minute.
"""

import re
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from ontology.resources import Span
from ontology.values import Date

MISSING_ELEMENT = msgspec.Raw()
"""Default of elements that are kept raw: the element is missing."""

UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not the JSON of a type: bytes that are no UTF-8 are no DecodeError."""

_MAX_TEXT_LENGTH = 300
_PATH = re.compile(r"at `\$\.?([^`]*)`")


class Link(msgspec.Struct, gc=False):
    """A link of a Bundle."""

    relation: str | None = None
    url: str | None = None


class EntrySearch(msgspec.Struct, gc=False):
    """How an entry came into a search set."""

    mode: str | None = None


class BundleEntry(msgspec.Struct, gc=False):
    """An entry of a Bundle: the record is decoded later, on its own."""

    resource: msgspec.Raw = MISSING_ELEMENT
    search: EntrySearch | None = None


class Bundle(msgspec.Struct, gc=False):
    """A search set."""

    resourceType: str  # noqa: N815  (FHIR's own name)
    type: str | None = None
    total: msgspec.Raw = MISSING_ELEMENT
    link: list[Link] = []
    entry: list[BundleEntry] = []


class Coding(msgspec.Struct, gc=False):
    """A Coding as it is written."""

    system: str | None = None
    code: str | None = None
    display: str | None = None


class CodeableConcept(msgspec.Struct, gc=False):
    """A CodeableConcept as it is written."""

    coding: list[Coding] = []
    text: str | None = None
    extension: msgspec.Raw = MISSING_ELEMENT


class Meta(msgspec.Struct, gc=False):
    """What is needed of ``meta``."""

    versionId: str | None = None  # noqa: N815
    lastUpdated: str | None = None  # noqa: N815
    tag: list[Coding] = []


class Reference(msgspec.Struct, gc=False):
    """A literal reference."""

    reference: str | None = None


class Period(msgspec.Struct, gc=False):
    """A Period as it is written."""

    start: str | None = None
    end: str | None = None


class Quantity(msgspec.Struct, gc=False):
    """A Quantity as it is written; ``value`` keeps its digits."""

    value: msgspec.Raw = MISSING_ELEMENT
    comparator: str | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None
    extension: msgspec.Raw = MISSING_ELEMENT
    extended_value: msgspec.Raw = msgspec.field(name="_value", default=MISSING_ELEMENT)


class ResourceHead(msgspec.Struct, gc=False):
    """What every record has: enough to name it, even where the rest cannot be decoded."""

    resourceType: str | None = None  # noqa: N815
    id: str | None = None
    meta: Meta | None = None


BUNDLE = msgspec.json.Decoder(Bundle)
HEAD = msgspec.json.Decoder(ResourceHead)


def element_path(error: msgspec.ValidationError) -> str:
    """The path of the element that could not be decoded, without its content ("valueQuantity.unit")."""
    found = _PATH.search(str(error))
    return found.group(1) if found and found.group(1) else "the record itself"


def printable_text(text: str) -> str:
    """A text of a record for display: one line, without control characters, truncated to 300 characters.

    Displayed text must neither control a terminal nor imitate other lines.
    """
    if len(text) > _MAX_TEXT_LENGTH:
        text = text[:_MAX_TEXT_LENGTH] + "…"
    if text.isprintable():
        return text
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def concept_text(concept: CodeableConcept | None) -> str | None:
    """A CodeableConcept for readers: its text, a display, or a code."""
    if concept is None:
        return None
    text = concept.text or next((shown for coding in concept.coding if (shown := _coding_text(coding))), None)
    return printable_text(text) if text is not None else None


def entry_words(concept: CodeableConcept | None) -> str | None:
    """An entry in its own words: its text or a display; else its code and code system."""
    if concept is None:
        return None
    text = concept.text or next((coding.display for coding in concept.coding if coding.display), None)
    bare = next((coding for coding in concept.coding if coding.code), None)
    if bare is not None and (text is None or text == bare.code):
        text = f"{bare.code} of {bare.system or 'no system'}"
    return printable_text(text) if text else None


def _coding_text(coding: Coding) -> str | None:
    return coding.display or coding.code


_DAY = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?")
_LEAP = re.compile(r":60(?=$|[.Z+-])")
_TICK = timedelta(microseconds=1)


def read_date(text: str) -> Date:
    """A FHIR date as an interval of days.  Raises ValueError, whose message does not contain the text."""
    found = _DAY.fullmatch(text)
    if found is None:
        raise ValueError("not a FHIR date")
    year, month, day = (int(part) if part else None for part in found.groups())
    try:
        if year is None or month is None:
            return Date(date(int(found[1]), 1, 1), date(int(found[1]), 12, 31))
        if day is None:
            after = date(year + month // 12, month % 12 + 1, 1) if (year, month) != (9999, 12) else date.max
            return Date(date(year, month, 1), after - timedelta(days=1) if after != date.max else after)
        return Date(date(year, month, day), date(year, month, day))
    except ValueError:
        raise ValueError("not a day of the calendar") from None


def read_time(text: str, zone: ZoneInfo) -> Span:
    """A FHIR date, dateTime or instant as the span that its precision allows.  Raises ValueError."""
    found = _TIME.fullmatch(text)
    if found is None:
        days = read_date(text)
        return Span(
            datetime.combine(days.start, time.min, zone),
            datetime.combine(days.end, time.max, zone),
        )
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = _parse_leap_second(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    if found[1] is None:
        return Span(moment, moment + timedelta(minutes=1) - _TICK)
    return Span(moment, moment)


def _parse_leap_second(text: str) -> datetime:
    """FHIR allows second 60, Python does not: read as the end of second 59."""
    try:
        return datetime.fromisoformat(_LEAP.sub(":59", text, count=1)).replace(microsecond=999_999)
    except ValueError:
        raise ValueError("not a time of the calendar") from None

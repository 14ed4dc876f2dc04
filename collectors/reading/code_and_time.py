"""The codes and the effective time of an Observation, decoded without the rest of it."""

from zoneinfo import ZoneInfo

import msgspec

from collectors.reading.codes import CodeKey
from collectors.reading.fhir_types import MISSING_ELEMENT, CodeableConcept, Period, read_time
from collectors.reading.records import Record
from ontology.resources import Span


class ObservationOutline(msgspec.Struct, gc=False):
    """Code and effective time of an Observation, as written; ``component`` stays raw."""

    code: CodeableConcept | None = None
    effectiveDateTime: str | None = None  # noqa: N815  (FHIR's own names)
    effectiveInstant: str | None = None  # noqa: N815
    effectivePeriod: Period | None = None  # noqa: N815
    component: msgspec.Raw = MISSING_ELEMENT


_OUTLINE = msgspec.json.Decoder(ObservationOutline)


def decode_outline(record: Record) -> ObservationOutline | None:
    """The code and time elements of an Observation; None where it cannot be decoded."""
    try:
        return _OUTLINE.decode(record.raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


class CodeAndTime(msgspec.Struct, frozen=True, gc=False):
    """The codes of a record and its effective time (None: unknown).

    ``has_components``: it may hold further concepts as components.
    """

    codes: frozenset[CodeKey]
    span: Span | None
    has_components: bool = False


def read_code_and_time(record: Record, zone: ZoneInfo) -> CodeAndTime:
    """Reads only the codes and the effective time of an Observation; one that cannot be decoded has neither."""
    outline = decode_outline(record)
    if outline is None:
        return CodeAndTime(frozenset(), None, True)
    codings = outline.code.coding if outline.code is not None else []
    keys = frozenset((each.system, each.code) for each in codings if each.system and each.code)
    return CodeAndTime(keys, _effective_span(outline, zone), bool(outline.component))


def _effective_span(outline: ObservationOutline, zone: ZoneInfo) -> Span | None:
    text = outline.effectiveDateTime or outline.effectiveInstant
    try:
        if text is not None:
            return read_time(text, zone)
        period = outline.effectivePeriod
        if period is None or period.start is None or period.end is None:
            return None
        start = read_time(period.start, zone).start
        return Span(start, max(start, read_time(period.end, zone).end))
    except (ValueError, OverflowError):
        return None

"""The codes and the effective time of an Observation, decoded without the rest of it."""

from zoneinfo import ZoneInfo

import msgspec

from collectors.reading.codes import CodeKey
from collectors.reading.fhir_types import MISSING_ELEMENT, CodeableConcept, Period, read_time
from collectors.reading.records import Record
from ontology.resources import Span


class ObservationOutline(msgspec.Struct, gc=False):
    """What an Observation is about and when it holds, as it is written; ``component`` is raw."""

    code: CodeableConcept | None = None
    effectiveDateTime: str | None = None  # noqa: N815  (FHIR's own names)
    effectiveInstant: str | None = None  # noqa: N815
    effectivePeriod: Period | None = None  # noqa: N815
    component: msgspec.Raw = MISSING_ELEMENT


_OUTLINE = msgspec.json.Decoder(ObservationOutline)


def decode_outline(record: Record) -> ObservationOutline | None:
    """What an Observation says of that itself; None where it cannot be read."""
    try:
        return _OUTLINE.decode(record.raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


class CodeAndTime(msgspec.Struct, frozen=True, gc=False):
    """Under which codes a record stands, and when it holds (None: that cannot be told).

    ``parted``: it may hold further concepts as components.
    """

    codes: frozenset[CodeKey]
    span: Span | None
    has_components: bool = False


def read_code_and_time(record: Record, zone: ZoneInfo) -> CodeAndTime:
    """Reads of an Observation only what it is about and when it holds."""
    told = decode_outline(record)
    if told is None:
        return CodeAndTime(frozenset(), None, True)
    codings = told.code.coding if told.code is not None else []
    keys = frozenset((each.system, each.code) for each in codings if each.system and each.code)
    return CodeAndTime(keys, _effective_span(told, zone), bool(told.component))


def _effective_span(told: ObservationOutline, zone: ZoneInfo) -> Span | None:
    text = told.effectiveDateTime or told.effectiveInstant
    try:
        if text is not None:
            return read_time(text, zone)
        if told.effectivePeriod is None or told.effectivePeriod.start is None or told.effectivePeriod.end is None:
            return None
        start = read_time(told.effectivePeriod.start, zone).start
        return Span(start, max(start, read_time(told.effectivePeriod.end, zone).end))
    except (ValueError, OverflowError):
        return None

"""Under which codes an Observation stands and when it holds: read of it without the rest."""

from zoneinfo import ZoneInfo

import msgspec

from collectors.reading.codes import Key
from collectors.reading.records import Record
from collectors.reading.timing import read_time
from collectors.reading.wire import NONE, CodeableConcept, Period
from ontology.times import Span


class Outline(msgspec.Struct, gc=False):
    """What an Observation is about and when it holds, as it is written; ``component`` is raw."""

    code: CodeableConcept | None = None
    effectiveDateTime: str | None = None  # noqa: N815  (FHIR's own names)
    effectiveInstant: str | None = None  # noqa: N815
    effectivePeriod: Period | None = None  # noqa: N815
    component: msgspec.Raw = NONE


_OUTLINE = msgspec.json.Decoder(Outline)


def outline(record: Record) -> Outline | None:
    """What an Observation says of that itself; None where it cannot be read."""
    try:
        return _OUTLINE.decode(record.raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


class Placed(msgspec.Struct, frozen=True, gc=False):
    """Under which codes a record stands, and when it holds (None: that cannot be told).

    ``parted``: it may hold further concepts as components.
    """

    codes: frozenset[Key]
    span: Span | None
    parted: bool = False


def placed(record: Record, zone: ZoneInfo) -> Placed:
    """Reads of an Observation only what it is about and when it holds."""
    told = outline(record)
    if told is None:
        return Placed(frozenset(), None, True)
    codings = told.code.coding if told.code is not None else []
    keys = frozenset((each.system, each.code) for each in codings if each.system and each.code)
    return Placed(keys, _span(told, zone), bool(told.component))


def _span(told: Outline, zone: ZoneInfo) -> Span | None:
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

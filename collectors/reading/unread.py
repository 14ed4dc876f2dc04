"""Codes in a patient's records that no concept reads: what an integrator may want to map.

For those who connect a source: an answer never needs it.  What is told are codes, units and counts, never values.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from collectors.reading.codes import CodeIndex
from collectors.reading.records import Record
from collectors.reading.wire import CodeableConcept, Coding, Quantity, plain


class _Part(msgspec.Struct, gc=False):
    code: CodeableConcept | None = None
    valueQuantity: Quantity | None = None  # noqa: N815  (FHIR's own name)


class _Coded(_Part):
    vaccineCode: CodeableConcept | None = None  # noqa: N815
    medicationCodeableConcept: CodeableConcept | None = None  # noqa: N815
    component: list[_Part] = []


_CODED = msgspec.json.Decoder(_Coded)


@dataclass(frozen=True, slots=True)
class Unread:
    """A code that stands alone for what is recorded, and that no concept reads."""

    resource_type: str
    system: str | None
    code: str | None
    display: str | None
    unit: str | None
    records: int


def unread(records: Iterable[Record], index: CodeIndex) -> tuple[Unread, ...]:
    """Every such code, most frequent first.  A record that one of its codings makes readable is not among them."""
    counts: Counter[tuple[str, str | None, str | None, str | None]] = Counter()
    displays: dict[tuple[str | None, str | None], str | None] = {}
    for record in records:
        for concept, unit in _parts(record):
            if index.find(concept) or index.panels(concept):
                continue
            for coding in concept.coding[:1] or [Coding(display=concept.text)]:
                counts[record.ref.type, coding.system, coding.code, unit] += 1
                displays.setdefault((coding.system, coding.code), coding.display or concept.text)
    return tuple(
        Unread(kind, system, code, _plain(displays[system, code]), _plain(unit), count)
        for (kind, system, code, unit), count in sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    )


def _parts(record: Record) -> Iterator[tuple[CodeableConcept, str | None]]:
    try:
        whole = _CODED.decode(record.raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    valued = [part for part in whole.component if part.code is not None]
    for part in valued or [whole]:
        held = part.code or whole.vaccineCode or whole.medicationCodeableConcept
        if held is not None:
            quantity = part.valueQuantity
            yield held, (quantity.unit or quantity.code) if quantity is not None else None


def _plain(text: str | None) -> str | None:
    return plain(text) if text is not None else None

"""Counts of codes and units in a patient's records: those read for a concept, and those that no concept reads.

For those who connect a source: an answer never needs it.  Reported are codes, units and counts, never values.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from collectors.reading.codes import CodeIndex
from collectors.reading.fhir_types import CodeableConcept, Coding, Quantity, printable_text
from collectors.reading.records import Fact, Record
from ontology.concepts import Concept
from ontology.values import Absent
from ontology.words.absence import reason_name

_CODE_ELEMENTS = ("code", "vaccineCode", "medicationCodeableConcept")


@dataclass(frozen=True, slots=True)
class CodeCount:
    """Records of one concept under one code in one unit.

    ``code`` is ``system|code``, ``unit`` as written (None: none).  ``converted_count`` of the ``read_count`` records
    were in another unit than the concept's.  ``refused_counts`` counts the other records by reason.
    """

    code: str
    unit: str | None
    read_count: int
    converted_count: int
    refused_counts: Mapping[str, int]

    @property
    def record_count(self) -> int:
        """Number of records, read or refused."""
        return self.read_count + sum(self.refused_counts.values())


def count_codes(facts: Iterable[Fact], concept: Concept) -> tuple[CodeCount, ...]:
    """Codes and units under which a concept was found, most frequent first; pending results are not counted."""
    index = CodeIndex((concept,))
    groups: dict[tuple[str, str | None], list[Fact]] = {}
    for fact in facts:
        if fact.pending:
            continue
        groups.setdefault((_recognised_code(fact, index), _recorded_unit(fact)), []).append(fact)
    found = [_count_group(code, unit, group, concept) for (code, unit), group in groups.items()]
    return tuple(sorted(found, key=lambda each: (-each.record_count, each.code, each.unit or "")))


def _count_group(code: str, unit: str | None, facts: list[Fact], concept: Concept) -> CodeCount:
    read = [fact for fact in facts if not isinstance(fact.resource.value, Absent)]
    converted = sum(fact.recorded_quantity is not None and fact.recorded_quantity[1] != concept.unit for fact in read)
    refused = Counter(_refusal_reason(fact) for fact in facts if isinstance(fact.resource.value, Absent))
    return CodeCount(code, unit, len(read), converted, dict(sorted(refused.items())))


def _refusal_reason(fact: Fact) -> str:
    value = fact.resource.value
    words = reason_name(value.reason) if isinstance(value, Absent) else ""
    return f"{words}: {fact.resource.problem}" if fact.resource.problem else words


def _recorded_unit(fact: Fact) -> str | None:
    recorded = fact.resource.recorded
    if fact.recorded_quantity is None and not (recorded and recorded[:1] in "<>-0123456789"):
        return None
    return (recorded or "").partition(" ")[2] or None


def _recognised_code(fact: Fact, index: CodeIndex) -> str:
    """The code under which the concept was recognised; else the first code of the record."""
    try:
        codings = [coding for element in _code_elements(fact.record.json()) for coding in element.coding]
    except ValueError:
        return "a record that cannot be decoded"
    for coding in codings:
        if index.find(CodeableConcept([coding])) or index.panels(CodeableConcept([coding])):
            return _format_coding(coding)
    return _format_coding(codings[0]) if codings else "no code"


def _code_elements(record: Mapping[str, Any]) -> Iterator[CodeableConcept]:
    parts = record.get("component")
    for holder in (*(parts if isinstance(parts, list) else ()), record):
        for name in _CODE_ELEMENTS:
            element = holder.get(name) if isinstance(holder, dict) else None
            codings = element.get("coding") if isinstance(element, dict) else None
            if isinstance(codings, list):
                yield CodeableConcept([_read_coding(each) for each in codings if isinstance(each, dict)])


def _read_coding(each: Mapping[str, Any]) -> Coding:
    system, code = each.get("system"), each.get("code")
    return Coding(system if isinstance(system, str) else None, code if isinstance(code, str) else None)


def _format_coding(coding: Coding) -> str:
    return printable_text(f"{coding.system or 'no system'}|{coding.code or 'no code'}")


class _CodedPart(msgspec.Struct, gc=False):
    code: CodeableConcept | None = None
    valueQuantity: Quantity | None = None  # noqa: N815  (FHIR's own name)


class _CodedRecord(_CodedPart):
    vaccineCode: CodeableConcept | None = None  # noqa: N815
    medicationCodeableConcept: CodeableConcept | None = None  # noqa: N815
    component: list[_CodedPart] = []


_CODED_RECORD = msgspec.json.Decoder(_CodedRecord)


@dataclass(frozen=True, slots=True)
class UnmappedCode:
    """A code that no concept reads, in records without a code that one does; ``unit`` and ``display`` as written."""

    resource_type: str
    system: str | None
    code: str | None
    display: str | None
    unit: str | None
    record_count: int


def unmapped_codes(records: Iterable[Record], index: CodeIndex) -> tuple[UnmappedCode, ...]:
    """Every unmapped code, most frequent first.  A record with one readable coding is not counted."""
    counts: Counter[tuple[str, str | None, str | None, str | None]] = Counter()
    displays: dict[tuple[str | None, str | None], str | None] = {}
    for record in records:
        for concept, unit in _coded_parts(record):
            if index.find(concept) or index.panels(concept):
                continue
            for coding in concept.coding[:1] or [Coding(display=concept.text)]:
                counts[record.ref.type, coding.system, coding.code, unit] += 1
                displays.setdefault((coding.system, coding.code), coding.display or concept.text)
    return tuple(
        UnmappedCode(kind, system, code, _printable_or_none(displays[system, code]), _printable_or_none(unit), count)
        for (kind, system, code, unit), count in sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    )


def _coded_parts(record: Record) -> Iterator[tuple[CodeableConcept, str | None]]:
    try:
        coded = _CODED_RECORD.decode(record.raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    valued = [part for part in coded.component if part.code is not None]
    for part in valued or [coded]:
        concept = part.code or coded.vaccineCode or coded.medicationCodeableConcept
        if concept is not None:
            quantity = part.valueQuantity
            yield concept, (quantity.unit or quantity.code) if quantity is not None else None


def _printable_or_none(text: str | None) -> str | None:
    return printable_text(text) if text is not None else None

"""Under which codes and in which units a concept was met in records, and what became of them.

For those who connect a source: an answer never needs it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from collectors.reading.codes import CodeIndex
from collectors.reading.records import Fact
from collectors.reading.wire import CodeableConcept, Coding, plain
from ontology.concepts import Concept
from ontology.values import Absent

_CODED = ("code", "vaccineCode", "medicationCodeableConcept")


@dataclass(frozen=True, slots=True)
class Met:
    """Records of one concept under one code in one unit.

    ``code`` is ``system|code``, ``unit`` as it was written (None: none).  ``converted`` of those ``read`` were in
    another unit than the concept's.  ``refused`` counts the others by the reason.
    """

    code: str
    unit: str | None
    read: int
    converted: int
    refused: Mapping[str, int]

    @property
    def records(self) -> int:
        """How many there were."""
        return self.read + sum(self.refused.values())


def met(facts: Iterable[Fact], concept: Concept) -> tuple[Met, ...]:
    """What was met of a concept, most frequent first."""
    index = CodeIndex((concept,))
    groups: dict[tuple[str, str | None], list[Fact]] = {}
    for fact in facts:
        if fact.pending:
            continue
        groups.setdefault((_code(fact, index), _unit(fact)), []).append(fact)
    found = [_told(code, unit, group, concept) for (code, unit), group in groups.items()]
    return tuple(sorted(found, key=lambda each: (-each.records, each.code, each.unit or "")))


def _told(code: str, unit: str | None, facts: list[Fact], concept: Concept) -> Met:
    read = [fact for fact in facts if not isinstance(fact.resource.value, Absent)]
    converted = sum(fact.written is not None and fact.written[1] != concept.unit for fact in read)
    refused = Counter(_reason(fact) for fact in facts if isinstance(fact.resource.value, Absent))
    return Met(code, unit, len(read), converted, dict(sorted(refused.items())))


def _reason(fact: Fact) -> str:
    value = fact.resource.value
    words = value.reason.value.lower().replace("_", " ") if isinstance(value, Absent) else ""
    return f"{words}: {fact.resource.problem}" if fact.resource.problem else words


def _unit(fact: Fact) -> str | None:
    recorded = fact.resource.recorded
    if fact.written is None and not (recorded and recorded[:1] in "<>-0123456789"):
        return None
    return (recorded or "").partition(" ")[2] or None


def _code(fact: Fact, index: CodeIndex) -> str:
    """The code under which the concept was recognised; the first one where that was not by a code of its own."""
    codings = [coding for held in _held(fact.record.json()) for coding in held.coding]
    for coding in codings:
        if index.find(CodeableConcept([coding])) or index.panels(CodeableConcept([coding])):
            return _shown(coding)
    return _shown(codings[0]) if codings else "no code"


def _held(record: Mapping[str, Any]) -> Iterator[CodeableConcept]:
    parts = record.get("component")
    for holder in (*(parts if isinstance(parts, list) else ()), record):
        for name in _CODED:
            held = holder.get(name) if isinstance(holder, dict) else None
            codings = held.get("coding") if isinstance(held, dict) else None
            if isinstance(codings, list):
                yield CodeableConcept([_coding(each) for each in codings if isinstance(each, dict)])


def _coding(each: Mapping[str, Any]) -> Coding:
    system, code = each.get("system"), each.get("code")
    return Coding(system if isinstance(system, str) else None, code if isinstance(code, str) else None)


def _shown(coding: Coding) -> str:
    return plain(f"{coding.system or 'no system'}|{coding.code or 'no code'}")

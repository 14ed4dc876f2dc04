"""Which concepts a recorded code stands for, and in which units and answers their values are read."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

from collectors.reading import wire
from ontology.concepts import Accepted, Concept, Origin
from ontology.units import spelling
from ontology.values import Coding

Key: TypeAlias = tuple[str, str]
"""A code in its system."""

# ICD-9 and ICD-10 in all their national editions; ICD-11's codes are not written without their dot.
_ICD = re.compile(r"icd-?(9|10)(?!\d)", re.IGNORECASE)


@dataclass(slots=True)
class Reader:
    """A concept prepared for reading: its units, answers and codes in the form in which they are looked up.

    ``notes`` say what is to be told where an answer is used.  ``resolved`` remembers, for each way in which a unit is
    written, the UCUM unit that it means.
    """

    concept: Concept
    units: frozenset[str]
    unitless: str | None
    answers: dict[Key, Coding | bool]
    resolved: dict[tuple[str | None, str | None, str | None], "tuple[str | None, str | None]"] = field(
        default_factory=dict
    )
    notes: dict[Key, str] = field(default_factory=dict)


def reader(concept: Concept) -> Reader:
    """Prepares a concept."""
    units = dict.fromkeys(concept.units)
    if concept.unit is not None:
        units.setdefault(concept.unit)
    answers: dict[Key, Coding | bool] = {}
    for answer in concept.answers:
        answers[answer.recorded.system, answer.recorded.code] = answer.means
        if isinstance(answer.means, Coding):
            answers.setdefault((answer.means.system, answer.means.code), answer.means)
    return Reader(
        concept,
        frozenset(units) | {known for unit in units if (known := spelling(unit)) is not None},
        next((unit for unit in units if unit == "1" or (unit.startswith("{") and unit.endswith("}"))), None),
        answers,
        notes={(each.recorded.system, each.recorded.code): each.note for each in concept.answers if each.note},
    )


class CodeIndex:
    """The concepts of a search by the codes under which they are recorded."""

    def __init__(self, concepts: Iterable[Concept]) -> None:
        self.readers = tuple(reader(concept) for concept in concepts)
        self._exact: dict[Key, list[tuple[Reader, Accepted]]] = {}
        self._prefixes: list[tuple[str, str, Reader, Accepted]] = []
        self._panels: dict[Key, list[Reader]] = {}
        for known in self.readers:
            for accepted in known.concept.accepted:
                coding = accepted.coding
                if is_prefix(coding):
                    self._prefixes.append((coding.system, plain_code(coding.code[:-1]), known, accepted))
                else:
                    self._exact.setdefault(code_key(coding.system, coding.code), []).append((known, accepted))
            for panel in known.concept.panels:
                self._panels.setdefault((panel.system, panel.code), []).append(known)

    def find(self, code: wire.CodeableConcept | None) -> list[tuple[Reader, Accepted]]:
        """Each concept that one of the codings stands for, once, under its best accepted code."""
        if code is None:
            return []
        found = [hit for coding in code.coding for hit in self._hits(coding)]
        if len(found) < 2:
            return found
        best: dict[str, tuple[Reader, Accepted]] = {}
        for known, accepted in found:
            held = best.get(known.concept.id)
            if held is None or accepted.rank < held[1].rank:
                best[known.concept.id] = (known, accepted)
        return list(best.values())

    def _hits(self, coding: wire.Coding) -> Iterator[tuple[Reader, Accepted]]:
        if coding.system is None or coding.code is None:
            return
        yield from self._exact.get(code_key(coding.system, coding.code), ())
        for system, start, known, accepted in self._prefixes:
            if coding.system != system or not plain_code(coding.code).startswith(start):
                continue
            if coding.code not in accepted.but:
                yield known, accepted

    def panels(self, code: wire.CodeableConcept | None) -> list[Reader]:
        """The concepts that records under this code hold as components."""
        if code is None or not self._panels:
            return []
        found = {
            known.concept.id: known
            for coding in code.coding
            if coding.system is not None and coding.code is not None
            for known in self._panels.get((coding.system, coding.code), ())
        }
        return list(found.values())


def is_prefix(coding: Coding) -> bool:
    """Whether an accepted code stands for all codes that begin with it ("I48*")."""
    return len(coding.code) > 1 and coding.code.endswith("*")


def plain_code(code: str) -> str:
    """ICD codes are written with and without their dot."""
    return code.replace(".", "").upper()


@lru_cache(maxsize=256)
def undotted(system: str) -> bool:
    """Whether codes of this system are the same with and without their dot."""
    return _ICD.search(system) is not None


def code_key(system: str, code: str) -> Key:
    """A code as it is compared: one that may be written with a dot or without stands without."""
    return (system, plain_code(code)) if undotted(system) else (system, code)


def accepted_systems(concept: Concept) -> frozenset[str]:
    """The code systems in which a concept can be recognised at all.

    A source's own system is none of them: which of its codes can be read is known code by code
    (``Translation.systems_of``).
    """
    return frozenset(accepted.coding.system for accepted in concept.accepted if not accepted.translated)


def served(concepts: Iterable[Concept], origin: Origin) -> tuple[Concept, ...]:
    """Those concepts that come from this origin."""
    return tuple(concept for concept in concepts if concept.origin is origin)

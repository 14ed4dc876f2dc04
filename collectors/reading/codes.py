"""Recorded codes: the concepts that they stand for, and the translation of a source's local codes to standard ones."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias, TypeVar

from collectors.reading import fhir_types
from collectors.reading.fhir_types import printable_text
from collectors.reading.records import CodedPart
from collectors.search import NamedCodes
from ontology.concepts import AcceptedCode, Concept, ExcludingCode, Origin
from ontology.units import ucum_code
from ontology.values import Coding

T = TypeVar("T")
CodeKey: TypeAlias = tuple[str, str]
"""A code in its system."""

# ICD-9 and ICD-10 in all their national editions; ICD-11's codes are not written without their dot.
_ICD = re.compile(r"icd-?(9|10)(?!\d)", re.IGNORECASE)
_ATC = re.compile(r"(/atc|\.113883\.6\.73|\.4\.1\.1\.7180)$", re.IGNORECASE)
_ICD_OF_PROCEDURES = re.compile(r"pcs|proc|cms\.gov", re.IGNORECASE)
# How codes of these systems are written; with the marks that German records add.
_FORMS = {
    "9": re.compile(r"\d{3}\.?\d{0,2}|E\d{3}\.?\d?|V\d{2}\.?\d{0,2}", re.IGNORECASE),
    "10": re.compile(r"[A-Z]\d[0-9A-Z]\.?[0-9A-Z]{0,5}[-+*!†#]*", re.IGNORECASE),
    "ATC": re.compile(r"[A-Z](\d\d([A-Z]([A-Z](\d\d)?)?)?)?", re.IGNORECASE),
}
# "Illness, unspecified", which stands for any.
_OF_ANY_ILLNESS = frozenset({("10", "R69"), ("9", "7999")})


@dataclass(slots=True)
class ConceptReader:
    """A concept prepared for reading: its units and answers, indexed for lookup.

    ``notes`` holds, by answer code, what is reported where that answer is used.  ``unit_resolutions`` caches, for each
    written unit (system, code, text), the result of ``resolve_unit``.  ``excluding`` are the codes that take a record
    away from the concept.
    """

    concept: Concept
    units: frozenset[str]
    dimensionless_unit: str | None
    answers: dict[CodeKey, Coding | bool]
    unit_resolutions: dict[tuple[str | None, str | None, str | None], "tuple[str | None, str | None]"] = field(
        default_factory=dict
    )
    notes: dict[CodeKey, str] = field(default_factory=dict)
    excluding: dict[CodeKey, ExcludingCode] = field(default_factory=dict)
    usual_sites: frozenset[CodeKey] = frozenset()

    @property
    def system_aliases(self) -> Mapping[str, str]:
        """The URI of each code system, by its other spellings."""
        return self.concept.system_aliases


def build_reader(concept: Concept) -> ConceptReader:
    """Indexes the units and answers of a concept for reading."""
    units = dict.fromkeys(concept.units)
    if concept.unit is not None:
        units.setdefault(concept.unit)
    answers: dict[CodeKey, Coding | bool] = {}
    for answer in concept.answers:
        answers[answer.recorded.system, answer.recorded.code] = answer.means
        if isinstance(answer.means, Coding):
            answers.setdefault((answer.means.system, answer.means.code), answer.means)
    return ConceptReader(
        concept,
        frozenset(units) | {known for unit in units if (known := ucum_code(unit)) is not None},
        next((unit for unit in units if unit == "1" or (unit.startswith("{") and unit.endswith("}"))), None),
        answers,
        notes={(each.recorded.system, each.recorded.code): each.note for each in concept.answers if each.note},
        excluding={code_key(each.coding.system, each.coding.code): each for each in concept.excluded_by},
        usual_sites=frozenset(code_key(each.system, each.code) for each in concept.usual_sites),
    )


class CodeIndex:
    """The concepts of a search by the codes under which they are recorded."""

    def __init__(self, concepts: Iterable[Concept]) -> None:
        self.readers = tuple(build_reader(concept) for concept in concepts)
        self._exact: dict[CodeKey, list[tuple[ConceptReader, AcceptedCode]]] = {}
        self._prefixes: list[tuple[str, str, ConceptReader, AcceptedCode]] = []
        self._panels: dict[CodeKey, list[ConceptReader]] = {}
        self._aliases = self.readers[0].system_aliases if self.readers else {}
        self.system_aliases: Mapping[str, str] = self._aliases
        for known in self.readers:
            exact, prefixes = _accepted_codes(known.concept)
            for key, accepted in exact:
                self._exact.setdefault(key, []).append((known, accepted))
            self._prefixes += [(system, start, known, accepted) for (system, start), accepted in prefixes]
            for panel in known.concept.panels:
                self._panels.setdefault((panel.system, panel.code), []).append(known)

    def find(self, code: fhir_types.CodeableConcept | None) -> list[tuple[ConceptReader, AcceptedCode]]:
        """The concepts that these codings stand for, each once, with its surest accepted code, of lowest rank."""
        if code is None:
            return []
        found = [hit for coding in code.coding for hit in self._matches(coding)]
        if len(found) < 2:
            return found
        best: dict[str, tuple[ConceptReader, AcceptedCode]] = {}
        for known, accepted in found:
            current = best.get(known.concept.id)
            if current is None or (accepted.probable, accepted.rank) < (current[1].probable, current[1].rank):
                best[known.concept.id] = (known, accepted)
        return list(best.values())

    def _matches(self, coding: fhir_types.Coding) -> Iterator[tuple[ConceptReader, AcceptedCode]]:
        if coding.system is None or coding.code is None:
            return
        written = self._aliases.get(coding.system, coding.system)
        yield from self._exact.get(code_key(written, coding.code), ())
        for system, start, known, accepted in self._prefixes:
            if written != system or not undotted_code(coding.code).startswith(start):
                continue
            if coding.code not in accepted.excluded:
                yield known, accepted

    def panels(self, code: fhir_types.CodeableConcept | None) -> list[ConceptReader]:
        """The concepts that records under this code hold as components."""
        if code is None or not self._panels:
            return []
        found = {
            known.concept.id: known
            for coding in code.coding
            if coding.system is not None and coding.code is not None
            for known in self._panels.get((self._aliases.get(coding.system, coding.system), coding.code), ())
        }
        return list(found.values())

    def has_own_value(self, code: fhir_types.CodeableConcept | None, known: ConceptReader) -> bool:
        """Whether a panel of the concept is, under this code, a measurement too (SpO2, with oxygen as a component)."""
        valued = {(each.system, each.code) for each in known.concept.valued_panels}
        written = code.coding if code is not None else ()
        return any((self._aliases.get(each.system or "", each.system), each.code) in valued for each in written)


def is_prefix(coding: Coding) -> bool:
    """Whether an accepted code stands for all codes that begin with it ("I48*")."""
    return len(coding.code) > 1 and coding.code.endswith("*")


def undotted_code(code: str) -> str:
    """The code without dots, in upper case: ICD codes are written with and without their dot."""
    return code.replace(".", "").upper()


@lru_cache(maxsize=256)
def ignores_dots(system: str) -> bool:
    """Whether codes of this system are the same with and without their dot."""
    return _ICD.search(system) is not None


def code_key(system: str, code: str) -> CodeKey:
    """A code as it is compared: without its dot where the system ignores dots."""
    return (system, undotted_code(code)) if ignores_dots(system) else (system, code)


def deciding_systems(concept: Concept) -> frozenset[str]:
    """The code systems a code of which says whether an entry is the concept: one that is not accepted is another's.

    Of medications, and of orders of them, these are only systems in which all codes of the concept are known: by their
    beginning (ATC), or by a value set.  A list of ingredients says nothing about a product.  A source's own system is
    never among them: its codes are translated one by one (``Translation.equivalent_codes``).
    """
    return _kept(_deciding, concept, _find_deciding_systems)


_KEPT = 2048
_deciding: dict[int, tuple[Concept, frozenset[str]]] = {}
_wider: dict[int, tuple[Concept, frozenset[CodeKey]]] = {}
"""By the concept itself, which is kept with it: a drug has thousands of codes, and is asked about in each answer."""


def _kept(kept: dict[int, tuple[Concept, T]], concept: Concept, find: Callable[[Concept], T]) -> T:
    known = kept.get(id(concept))
    if known is None or known[0] is not concept:
        if len(kept) >= _KEPT:
            kept.clear()
        known = kept[id(concept)] = (concept, find(concept))
    return known[1]


def _find_deciding_systems(concept: Concept) -> frozenset[str]:
    listed = concept.origin not in (Origin.MEDICATION, Origin.DRAFT_ORDER)
    found = {
        each.coding.system
        for each in concept.accepted
        if not each.translated and (listed or each.of_set or is_prefix(each.coding))
    }
    return frozenset(found | {alias for alias, system in concept.system_aliases.items() if system in found})


_AcceptedCodes: TypeAlias = tuple[tuple[tuple[CodeKey, AcceptedCode], ...], tuple[tuple[CodeKey, AcceptedCode], ...]]
_ACCEPTED: dict[int, tuple[Concept, _AcceptedCodes]] = {}


def _accepted_codes(concept: Concept) -> _AcceptedCodes:
    """The accepted codes by how they are compared: whole ones, and beginnings of codes by their system."""
    return _kept(_ACCEPTED, concept, _find_accepted_codes)


def _find_accepted_codes(concept: Concept) -> _AcceptedCodes:
    coded = [(each.coding, each) for each in concept.accepted]
    exact = tuple((code_key(written.system, written.code), each) for written, each in coded if not is_prefix(written))
    prefixes = [(written, each) for written, each in coded if is_prefix(written)]
    return exact, tuple(((written.system, undotted_code(written.code[:-1])), each) for written, each in prefixes)


def wider_codes(concept: Concept) -> frozenset[CodeKey]:
    """The codes that the concept does not accept and that say too little: they begin some that it accepts.

    So "C10" (lipid modifying agents) for statins (C10AA); of systems whose codes say by their beginning what they are,
    such as ATC, also where each code of a concept is listed in full.
    """
    return _kept(_wider, concept, _find_wider_codes)


def _find_wider_codes(concept: Concept) -> frozenset[CodeKey]:
    stems = {
        (each.coding.system, undotted_code(each.coding.code.removesuffix("*")))
        for each in concept.accepted
        if not each.translated
    }
    stems |= {
        (system, undotted_code(pattern.removesuffix("*")))
        for complete in concept.complete_in
        for pattern in complete.undecided
        for system in complete.systems
    }
    by_beginning = {
        each.coding.system for each in concept.accepted if is_prefix(each.coding) or _ATC.search(each.coding.system)
    }
    found = {
        (system, stem[:length]) for system, stem in stems if system in by_beginning for length in range(1, len(stem))
    }
    return frozenset(found - stems)


def says_what_it_is(key: CodeKey) -> bool:
    """Whether a code can say what an entry is: written as its system writes codes, and not that of any illness.

    Records have stand-ins where a term has no code: IMO0001 and IMO0002 as codes of ICD-10-CM.
    """
    system, code = key
    icd = None if _ICD_OF_PROCEDURES.search(system) else _ICD.search(system)
    edition = icd[1] if icd is not None else "ATC" if _ATC.search(system) else None
    if edition is None:
        return True
    return _FORMS[edition].fullmatch(code) is not None and (edition, undotted_code(code)) not in _OF_ANY_ILLNESS


class ConceptCodes:
    """The codes that any of some concepts accepts, whichever of them is searched."""

    def __init__(self, concepts: Iterable[Concept]) -> None:
        concepts = tuple(concepts)
        self._aliases: Mapping[str, str] = concepts[0].system_aliases if concepts else {}
        codings = {each.coding for concept in concepts for each in concept.accepted}
        self._exact = frozenset(code_key(each.system, each.code) for each in codings if not is_prefix(each))
        self._starts: dict[str, tuple[str, ...]] = {}
        for each in codings:
            if is_prefix(each):
                start = undotted_code(each.code[:-1])
                self._starts[each.system] = (*self._starts.get(each.system, ()), start)

    def contains(self, key: CodeKey) -> bool:
        """Whether a concept accepts the code."""
        system, code = key
        return code_key(system, code) in self._exact or undotted_code(code).startswith(self._starts.get(system, ()))

    def canonical(self, key: CodeKey) -> CodeKey:
        """The code in the URI of its system, whatever other spelling of that a record has."""
        system, code = key
        return self._aliases.get(system, system), code


def coded_part(codes: frozenset[CodeKey], named: NamedCodes) -> CodedPart:
    """The codes of an entry or a part of it that say what it is, and whether one of them is a code of a concept."""
    canonical = map(named.canonical, codes)
    saying = frozenset(code_key(*each) for each in canonical if says_what_it_is(each))
    return CodedPart(saying, any(map(named.contains, saying)))


def concepts_of_origin(concepts: Iterable[Concept], origin: Origin) -> tuple[Concept, ...]:
    """The concepts of this origin."""
    return tuple(concept for concept in concepts if concept.origin is origin)


@dataclass(frozen=True, slots=True)
class Fallback:
    """The rule of a map for codes of ``source`` that it does not list: the ``target`` system has the same codes.

    ``listed_codes`` are excepted.  ``fixed``: all unlisted codes map to one code, which translates nothing.
    ``map`` is the canonical of the ConceptMap.
    """

    source: str
    target: str
    listed_codes: frozenset[str]
    fixed: bool
    map: str


@dataclass(frozen=True, slots=True)
class TranslatedCode:
    """The standard code ``key`` that a local code is read as; ``wider``: it is less specific than the local code.

    ``map`` is the canonical of the ConceptMap.
    """

    key: CodeKey
    wider: bool
    map: str

    def describe(self, local: CodeKey) -> str:
        """The translation in words, for the reader of an answer."""
        sense = ", which is wider" if self.wider else ""
        read_as = f"{self.key[1]} of {self.key[0]}{sense}"
        return printable_text(
            f"the local code {local[1]} of {local[0]} was read as {read_as}, by ConceptMap {self.map}"
        )


@dataclass(frozen=True, slots=True)
class Translation:
    """Local codes to standard codes.  ``refused_counts``: by relation, the targets that are never translated."""

    targets: Mapping[CodeKey, tuple[TranslatedCode, ...]] = field(default_factory=dict)
    fallbacks: Mapping[str, tuple[Fallback, ...]] = field(default_factory=dict)
    refused_counts: Mapping[str, int] = field(default_factory=dict)
    _locals: dict[CodeKey, list[CodeKey]] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        for local, targets in self.targets.items():
            for each in targets:
                self._locals.setdefault(code_key(*each.key), []).append(local)

    def translate(self, system: str, code: str) -> tuple[TranslatedCode, ...]:
        """The standard codes that a local code is read as; empty where no map lists it."""
        found = self.targets.get((system, code))
        if found is not None:
            return found
        return tuple(
            TranslatedCode((each.target, code), False, each.map)
            for each in self.fallbacks.get(system, ())
            if not each.fixed and code not in each.listed_codes
        )

    def equivalent_codes(self, codings: Iterable[CodeKey]) -> frozenset[CodeKey]:
        """The codes by which an entry can be read: its own, and equivalent ones.

        Wider codes are excluded: the local code may mean something more specific that is asked for.
        """
        found = set(codings)
        if self:
            found.update(each.key for own in tuple(found) for each in self.translate(*own) if not each.wider)
        return frozenset(found)

    def local_codes(self, wanted: Iterable[CodeKey]) -> tuple[CodeKey, ...]:
        """The local codes that are read as one of these, in a stable order; a search must ask for them, too."""
        found: set[CodeKey] = set()
        for system, code in wanted:
            found.update(self._locals.get(code_key(system, code), ()))
            for local in self.fallbacks:
                # Where dots are ignored, the source may write the code without its dot.
                for written in {code, undotted_code(code)} if ignores_dots(system) else {code}:
                    if any(each.key == (system, written) for each in self.translate(local, written)):
                        found.add((local, written))
        return tuple(sorted(found))

    def __bool__(self) -> bool:
        return bool(self.targets or self.fallbacks)


NO_TRANSLATION = Translation()
"""No map: every code stands for itself alone."""

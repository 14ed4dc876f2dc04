"""The codes of a ValueSet: computed from its compose, where that needs no code system, or from its expansion.

By R4 (https://hl7.org/fhir/R4/valueset.html#compositions): includes add up; within one include, or one exclude, all
conditions must hold; what an exclude selects is never in the set.  Of several value sets in one include R4's page
says that a code must be in all of them, and the definition of the element that one suffices; R5 decided: in all.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from collectors.reading.codes import CodeKey
from collectors.terminology.code_set import Codes, DefinitionError, ServerNeededError, parse_canonical
from collectors.terminology.resource_elements import Compose, Contained, Expansion, Filter, Selection

Lookup: TypeAlias = Callable[[str], Codes]
"""Gives the codes of another set by its canonical (TerminologyError)."""


@dataclass(frozen=True, slots=True)
class _SelectedCodes:
    """The selection of one include or exclude; ``listed`` None: all codes of ``system`` that are in all ``sets``."""

    system: str | None
    listed: Codes | None
    sets: tuple[Codes, ...]

    def __contains__(self, key: CodeKey) -> bool:
        return (
            (self.system is None or key[0] == self.system)
            and (self.listed is None or key in self.listed)
            and all(key in each for each in self.sets)
        )

    def codes(self) -> Codes:
        """All selected codes.  Raises ServerNeededError where these are all codes of a system."""
        base = self.listed if self.listed is not None else self.sets[0] if self.sets else None
        if base is None:
            raise ServerNeededError(f"it includes all codes of {self.system}")
        return {key: display for key, display in base.items() if key in self}


def compose_codes(compose: Compose, lookup: Lookup) -> Codes:
    """The codes that a definition selects.

    Raises ServerNeededError where that needs the content of a code system, DefinitionError where the definition
    violates FHIR, and the errors of ``lookup``.
    """
    if not compose.include:
        raise DefinitionError("its compose has no include")
    found: dict[CodeKey, str | None] = {}
    excluded = [_select_codes(each, lookup) for each in compose.exclude]
    for include in compose.include:
        for key, display in _select_codes(include, lookup).codes().items():
            if not any(key in each for each in excluded):
                found[key] = found.get(key) or display
    return found


def _select_codes(selection: Selection, lookup: Lookup) -> _SelectedCodes:
    if selection.system is None and not selection.valueSet:
        raise DefinitionError("an include or exclude has neither a system nor a valueSet")
    if selection.system is None and (selection.concept or selection.filter):
        raise DefinitionError("an include or exclude lists concepts or filters without a system")
    if selection.concept and selection.filter:
        raise DefinitionError("an include or exclude has both concepts and filters")
    listed: dict[CodeKey, str | None] | None = None
    if selection.system is not None and selection.concept:
        listed = {}
        for each in selection.concept:
            if not each.code:
                raise DefinitionError("a listed concept has no code")
            listed[selection.system, each.code] = each.display
    elif selection.system is not None and selection.filter:
        listed = dict.fromkeys((selection.system, code) for code in _filter_codes(selection.system, selection.filter))
    # Parsed before the lookup, so that a malformed canonical is reported as such.
    names = [str(parse_canonical(each)) for each in selection.valueSet]
    return _SelectedCodes(selection.system, listed, tuple(lookup(name) for name in names))


def _filter_codes(system: str, filters: Iterable[Filter]) -> set[str]:
    """The codes that pass all filters; filters other than by code raise ServerNeededError."""
    passing: set[str] | None = None
    for each in filters:
        if not each.property or not each.op or each.value is None:
            raise DefinitionError("a filter lacks its property, op or value")
        if each.property != "code" or each.op not in ("=", "in"):
            raise ServerNeededError(f"it filters {system} by {each.property} {each.op}")
        codes = {each.value} if each.op == "=" else {code.strip() for code in each.value.split(",") if code.strip()}
        passing = codes if passing is None else passing & codes
    return passing or set()


# Extensions that mark an incomplete expansion; both mean the same, one of them is later than R4.
_INCOMPLETE = frozenset(
    {
        "http://hl7.org/fhir/StructureDefinition/valueset-toocostly",
        "http://hl7.org/fhir/StructureDefinition/valueset-unclosed",
    }
)
# Parameters that make an expansion a part of the set.
_NARROWING = frozenset({"filter", "context"})
_MAX_DEPTH = 100


def expansion_entries(expansion: Expansion) -> Iterator[Contained]:
    """Every entry, parents before children.  Raises DefinitionError where they are nested too deep."""
    pending = [(entry, 1) for entry in reversed(expansion.contains)]
    while pending:
        entry, depth = pending.pop()
        if depth > _MAX_DEPTH:
            raise DefinitionError("its expansion is nested too deep")
        yield entry
        pending.extend((each, depth + 1) for each in reversed(entry.contains))


def listed_codes(expansion: Expansion) -> tuple[dict[tuple[str, str], str | None], int]:
    """The codes of one expansion or page, and how many of its entries count towards ``total``.

    Entries that are abstract or without a code only group others.  Raises DefinitionError for a code without system.
    """
    codes: dict[tuple[str, str], str | None] = {}
    count = 0
    for entry in expansion_entries(expansion):
        if entry.code is None:
            continue
        count += 1
        if entry.abstract:
            continue
        if not entry.system:
            raise DefinitionError("its expansion lists a code without a system")
        codes[entry.system, entry.code] = entry.display
    return codes, count


def incomplete_reason(expansion: Expansion) -> str | None:
    """Why the expansion is marked as incomplete; None where it is not."""
    if any(each.url in _INCOMPLETE and each.valueBoolean is not False for each in expansion.extension):
        return "its expansion is marked as incomplete (too costly, or unclosed)"
    narrowed = sorted({each.name for each in expansion.parameter if each.name in _NARROWING} - {None})
    if narrowed:
        return f"its expansion was narrowed by the parameter {narrowed[0]}"
    return None


def complete_codes(expansion: Expansion) -> Codes:
    """The codes of a complete expansion.  Raises DefinitionError where it is only a part of the set."""
    if (reason := incomplete_reason(expansion)) is not None:
        raise DefinitionError(reason)
    codes, count = listed_codes(expansion)
    if expansion.offset:
        raise DefinitionError(f"its expansion starts at {expansion.offset}: it is a page of a longer one")
    if expansion.total is not None and expansion.total != count:
        raise DefinitionError(f"its expansion has {count} entries, but a total of {expansion.total}")
    return codes

"""Definitions of value sets, worked out as far as that can be done without knowing the code systems.

By R4 (https://hl7.org/fhir/R4/valueset.html#compositions): includes add up; within one include, or one exclude, all
that is said must hold; what an exclude selects is never in the set.  Of several value sets in one include R4's page
says that a code must be in all of them, and the definition of the element that one will do; R5 settled it: in all.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from collectors.reading.codes import Key
from collectors.terminology.canonical import canonical
from collectors.terminology.codeset import Codes
from collectors.terminology.errors import DefinitionError, ServerNeededError
from collectors.terminology.shape import Compose, Filter, Selection

Lookup: TypeAlias = Callable[[str], Codes]
"""The codes of another set, by its canonical."""


@dataclass(frozen=True, slots=True)
class _Selected:
    """What one include or exclude selects; ``listed`` None: whatever is in ``system`` and all of ``sets``."""

    system: str | None
    listed: Codes | None
    sets: tuple[Codes, ...]

    def __contains__(self, key: Key) -> bool:
        return (
            (self.system is None or key[0] == self.system)
            and (self.listed is None or key in self.listed)
            and all(key in each for each in self.sets)
        )

    def codes(self) -> Codes:
        """All of them (ServerNeededError where that is all codes of a system)."""
        base = self.listed if self.listed is not None else self.sets[0] if self.sets else None
        if base is None:
            raise ServerNeededError(f"it includes all codes of {self.system}")
        return {key: display for key, display in base.items() if key in self}


def composed(compose: Compose, lookup: Lookup) -> Codes:
    """The codes that a definition selects.

    Raises ServerNeededError where that takes knowledge of a code system, DefinitionError where the definition breaks
    FHIR's rules, and whatever ``lookup`` raises.
    """
    if not compose.include:
        raise DefinitionError("its compose has no include")
    found: dict[Key, str | None] = {}
    excluded = [_selected(each, lookup) for each in compose.exclude]
    for include in compose.include:
        for key, display in _selected(include, lookup).codes().items():
            if not any(key in each for each in excluded):
                found[key] = found.get(key) or display
    return found


def _selected(selection: Selection, lookup: Lookup) -> _Selected:
    if selection.system is None and not selection.valueSet:
        raise DefinitionError("an include or exclude has neither a system nor a valueSet")
    if selection.system is None and (selection.concept or selection.filter):
        raise DefinitionError("an include or exclude lists concepts or filters without a system")
    if selection.concept and selection.filter:
        raise DefinitionError("an include or exclude has both concepts and filters")
    listed: dict[Key, str | None] | None = None
    if selection.system is not None and selection.concept:
        listed = {}
        for each in selection.concept:
            if not each.code:
                raise DefinitionError("a listed concept has no code")
            listed[selection.system, each.code] = each.display
    elif selection.system is not None and selection.filter:
        listed = dict.fromkeys((selection.system, code) for code in _filtered(selection.system, selection.filter))
    # Read before the codes are looked up, so that a bad name is told as what it is.
    names = [str(canonical(each)) for each in selection.valueSet]
    return _Selected(selection.system, listed, tuple(lookup(name) for name in names))


def _filtered(system: str, filters: Iterable[Filter]) -> set[str]:
    """The codes that all filters leave: only those filters that list the codes themselves can be done here."""
    left: set[str] | None = None
    for each in filters:
        if not each.property or not each.op or each.value is None:
            raise DefinitionError("a filter lacks its property, op or value")
        if each.property != "code" or each.op not in ("=", "in"):
            raise ServerNeededError(f"it filters {system} by {each.property} {each.op}")
        codes = {each.value} if each.op == "=" else {code.strip() for code in each.value.split(",") if code.strip()}
        left = codes if left is None else left & codes
    return left or set()

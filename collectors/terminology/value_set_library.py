"""The value sets that files define: each computed once, on first use."""

from collections.abc import Mapping

from collectors.terminology.code_set import (
    Canonical,
    Codes,
    CodeSet,
    DefinitionError,
    ServerNeededError,
    TerminologyError,
    UnknownSetError,
    parse_canonical,
)
from collectors.terminology.resource_elements import ValueSet
from collectors.terminology.value_set import complete_codes, compose_codes

MAX_NESTED = 50
"""Depth of value sets that include one another."""


class ValueSetLibrary:
    """Value sets by canonical; ``sets`` pairs each with the name of its file."""

    def __init__(self, sets: Mapping[Canonical, tuple[str, ValueSet]]) -> None:
        self._sets = dict(sets)
        self._by_url: dict[str, list[Canonical]] = {}
        for own in sorted(self._sets):
            self._by_url.setdefault(own.url, []).append(own)
        self._known: dict[Canonical, CodeSet | TerminologyError] = {}
        self._path: list[Canonical] = []

    def __contains__(self, name: str) -> bool:
        """Whether a file defines the set, readable or not.  Raises DefinitionError for a malformed name."""
        wanted = parse_canonical(name)
        return wanted in self._sets or (not wanted.version and wanted.url in self._by_url)

    def find(self, name: str) -> CodeSet:
        """All codes of a set.

        Raises UnknownSetError, DefinitionError, or ServerNeededError where a terminology server is needed.
        """
        own = self._resolve(parse_canonical(name))
        known = self._known.get(own)
        if known is None:
            try:
                known = self._read(own)
            except TerminologyError as error:
                known = error
            # An error found within a cycle holds for this path only, so it is not cached.
            if not self._path or isinstance(known, CodeSet):
                self._known[own] = known
        if isinstance(known, TerminologyError):
            raise known
        return known

    def faults(self) -> list[str]:
        """All faults of the definitions themselves, each with its file."""
        found = []
        for own, (file, _) in self._sets.items():
            try:
                self.find(str(own))
            except (ServerNeededError, UnknownSetError):
                continue
            except TerminologyError as error:
                found.append(f"{file}: {error}")
        return found

    def _resolve(self, wanted: Canonical) -> Canonical:
        if wanted in self._sets:
            return wanted
        versions = self._by_url.get(wanted.url, [])
        if wanted.version or not versions:
            available = f"; available: {', '.join(map(str, versions))}" if versions else ""
            raise UnknownSetError(f"value set {wanted}: no file defines it{available}")
        if len(versions) > 1:
            names = ", ".join(each.version or "without one" for each in versions)
            raise DefinitionError(f"value set {wanted}: name the version that is meant ({names})")
        return versions[0]

    def _read(self, own: Canonical) -> CodeSet:
        if own in self._path:
            cycle = " → ".join(str(each) for each in [*self._path[self._path.index(own) :], own])
            raise DefinitionError(f"value set {own}: it includes itself: {cycle}")
        if len(self._path) >= MAX_NESTED:
            raise DefinitionError(f"value set {own}: more than {MAX_NESTED} sets include one another down to it")
        self._path.append(own)
        try:
            resource = self._sets[own][1]
            codes = self._codes(own, resource)
        finally:
            self._path.pop()
        if not codes:
            raise DefinitionError(f"value set {own}: it holds no codes")
        return CodeSet(own, codes, resource.title or resource.name)

    def _codes(self, own: Canonical, resource: ValueSet) -> Codes:
        try:
            expanded = None if resource.expansion is None else complete_codes(resource.expansion)
        except DefinitionError as error:
            if resource.compose is None:
                raise DefinitionError(f"value set {own}: {error}") from None
            expanded = None
        if resource.compose is None:
            if expanded is None:
                raise DefinitionError(f"value set {own}: it has neither a compose nor an expansion")
            return expanded
        try:
            defined = compose_codes(resource.compose, lambda name: self.find(name).codes)
        except (ServerNeededError, UnknownSetError) as error:
            if expanded is not None:
                return expanded
            raise ServerNeededError(f"value set {own}: {_without_prefix(own, error)}") from None
        except DefinitionError as error:
            raise DefinitionError(f"value set {own}: {_without_prefix(own, error)}") from None
        extra = [key for key in expanded or () if key not in defined]
        if extra:
            system, code = min(extra)
            raise DefinitionError(f"value set {own}: its expansion lists {code} of {system}, its compose does not")
        return defined


def _without_prefix(own: Canonical, error: Exception) -> str:
    return str(error).removeprefix(f"value set {own}: ")

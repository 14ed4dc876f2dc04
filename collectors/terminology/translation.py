"""What a source's local codes mean in standard ones, by the concept maps in its folder."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from collectors.reading.codes import code_key, plain_code, undotted
from collectors.reading.wire import plain
from collectors.terminology.canonical import Canonical
from collectors.terminology.codeset import Key
from collectors.terminology.conceptmap import SAME, WIDER, Fallback, Statement, fallbacks, statements
from collectors.terminology.errors import DefinitionError
from collectors.terminology.shape import ConceptMap


@dataclass(frozen=True, slots=True)
class Translated:
    """A standard code that a local one is read as; ``wider``: it says less than the local one does."""

    key: Key
    wider: bool
    map: Canonical

    def told(self, local: Key) -> str:
        """For the reader of an answer."""
        sense = ", which is wider" if self.wider else ""
        read_as = f"{self.key[1]} of {self.key[0]}{sense}"
        return plain(f"the local code {local[1]} of {local[0]} was read as {read_as}, by ConceptMap {self.map}")


@dataclass(frozen=True, slots=True)
class Translation:
    """Local codes to standard ones.  ``refused`` counts, by relation, the targets that may not stand for their code."""

    targets: Mapping[Key, tuple[Translated, ...]] = field(default_factory=dict)
    systems: Mapping[str, tuple[Fallback, ...]] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)
    _locals: dict[Key, list[Key]] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        for local, targets in self.targets.items():
            for each in targets:
                self._locals.setdefault(code_key(*each.key), []).append(local)

    def of(self, system: str, code: str) -> tuple[Translated, ...]:
        """What a code stands for; nothing where no map says so."""
        found = self.targets.get((system, code))
        if found is not None:
            return found
        return tuple(
            Translated((each.target, code), False, each.map)
            for each in self.systems.get(system, ())
            if not each.fixed and code not in each.listed
        )

    def systems_of(self, codings: Iterable[Key]) -> frozenset[str]:
        """The systems in which an entry can be read: its own, and those that its codes are the same in.

        A wider code is none: the local one may mean something more special that is asked for.
        """
        if not self:
            return frozenset(system for system, _ in codings)
        found = set()
        for system, code in codings:
            found.add(system)
            found.update(each.key[0] for each in self.of(system, code) if not each.wider)
        return frozenset(found)

    def local(self, wanted: Iterable[Key]) -> tuple[Key, ...]:
        """The local codes that are read as one of these, in a stable order: a search must ask for them, too."""
        found: set[Key] = set()
        for system, code in wanted:
            found.update(self._locals.get(code_key(system, code), ()))
            for local in self.systems:
                # Where a dot makes no difference the source may write the code without it.
                for written in {code, plain_code(code)} if undotted(system) else {code}:
                    if any(each.key == (system, written) for each in self.of(local, written)):
                        found.add((local, written))
        return tuple(sorted(found))

    def __bool__(self) -> bool:
        return bool(self.targets or self.systems)


NOTHING = Translation()
"""No map: every code stands for itself alone."""


def translation(maps: Mapping[Canonical, tuple[str, ConceptMap]]) -> tuple[Translation, list[str]]:
    """All maps of a folder as one, and every fault with its file."""
    faults: list[str] = []
    said: list[Statement] = []
    rest: list[Fallback] = []
    for own, (file, resource) in maps.items():
        try:
            said += statements(own, resource)
            rest += fallbacks(own, resource, maps)
        except DefinitionError as error:
            faults.append(f"{file}: {error}")
    files = {own: file for own, (file, _) in maps.items()}
    faults += _contradictions(said, files) + _rivals(rest, files)
    targets: dict[Key, dict[Key, Translated]] = {}
    for each in said:
        held = targets.setdefault(each.source, {})
        if each.target is not None and each.relation in SAME | WIDER:
            known = held.get(each.target)
            if known is None or known.wider:
                held[each.target] = Translated(each.target, each.relation in WIDER, each.map)
    systems: dict[str, list[Fallback]] = {}
    for fallback in rest:
        systems.setdefault(fallback.source, []).append(fallback)
    refused = Counter(each.relation for each in said if each.relation not in SAME | WIDER)
    refused.update("fixed" for each in rest if each.fixed)
    return Translation(
        {local: tuple(held.values()) for local, held in targets.items()},
        {system: tuple(group) for system, group in systems.items()},
        dict(sorted(refused.items())),
    ), faults


def _contradictions(said: Iterable[Statement], files: Mapping[Canonical, str]) -> list[str]:
    """Codes that are said to mean two things, or to mean and not to mean one."""
    faults = []
    same: dict[tuple[Key, str], Statement] = {}
    relations: dict[tuple[Key, Key], Statement] = {}
    for each in said:
        if each.target is None:
            continue
        system, code = each.source
        if each.relation in SAME:
            first = same.setdefault((each.source, each.target[0]), each)
            if first.target != each.target:
                faults.append(
                    f"{files[each.map]}: {code} of {system} is said to be {each.target[1]} of {each.target[0]}, "
                    f"and in {files[first.map]} to be {first.target[1] if first.target else 'nothing'}"
                )
        before = relations.setdefault((each.source, each.target), each)
        if _kind(before.relation) != _kind(each.relation):
            faults.append(
                f"{files[each.map]}: the target {each.target[1]} of {code} of {system} is said to be {each.relation}, "
                f"and in {files[before.map]} to be {before.relation}"
            )
    return faults


def _kind(relation: str) -> str:
    return "same" if relation in SAME else "wider" if relation in WIDER else "not"


def _rivals(rest: Iterable[Fallback], files: Mapping[Canonical, str]) -> list[str]:
    held: dict[str, Fallback] = {}
    faults = []
    for each in rest:
        first = held.setdefault(each.source, each)
        if first is not each:
            rival = files[first.map]
            faults.append(f"{files[each.map]}: what holds for unlisted codes of {each.source} is said in {rival}, too")
    return faults

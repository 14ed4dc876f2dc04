"""What a source's local codes mean in standard ones."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from collectors.reading.codes import Key, code_key, plain_code, undotted
from collectors.reading.wire import plain


@dataclass(frozen=True, slots=True)
class Fallback:
    """What a map says of all codes of a system that it does not list: their ``target`` system has the same codes.

    ``listed`` are those that it does list.  ``fixed``: they all stand for one code, which translates nothing.
    ``map`` is the name (canonical) of the ConceptMap that says so.
    """

    source: str
    target: str
    listed: frozenset[str]
    fixed: bool
    map: str


@dataclass(frozen=True, slots=True)
class Translated:
    """A standard code that a local one is read as; ``wider``: it says less than the local one does.

    ``map`` is the name (canonical) of the ConceptMap that says so.
    """

    key: Key
    wider: bool
    map: str

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

"""Expansions that come in pages: put together in full, or refused with the reason."""

from dataclasses import dataclass, field

from collectors.reading.codes import Key
from collectors.terminology.canonical import Canonical
from collectors.terminology.codeset import CodeSet
from collectors.terminology.errors import DefinitionError, TooCostlyError
from collectors.terminology.expansion import listed, told_incomplete
from collectors.terminology.shape import ValueSet


@dataclass(slots=True)
class Pages:
    """The pages of one expansion, in the order of their offsets; ``most`` codes are taken at most."""

    wanted: Canonical
    most: int
    codes: dict[Key, str | None] = field(default_factory=dict)
    count: int = 0
    total: int | None = None
    version: str | None = None
    name: str | None = None
    _begun: bool = False

    def add(self, page: ValueSet) -> bool:
        """Takes the page that was asked for at offset ``count``; True once the expansion is complete.

        Without a total only an empty page tells that there is no more: servers may send fewer than were asked for.
        """
        expansion = page.expansion
        if expansion is None:
            raise self._fault("the answer has no expansion")
        self._same_set(page)
        if (reason := told_incomplete(expansion)) is not None:
            raise TooCostlyError(f"value set {self.wanted}: {reason}")
        if expansion.offset is not None and expansion.offset != self.count:
            raise self._fault(f"a page starts at {expansion.offset}, and was asked for from {self.count}")
        if self._begun and expansion.total != self.total:
            raise self._fault("its pages disagree on the total")
        codes, count = listed(expansion)
        self.total = expansion.total
        if any(key in self.codes for key in codes):
            raise self._fault("a page repeats codes of earlier ones, so that others may be missing")
        self._begun = True
        self.codes.update(codes)
        self.count += count
        if len(self.codes) > self.most:
            raise TooCostlyError(f"value set {self.wanted}: it has more than {self.most} codes")
        if self.total is None:
            return count == 0
        if self.count > self.total or (count == 0 and self.count < self.total):
            raise self._fault(f"its total is {self.total}, and {self.count} came")
        return self.count == self.total

    def whole(self) -> CodeSet:
        """The set, once it is complete."""
        if not self.codes:
            raise self._fault("it holds no codes")
        version = self.wanted.version or self.version or ""
        return CodeSet(Canonical(self.wanted.url, version), self.codes, self.name)

    def _same_set(self, page: ValueSet) -> None:
        if page.url is not None and page.url != self.wanted.url:
            raise self._fault("the answer is another value set")
        if page.version is not None and self.wanted.version and page.version != self.wanted.version:
            raise self._fault("the answer is another version of it")
        if self._begun and page.version != self.version:
            raise self._fault("its version changed between two pages")
        self.version = page.version
        self.name = page.title or page.name

    def _fault(self, text: str) -> DefinitionError:
        return DefinitionError(f"value set {self.wanted}: {text}")

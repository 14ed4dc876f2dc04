"""What searches need of terminology: the codes of value sets, and what a source calls them."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from collectors.errors import CollectorError
from collectors.facts import Failure
from collectors.needs import Search
from collectors.reading.records import Record
from collectors.reading.translation import NOTHING, Translation
from collectors.settings import Source
from collectors.terminology.coded import codes_in
from collectors.terminology.codeset import Codes
from collectors.terminology.concepts import filled, localised, sets_of
from collectors.terminology.errors import TooCostlyError
from collectors.terminology.library import Library
from collectors.terminology.prepared import Prepared, codes_for, failure_of
from collectors.terminology.service import TerminologyService
from collectors.terminology.sets import Sets
from ontology.concepts import Concept


class Terminology:
    """The concept maps of all sources (by source id), the value sets in files, and the terminology server, if any."""

    def __init__(
        self,
        translations: Mapping[str, Translation] | None = None,
        library: Library | None = None,
        service: TerminologyService | None = None,
    ) -> None:
        self._translations = dict(translations or {})
        self._sets = Sets(library or Library({}), service)
        self._filled: dict[str, tuple[Concept, tuple[Codes | None, ...], Concept]] = {}
        self._local: dict[tuple[str, str], tuple[Concept, Concept]] = {}

    def translation(self, source: Source) -> Translation:
        """What the source's local codes mean."""
        return self._translations.get(source.id, NOTHING)

    def local(self, concepts: Iterable[Concept], source: Source) -> tuple[Concept, ...]:
        """The concepts as the source has them, its local codes among those that they accept."""
        translation = self.translation(source)
        return tuple(self._localised(concept, source, translation) for concept in concepts)

    def warm(self, concepts: Iterable[Concept]) -> None:
        """Begins to ask the terminology server for the sets of these concepts."""
        self._sets.warm(_names(concepts))

    async def faults(self, concepts: Iterable[Concept], seconds: float) -> tuple[str, ...]:
        """Why sets of these concepts cannot be had now; one that is only too large to be expanded can."""
        names = _names(concepts)
        until = asyncio.get_running_loop().time() + seconds
        outcomes = await asyncio.gather(*(self._sets.find(name, until) for name in names))
        return tuple(
            f"value set {name}: {str(outcome).removeprefix(f'value set {name}: ')}"
            for name, outcome in zip(names, outcomes, strict=True)
            if isinstance(outcome, CollectorError) and not isinstance(outcome, TooCostlyError)
        )

    async def aclose(self) -> None:
        """Ends what is being asked of the terminology server."""
        await self._sets.aclose()

    async def prepare(self, search: Search, source: Source, until: float) -> Prepared:
        """The search as this source can be asked; never raises for what a terminology server does.

        ``until``: the end of the question, in the time of the event loop.
        """
        names = _names(search.concepts)
        if not names:
            return Prepared(self.written(search, search.concepts, source))
        outcomes = await asyncio.gather(*(self._sets.find(name, until) for name in names))
        sets, errors = _parted(dict(zip(names, outcomes, strict=True)))
        too_large = frozenset(name for name, error in errors.items() if isinstance(error, TooCostlyError))
        kept: list[Concept] = []
        failures: dict[str, Failure] = {}
        for concept in search.concepts:
            error = next((errors[name] for name in sets_of(concept) if name in errors and name not in too_large), None)
            if error is not None:
                failures[concept.id] = failure_of(concept, error)
            else:
                kept.append(self._filled_in(concept, sets))
        still_open = too_large & {name for concept in kept for name in sets_of(concept)}
        if still_open:
            # By none of their codes can such concepts be searched for: all records are, and sorted out here.
            return Prepared(replace(search, concepts=tuple(kept), codes=()), failures, still_open)
        return Prepared(self.written(search, kept, source), failures)

    async def settled(self, prepared: Prepared, records: Iterable[Record], source: Source, until: float) -> Prepared:
        """The search with its open sets settled for the codes that these records have."""
        if not prepared.open:
            return prepared
        translation = self.translation(source)
        met = codes_in(records)
        met |= {each.key for system, code in met for each in translation.of(system, code)}
        sets, errors = _parted({name: await self._sets.members(name, met, until) for name in sorted(prepared.open)})
        kept = []
        failures = dict(prepared.failures)
        for concept in prepared.search.concepts:
            failed = next((errors[name] for name in sets_of(concept) if name in errors), None)
            if failed is not None:
                failures[concept.id] = failure_of(concept, failed)
            else:
                kept.append(filled(concept, sets))
        # Not kept for other questions: which codes are in it tells what this patient's records have.
        made = tuple(localised(concept, translation) for concept in kept)
        search = replace(prepared.search, concepts=made, codes=codes_for(prepared.search, made))
        return Prepared(search, failures)

    def _filled_in(self, concept: Concept, sets: Mapping[str, Codes]) -> Concept:
        """Made once for as long as the sets are the same."""
        held = self._filled.get(concept.id)
        used = tuple(sets.get(name) for name in sets_of(concept))
        if held is None or held[0] is not concept or any(a is not b for a, b in zip(held[1], used, strict=True)):
            held = self._filled[concept.id] = (concept, used, filled(concept, sets))
        return held[2]

    def written(self, search: Search, concepts: Collection[Concept], source: Source) -> Search:
        """The search for these concepts (of which all sets are known), in the source's codes as well.

        Also for what clients are to hand in: a template without the source's local codes would miss their records.
        """
        translation = self.translation(source)
        if not translation and tuple(concepts) == search.concepts:
            return search
        made = self.local(concepts, source)
        return replace(search, concepts=made, codes=codes_for(search, made))

    def _localised(self, concept: Concept, source: Source, translation: Translation) -> Concept:
        """Made once for a concept as it stands in the catalog."""
        held = self._local.get((source.id, concept.id))
        if held is None or held[0] is not concept:
            held = self._local[source.id, concept.id] = (concept, localised(concept, translation))
        return held[1]


def _names(concepts: Iterable[Concept]) -> tuple[str, ...]:
    """The value sets of concepts, each once."""
    return tuple(dict.fromkeys(name for concept in concepts for name in sets_of(concept)))


def _parted(outcomes: Mapping[str, Codes | CollectorError]) -> tuple[dict[str, Codes], dict[str, CollectorError]]:
    """The sets that could be had, and why the others could not."""
    errors = {name: each for name, each in outcomes.items() if isinstance(each, CollectorError)}
    return {name: each for name, each in outcomes.items() if not isinstance(each, CollectorError)}, errors

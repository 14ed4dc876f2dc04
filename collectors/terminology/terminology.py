"""Prepares searches: with the codes of value sets, and with the local codes of a source."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from collectors.errors import CollectorError
from collectors.facts import Failure
from collectors.reading.codes import NO_TRANSLATION, Translation
from collectors.reading.records import Record
from collectors.search import Search
from collectors.settings import Source
from collectors.terminology.code_set import Codes, TooCostlyError
from collectors.terminology.concept_codes import add_local_codes, fill_value_sets, value_sets_of
from collectors.terminology.prepared_search import PreparedSearch, codes_in_records, retrieval_failure, search_codes
from collectors.terminology.value_set_library import ValueSetLibrary
from collectors.terminology.value_set_lookup import CachedTerminologyServer, ValueSets
from ontology.concepts import Concept


class Terminology:
    """The concept maps of all sources (by source id), the value sets in files, and the terminology server, if any."""

    def __init__(
        self,
        translations: Mapping[str, Translation] | None = None,
        library: ValueSetLibrary | None = None,
        service: CachedTerminologyServer | None = None,
    ) -> None:
        self._translations = dict(translations or {})
        self._sets = ValueSets(library or ValueSetLibrary({}), service)
        self._filled_concepts: dict[str, tuple[Concept, tuple[Codes | None, ...], Concept]] = {}
        self._local_concepts: dict[tuple[str, str], tuple[Concept, Concept]] = {}

    def translation(self, source: Source) -> Translation:
        """The translation of the source's local codes."""
        return self._translations.get(source.id, NO_TRANSLATION)

    def local_concepts(self, concepts: Iterable[Concept], source: Source) -> tuple[Concept, ...]:
        """The concepts as the source has them: with its local codes."""
        translation = self.translation(source)
        return tuple(self._with_local_codes(concept, source, translation) for concept in concepts)

    def warm(self, concepts: Iterable[Concept]) -> None:
        """Starts to request the value sets of these concepts from the terminology server."""
        self._sets.warm(_value_set_names(concepts))

    async def faults(self, concepts: Iterable[Concept], seconds: float) -> tuple[str, ...]:
        """Why value sets of these concepts cannot be retrieved now, within ``seconds``.

        A set that is only too large to expand is no fault.
        """
        names = _value_set_names(concepts)
        until = asyncio.get_running_loop().time() + seconds
        outcomes = await asyncio.gather(*(self._sets.find(name, until) for name in names))
        return tuple(
            f"value set {name}: {str(outcome).removeprefix(f'value set {name}: ')}"
            for name, outcome in zip(names, outcomes, strict=True)
            if isinstance(outcome, CollectorError) and not isinstance(outcome, TooCostlyError)
        )

    async def aclose(self) -> None:
        """Cancels the pending requests to the terminology server."""
        await self._sets.aclose()

    async def prepare(self, search: Search, source: Source, deadline: float) -> PreparedSearch:
        """The search as it can be sent to this source; failures of the terminology server are reported in it.

        ``deadline``: that of the question, in event-loop time.
        """
        names = _value_set_names(search.concepts)
        if not names:
            return PreparedSearch(self.in_source_codes(search, search.concepts, source))
        outcomes = await asyncio.gather(*(self._sets.find(name, deadline) for name in names))
        sets, errors = _split_errors(dict(zip(names, outcomes, strict=True)))
        too_large = frozenset(name for name, error in errors.items() if isinstance(error, TooCostlyError))
        kept: list[Concept] = []
        failures: dict[str, Failure] = {}
        for concept in search.concepts:
            error = next(
                (errors[name] for name in value_sets_of(concept) if name in errors and name not in too_large), None
            )
            if error is not None:
                failures[concept.id] = retrieval_failure(concept, error)
            else:
                kept.append(self._with_value_sets(concept, sets))
        still_open = too_large & {name for concept in kept for name in value_sets_of(concept)}
        if still_open:
            # Such concepts cannot be searched by code: all records are retrieved, and filtered here.
            return PreparedSearch(replace(search, concepts=tuple(kept), codes=()), failures, still_open)
        return PreparedSearch(self.in_source_codes(search, kept, source), failures)

    async def resolve_open_sets(
        self, prepared: PreparedSearch, records: Iterable[Record], source: Source, deadline: float
    ) -> PreparedSearch:
        """The search with its open sets resolved for the codes that occur in these records."""
        if not prepared.open_sets:
            return prepared
        translation = self.translation(source)
        keys = codes_in_records(records)
        keys |= {each.key for system, code in keys for each in translation.translate(system, code)}
        sets, errors = _split_errors(
            {name: await self._sets.members(name, keys, deadline) for name in sorted(prepared.open_sets)}
        )
        kept = []
        failures = dict(prepared.failures)
        for concept in prepared.search.concepts:
            failed = next((errors[name] for name in value_sets_of(concept) if name in errors), None)
            if failed is not None:
                failures[concept.id] = retrieval_failure(concept, failed)
            else:
                kept.append(fill_value_sets(concept, sets))
        # Never cached: the resolved codes reveal what this patient's records contain.
        resolved = tuple(add_local_codes(concept, translation) for concept in kept)
        search = replace(prepared.search, concepts=resolved, codes=search_codes(prepared.search, resolved))
        return PreparedSearch(search, failures)

    def _with_value_sets(self, concept: Concept, sets: Mapping[str, Codes]) -> Concept:
        """Cached for as long as the sets are the same objects."""
        cached = self._filled_concepts.get(concept.id)
        used = tuple(sets.get(name) for name in value_sets_of(concept))
        if cached is None or cached[0] is not concept or any(a is not b for a, b in zip(cached[1], used, strict=True)):
            cached = self._filled_concepts[concept.id] = (concept, used, fill_value_sets(concept, sets))
        return cached[2]

    def in_source_codes(self, search: Search, concepts: Collection[Concept], source: Source) -> Search:
        """The search for these concepts (all of whose sets are known), with the source's local codes.

        Prefetch templates use it, too: without the local codes they would miss the source's records.
        """
        translation = self.translation(source)
        if not translation and tuple(concepts) == search.concepts:
            return search
        local = self.local_concepts(concepts, source)
        return replace(search, concepts=local, codes=search_codes(search, local))

    def _with_local_codes(self, concept: Concept, source: Source, translation: Translation) -> Concept:
        """Cached for each concept of the catalog."""
        cached = self._local_concepts.get((source.id, concept.id))
        if cached is None or cached[0] is not concept:
            cached = self._local_concepts[source.id, concept.id] = (concept, add_local_codes(concept, translation))
        return cached[1]


def _value_set_names(concepts: Iterable[Concept]) -> tuple[str, ...]:
    """The value sets of concepts, each once."""
    return tuple(dict.fromkeys(name for concept in concepts for name in value_sets_of(concept)))


def _split_errors(outcomes: Mapping[str, Codes | CollectorError]) -> tuple[dict[str, Codes], dict[str, CollectorError]]:
    """The sets that were retrieved, and the errors of the others, both by name."""
    errors = {name: each for name, each in outcomes.items() if isinstance(each, CollectorError)}
    return {name: each for name, each in outcomes.items() if not isinstance(each, CollectorError)}, errors

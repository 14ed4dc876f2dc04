"""One question to one source about one of its patient records: its searches, and the records that these reference.

A search is answered from supplied records, over the full window, or newest first where that is enough.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from collectors import assembly
from collectors.assembly import Draft
from collectors.collector import NeededReferences, ReferencedRecords, begin_reading
from collectors.errors import CollectorError, NotSuppliedError, SourceAnswerError
from collectors.facts import Failure
from collectors.fetching.query import Parameters, find_ignored_parameters, id_queries, patient_query, search_queries
from collectors.fetching.search_result import SearchResult
from collectors.fetching.transport import NotFoundError
from collectors.gathering.issues import add_failure_issue, add_search_issues
from collectors.gathering.newest_records import insufficient_concepts, narrow_search, retrieve_newest
from collectors.gathering.sender import Sender
from collectors.gathering.source_ability import SourceAbility, type_not_offered
from collectors.reading.records import Record, newest_versions
from collectors.search import Search
from collectors.strategy.strategy import SearchStrategy
from collectors.supplied_records import SuppliedRecords
from collectors.terminology.prepared_search import PreparedSearch
from collectors.terminology.terminology import Terminology
from ontology.concepts import Origin
from ontology.values import AbsentReason


class SourceRequests:
    """Of one question to one source; without a ``sender`` none is made, and each fails as not handed in."""

    def __init__(self, sender: Sender | None, draft: Draft) -> None:
        self._sender = sender
        self._draft = draft

    @property
    def offline(self) -> bool:
        """Whether none can be made."""
        return self._sender is None

    async def fetch_newest(
        self, collector: str, strategy: SearchStrategy, resource_type: str, queries: Sequence[Parameters]
    ) -> SearchResult:
        """The newest records only, by one request."""
        if self._sender is None:
            raise _not_supplied(resource_type)
        return await self._sender.search_newest(collector, strategy, resource_type, queries)

    async def fetch_search(
        self, search: Search, requests: tuple[Parameters, ...], links: list[str | None] | None = None
    ) -> list[Record]:
        """All records of the requests for a search; what is missing of them is noted as a failure beside them."""
        description = search.description
        records, missing = await self.fetch_records(
            description.id, description.resource_type, requests, description.origin, links
        )
        if missing is not None:
            self._draft.add_failure(search, missing)
        return records

    async def fetch_records(
        self,
        collector: str,
        resource_type: str,
        requests: tuple[Parameters, ...],
        origin: Origin | None = None,
        links: list[str | None] | None = None,
    ) -> tuple[list[Record], Failure | None]:
        """All records of the requests, and what is missing; CollectorError if one fails or the deadline passes.

        ``links`` takes up the server's own links to the searches.
        """
        outcomes = await asyncio.gather(*(self._fetch(collector, resource_type, sent) for sent in requests))
        for outcome in outcomes:
            if isinstance(outcome, CollectorError):
                raise outcome
        fetched = [outcome for outcome in outcomes if isinstance(outcome, SearchResult)]
        if links is not None:
            links.extend(each.self_link for each in fetched)
        missing = add_search_issues(self._draft, fetched, resource_type)
        raws = (raw for each in fetched for raw in each.records)
        return assembly.read_records(raws, resource_type, self._draft, origin), missing

    async def _fetch(self, collector: str, resource_type: str, parameters: Parameters) -> SearchResult | CollectorError:
        if self._sender is None:
            return _not_supplied(resource_type)
        try:
            return await self._sender.search(collector, resource_type, parameters)
        except CollectorError as error:
            return error


def _not_supplied(resource_type: str) -> NotSuppliedError:
    return NotSuppliedError(f"no complete set of {resource_type} records was handed in")


class SourceSearches:
    """Of one question to one source.  Every method raises CollectorError where records cannot be had."""

    narrowed_searches: tuple[Search, ...] = ()
    """Searches of which only the newest records were asked for, as of the death that this source knows of, if any."""

    def __init__(
        self,
        requests: SourceRequests,
        draft: Draft,
        ability: SourceAbility,
        supplied: SuppliedRecords,
        patient_read: asyncio.Event,
    ) -> None:
        self._requests = requests
        self._draft = draft
        self._ability = ability
        self._supplied = supplied
        self._patient_read = patient_read

    async def retrieve(self, search: Search, at: datetime) -> list[Record]:
        """The records of one search of the plan: all in its window, or the newest where these decide."""
        setting = self._draft.context
        description = search.description
        if (raws := self._supplied.records_for(search)) is not None:
            return assembly.read_records(raws, description.resource_type, self._draft, description.origin)
        if self._requests.offline:
            raise NotSuppliedError(self._supplied.missing_reason(search))
        if description.origin is Origin.PATIENT:
            own = patient_query(setting.source, setting.patient, description.patient_parameter)
            return await self._requests.fetch_search(search, (own,))
        way = self._ability.strategy_for(search, at)
        return await (
            self.retrieve_window(search, at)
            if way is SearchStrategy.WINDOWED
            else self._retrieve_newest(search, at, way)
        )

    async def _retrieve_newest(self, search: Search, at: datetime, strategy: SearchStrategy) -> list[Record]:
        """The newest records, and those in the window of the concepts for which these do not decide."""
        setting = self._draft.context
        description = search.description
        try:
            fetch = partial(self._requests.fetch_newest, description.id, strategy)
            fetched, ends = await retrieve_newest(search, at, strategy, setting, self._ability.capability, fetch)
        except SourceAnswerError:
            self._ability.distrust(strategy)
            return await self.retrieve_window(search, at)
        if fetched.missing:
            # With a part missing it cannot be told from when on nothing is.
            self._draft.requests += fetched.requests
            return await self.retrieve_window(search, at)
        add_search_issues(self._draft, (fetched,), description.resource_type)
        records = assembly.read_records(fetched.records, description.resource_type, self._draft, description.origin)
        await self._patient_read.wait()
        death = self._draft.death
        left = insufficient_concepts(records, ends, search, setting, at if death is None else min(at, death.end))
        if left:
            records = newest_versions([*records, *await self.retrieve_window(narrow_search(search, left), at)])
        self.narrowed_searches += (search,)
        return records

    async def retrieve_window(self, search: Search, at: datetime) -> list[Record]:
        """All records in the window, and what they teach of the source."""
        setting = self._draft.context
        description = search.description
        sent = search_queries(search, setting.source, setting.patient, at, self._ability.capability)
        links: list[str | None] = []
        try:
            records = await self._requests.fetch_search(search, sent, links)
        except SourceAnswerError:
            # Some want a code beside the patient whatever they declare: asked once more, with all that narrows.
            plain = search_queries(search, setting.source, setting.patient, at, None, most_codes=None)
            if plain == sent:
                raise
            sent, links = plain, []
            records = await self._requests.fetch_search(search, sent, links)
        seen = find_ignored_parameters(search, sent, links, records)
        self._ability.observed.ignored_parameters.update((description.resource_type, name) for name in seen.parameters)
        if (issue := seen.issue(description.resource_type)) is not None:
            self._draft.issues.append(issue)
        if not self._draft.has_failure(search):
            self._ability.add_evidence(search, at, setting, records)
        return records


async def fetch_references(
    needed: NeededReferences,
    collector: str,
    requests: SourceRequests,
    draft: Draft,
    ability: SourceAbility,
    supplied: SuppliedRecords,
) -> ReferencedRecords:
    """What was handed in of them, and the rest as it is fetched; what fails is told there, and as an issue."""
    records: dict[str, tuple[Record, ...]] = {}
    failures: dict[str, Failure] = {}
    setting = draft.context
    for resource_type, ids in needed.items():
        given, ids = supplied.find_references(resource_type, ids)
        held = tuple(assembly.read_records(given, resource_type, draft))
        if held or (ids is not None and not ids):
            records[resource_type] = held
        if ids is not None and not ids:
            continue
        if ability.lacks_type(resource_type):
            failures[resource_type], issue = type_not_offered(resource_type)
            draft.issues.append(issue)
            continue
        if ids is None:
            sent: tuple[Parameters, ...] = (patient_query(setting.source, setting.patient, "patient"),)
        else:
            sent = id_queries(setting.source, ids)
        try:
            found, missing = await requests.fetch_records(collector, resource_type, sent)
            records[resource_type] = (*held, *found)
            if missing is not None:
                failures[resource_type] = missing
        except CollectorError as error:
            failures[resource_type] = add_failure_issue(draft, resource_type, error)
    return ReferencedRecords(records, failures)


class SourceQuestion:
    """One question to one source; without a ``sender`` there is nothing but what was handed in."""

    patient_record: Record | None = None
    """The patient's own record, once it was read."""

    def __init__(
        self,
        sender: Sender | None,
        draft: Draft,
        until: float,
        ability: SourceAbility | None = None,
        patient_asked: bool = True,
        terminology: Terminology | None = None,
        supplied: SuppliedRecords | None = None,
    ) -> None:
        self._supplied = supplied or SuppliedRecords()
        self._ability = ability or SourceAbility()
        self._patient_read = asyncio.Event()
        if not patient_asked:
            self._patient_read.set()
        self._draft = draft
        self._until = until
        self._terminology = terminology or Terminology()
        self._requests = SourceRequests(sender, draft)
        self._searches = SourceSearches(self._requests, draft, self._ability, self._supplied, self._patient_read)

    @property
    def narrowed_searches(self) -> tuple[Search, ...]:
        """Searches of which only the newest records were asked for."""
        return self._searches.narrowed_searches

    async def search(self, search: Search, at: datetime) -> None:
        """One search; its failure is noted, and raised only where there is no such patient."""
        resource_type = search.description.resource_type
        own = search.description.origin is Origin.PATIENT
        if self._ability.lacks_type(resource_type) and self._supplied.records_for(search) is None:
            failure, issue = type_not_offered(resource_type)
            self._draft.add_missing_type(search, failure)
            self._draft.issues.append(issue)
            return
        try:
            await self._retrieve_and_read(search, at, own)
        finally:
            if own:
                self._patient_read.set()

    async def _retrieve_and_read(self, search: Search, at: datetime, own: bool) -> None:
        source = self._draft.context.source
        prepared = await self._terminology.prepare(search, source, self._until)
        search = self._searchable(prepared)
        if not search.concepts and not own:
            return
        try:
            records = await self._searches.retrieve(search, at)
        except NotFoundError as error:
            if own:
                assembly.check_patient(self._draft, ())
            self._add_failure(search, error)
            return
        except CollectorError as error:
            failure = self._add_failure(search, error)
            if own:
                self._draft.patient_failure = failure
            return
        if own and not self._draft.has_failure(search):
            assembly.check_patient(self._draft, records)
        elif own and not assembly.contains_patient(self._draft, records):
            # It may be among what did not come: then this is no "there is no such patient".
            text = "Patient could not be had: what the source sent is not whole."
            self._draft.patient_failure = Failure(AbsentReason.UNREACHABLE, text)
            return
        if prepared.open_sets:
            prepared = await self._terminology.resolve_open_sets(prepared, records, source, self._until)
            search = self._searchable(prepared)
        if own:
            self.patient_record = next(record for record in records if record.ref.id == self._draft.context.patient)
        await self.read_records(search, records)

    async def widen(self, search: Search, at: datetime) -> None:
        """Asks for all records of a search of which only the newest were asked for."""
        try:
            records = await self._searches.retrieve_window(search, at)
        except CollectorError as error:
            self._add_failure(search, error)
            return
        await self.read_records(search, records)

    async def read_records(self, search: Search, records: list[Record]) -> None:
        """Reads the records of a search that came, with what is needed beside them."""
        setting = self._draft.context
        if self._supplied.records_for(search) is not None:
            setting = replace(setting, subject_references=setting.subject_references | self._supplied.aliases)
        begun = begin_reading(records, search, setting)
        held = await fetch_references(
            begun.needed_references, search.description.id, self._requests, self._draft, self._ability, self._supplied
        )
        self._draft.add_readout(begun.finish(held), search)

    async def fetch_patients(self, requests: tuple[Parameters, ...]) -> list[Record]:
        """Patient records, whosever they are; CollectorError where they did not all come."""
        records, missing = await self._requests.fetch_records("patient", "Patient", requests)
        if missing is not None:
            raise SourceAnswerError(missing.text.rstrip("."))
        return records

    def _searchable(self, prepared: PreparedSearch) -> Search:
        """The search for the concepts whose codes are known; of the others it is noted why they are not."""
        for concept, failure in prepared.failures.items():
            self._draft.add_concept_failure(concept, failure)
        return prepared.search

    def _add_failure(self, search: Search, error: CollectorError) -> Failure:
        failure = add_failure_issue(self._draft, search.description.resource_type, error)
        self._draft.add_failure(search, failure)
        return failure

"""One question to one source about one of its patient records: its searches, and the records that these reference."""

import asyncio
from dataclasses import replace
from datetime import datetime
from functools import partial

from collectors import assembly
from collectors.assembly import Draft
from collectors.collector import NeededReferences, ReferencedRecords, begin_reading
from collectors.errors import CollectorError, NotSuppliedError, ScopeError, SourceAnswerError, SourceRefusedError
from collectors.facts import Failure
from collectors.fetching.access import Target, WithheldAccess
from collectors.fetching.query import (
    Parameters,
    find_ignored_parameters,
    id_queries,
    patient_query,
    search_queries,
    target_queries,
)
from collectors.fetching.search_result import SearchResult
from collectors.fetching.transport import NotFoundError
from collectors.gathering.issues import add_failure_issue, add_search_issues
from collectors.gathering.newest_records import insufficient_concepts, narrow_search, retrieve_newest
from collectors.gathering.sender import Sender
from collectors.gathering.source_ability import SourceAbility, is_patient_search, type_not_offered
from collectors.reading.records import Record, newest_versions
from collectors.search import Search
from collectors.strategy.strategy import SearchStrategy
from collectors.supplied_records import SuppliedRecords
from collectors.terminology.prepared_search import PreparedSearch
from collectors.terminology.terminology import Terminology
from ontology.concepts import Origin
from ontology.evaluation import Issue, Severity
from ontology.values import AbsentReason
from ontology.words.lists import count_words

PROVENANCE = "Provenance"
"""The one type that is asked for by what it is about, not by its own ids: ``NeededReferences`` has those."""


class SourceQuestion:
    """Decides for each search of one question how one source answers it, and adds what it gives to the draft.

    A search is answered by supplied records, by the newest records where these are sufficient, or by all in the window.
    What fails is a failure of the concepts concerned and an issue; a search raises PatientNotFoundError alone.

    ``sender`` None: nothing can be requested, and what was not supplied fails.  ``until`` is the deadline, on the clock
    of the event loop.  ``patient_asked``: the patient's own record is among the searches; deaths are then judged once
    it has been read.
    """

    def __init__(
        self,
        target: Target,
        sender: Sender | None,
        draft: Draft,
        ability: SourceAbility,
        until: float,
        terminology: Terminology,
        supplied: SuppliedRecords | None = None,
        patient_asked: bool = True,
    ) -> None:
        self.target = target
        self.draft = draft
        self.ability = ability
        self.patient_record: Record | None = None
        """The patient's own record, once it was read."""
        self.narrowed_searches: tuple[Search, ...] = ()
        """Searches of which only the newest records were requested, as of the death that this source records."""
        self._sender = sender
        self._until = until
        self._terminology = terminology
        self._supplied = supplied or SuppliedRecords()
        self._patient_read = asyncio.Event()
        if not patient_asked:
            self._patient_read.set()

    async def search(self, search: Search, at: datetime) -> None:
        """One search; its failure is noted, and raised only where there is no such patient (PatientNotFoundError)."""
        resource_type = search.description.resource_type
        own = is_patient_search(search)
        if self.ability.lacks_type(resource_type) and self._supplied.records_for(search) is None:
            failure, issue = type_not_offered(resource_type)
            self.draft.add_missing_type(search, failure)
            if search.description.origin is not Origin.LIST:
                self.draft.issues.append(issue)
            return
        try:
            await self._retrieve_and_read(search, at, own)
        finally:
            if own:
                self._patient_read.set()

    async def widen(self, search: Search, at: datetime) -> None:
        """Requests all records of a search of which only the newest were requested."""
        try:
            records = await self._retrieve_window(search, at)
        except CollectorError as error:
            self._add_failure(search, error)
            return
        await self.read_records(search, records)

    async def read_records(self, search: Search, records: list[Record]) -> None:
        """Reads the records of a search, and those that they refer to, into the draft."""
        context = self.draft.context
        if self._sender is None or self._supplied.records_for(search) is not None:
            context = replace(context, subject_references=context.subject_references | self._supplied.aliases)
        reading = begin_reading(records, search, context)
        references = await self._retrieve_references(reading.needed_references, search)
        self.draft.add_readout(reading.finish(references), search, records)

    def _report_left_out(self, resource_type: str, origin: Origin) -> None:
        """Reports supplied records of persons who are not among those supplied; they rule nothing out."""
        if count := self._supplied.left_out.get(resource_type, 0):
            text = f"{count_words(count, f'{resource_type} record')} left out: of a person who is not in the Bundle"
            self.draft.issues.append(Issue(Severity.WARNING, "wrong-subject", text))
            self.draft.count_hidden(origin, count)

    async def fetch_patients(self, requests: tuple[Parameters, ...]) -> list[Record]:
        """Patient records, whosever they are; CollectorError where they did not all come."""
        records, missing = await self._fetch_records("patient", "Patient", requests)
        if missing is not None:
            raise SourceAnswerError(missing.text.rstrip("."))
        return records

    async def _retrieve_and_read(self, search: Search, at: datetime, own: bool) -> None:
        source = self.draft.context.source
        prepared = await self._terminology.prepare(search, source, self._until)
        search = self._searchable(prepared)
        if not search.concepts and not own:
            return
        try:
            records = await self._retrieve(search, at)
        except NotFoundError as error:
            if own:
                assembly.check_patient(self.draft, ())
            self._add_failure(search, error)
            return
        except CollectorError as error:
            failure = self._add_failure(search, error)
            if own:
                self.draft.patient_failure = failure
            return
        if own and not self.draft.has_failure(search):
            assembly.check_patient(self.draft, records)
        elif own and not assembly.contains_patient(self.draft, records):
            # It may be among what did not come: then this is no "there is no such patient".
            text = "Patient could not be retrieved: what the source sent is not complete."
            self.draft.patient_failure = Failure(AbsentReason.UNREACHABLE, text)
            return
        if prepared.open_sets:
            prepared = await self._terminology.resolve_open_sets(prepared, records, source, self._until)
            search = self._searchable(prepared)
        if own:
            self.patient_record = next(record for record in records if record.ref.id == self.draft.context.patient)
        await self.read_records(search, records)

    def _searchable(self, prepared: PreparedSearch) -> Search:
        """The search for the concepts whose codes are known; for the others it is noted why they are not."""
        for concept, failure in prepared.failures.items():
            self.draft.add_concept_failure(concept, failure)
        return prepared.search

    async def _retrieve(self, search: Search, at: datetime) -> list[Record]:
        """The records of one search of the plan: all in its window, or the newest where these are sufficient.

        Raises CollectorError where they are unavailable, as all that follows.
        """
        context = self.draft.context
        description = search.description
        if not description.comes_with_question:
            self._report_left_out(description.resource_type, description.origin)
        if (raws := self._supplied.records_for(search)) is not None:
            return assembly.read_records(raws, description.resource_type, self.draft, description.origin)
        if self._sender is None:
            return self._read_partial(search)
        if description.origin is Origin.PATIENT:
            own = patient_query(context.source, context.patient, description.patient_parameter)
            return await self._fetch_search(search, (own,))
        strategy = self.ability.strategy_for(search, at)
        # The newest of a bare code may all be of another system.
        if strategy is SearchStrategy.WINDOWED or context.source.bare_codes:
            return await self._retrieve_window(search, at)
        return await self._retrieve_newest(self._sender, search, at, strategy)

    def _read_partial(self, search: Search) -> list[Record]:
        """The supplied records of a search of which others may exist; NotSuppliedError where there are none.

        That others are missing is a failure of its concepts, and no issue of the question: a slot reports it where it
        could matter.
        """
        description = search.description
        raws = self._supplied.partial_records(description.resource_type)
        if not raws:
            raise NotSuppliedError(self._missing_reason(search))
        self.draft.add_failure(search, self._partial_supply(description.resource_type))
        return assembly.read_records(raws, description.resource_type, self.draft, description.origin)

    def _missing_reason(self, search: Search) -> str:
        """Why the records of a search were not supplied, and why they cannot be fetched."""
        access, reason = self.target.access, self._supplied.missing_reason(search)
        return f"{reason}; nothing was fetched: {access.reason}" if isinstance(access, WithheldAccess) else reason

    def _partial_supply(self, resource_type: str) -> Failure:
        text = f"{resource_type} records may be missing: {self._supplied.missing_type_reason(resource_type)}."
        return Failure(AbsentReason.NOT_QUERIED, text, partial_supply=True)

    async def _retrieve_newest(
        self, sender: Sender, search: Search, at: datetime, strategy: SearchStrategy
    ) -> list[Record]:
        """The newest records, and those in the window of the concepts for which these are not sufficient."""
        context = self.draft.context
        description = search.description
        try:
            send = partial(sender.search_newest, description.id, strategy)
            result, ends = await retrieve_newest(search, at, strategy, context, self.ability.capability, send)
        except SourceAnswerError:
            self.ability.distrust(strategy)
            return await self._retrieve_window(search, at)
        if result.missing:
            # With a part missing it is unknown from when on nothing is.
            self.draft.requests += result.requests
            return await self._retrieve_window(search, at)
        add_search_issues(self.draft, (result,), description.resource_type)
        records = assembly.read_records(result.records, description.resource_type, self.draft, description.origin)
        await self._patient_read.wait()
        death = self.draft.death
        left = insufficient_concepts(records, ends, search, context, at if death is None else min(at, death.end))
        if left:
            records = newest_versions([*records, *await self._retrieve_window(narrow_search(search, left), at)])
        self.narrowed_searches += (search,)
        return records

    async def _retrieve_window(self, search: Search, at: datetime) -> list[Record]:
        """All records in the window; what they show of the source is noted in its ability."""
        context = self.draft.context
        description = search.description
        sent = search_queries(search, context.source, context.patient, at, self.ability.capability)
        links: list[str | None] = []
        try:
            records = await self._fetch_search(search, sent, links)
        except SourceAnswerError:
            # Some require a code beside the patient whatever they declare: requested once more, with all that narrows.
            plain = search_queries(search, context.source, context.patient, at, None, most_codes=None)
            if plain == sent:
                raise
            sent, links = plain, []
            records = await self._fetch_search(search, sent, links)
        seen = find_ignored_parameters(search, sent, links, records, context.source.bare_codes)
        self.ability.observed.ignored_parameters.update((description.resource_type, name) for name in seen.parameters)
        if (issue := seen.issue(description.resource_type)) is not None:
            self.draft.issues.append(issue)
        if not self.draft.has_failure(search) and not context.source.bare_codes:
            self.ability.add_evidence(search, at, context, records)
        return records

    async def _retrieve_references(self, needed: NeededReferences, search: Search) -> ReferencedRecords:
        """Those of the referenced records that were supplied, and the rest as fetched; what fails is also an issue."""
        records: dict[str, tuple[Record, ...]] = {}
        failures: dict[str, Failure] = {}
        source, patient = self.draft.context.source, self.draft.context.patient
        collector, of_drafts = search.description.id, search.description.comes_with_question
        for resource_type, ids in needed.items():
            if resource_type == PROVENANCE and ids is not None:
                records[resource_type] = await self._retrieve_provenance(ids, collector)
                continue
            given, ids = self._supplied.find_references(resource_type, ids, of_drafts)
            all_offline = ids is None and self._sender is None
            if all_offline:
                given = self._supplied.partial_records(resource_type)
            held = tuple(assembly.read_records(given, resource_type, self.draft))
            complete = ids is not None and not ids
            if held or complete:
                records[resource_type] = held
            if complete:
                continue
            if self.ability.lacks_type(resource_type):
                failures[resource_type], issue = type_not_offered(resource_type)
                self.draft.issues.append(issue)
                continue
            if all_offline and held:
                failures[resource_type] = failure = self._partial_supply(resource_type)
                self.draft.issues.append(Issue(Severity.WARNING, "not-handed-in", failure.text))
                continue
            sent = (patient_query(source, patient, "patient"),) if ids is None else id_queries(source, ids)
            try:
                if all_offline:
                    raise NotSuppliedError(self._supplied.missing_type_reason(resource_type))
                found, missing = await self._fetch_records(collector, resource_type, sent)
            except CollectorError as error:
                failures[resource_type] = add_failure_issue(self.draft, resource_type, error)
                continue
            records[resource_type] = (*held, *found)
            if missing is not None:
                failures[resource_type] = missing
        return ReferencedRecords(records, failures)

    async def _retrieve_provenance(self, lists: frozenset[str], collector: str) -> tuple[Record, ...]:
        """The Provenance of these lists, supplied or fetched; what fails is no issue, since no answer needs it."""
        supplied = self._supplied.all_records.get(PROVENANCE, ())
        held = tuple(assembly.read_records(supplied, PROVENANCE, self.draft))
        if self._sender is None or self.ability.lacks_type(PROVENANCE):
            return held
        try:
            requests = target_queries(self.draft.context.source, "List", lists)
            found, _ = await self._fetch_records(collector, PROVENANCE, requests)
        except CollectorError as error:
            self._report_uncovered(PROVENANCE, error)
            return held
        return (*held, *found)

    async def _fetch_search(
        self, search: Search, requests: tuple[Parameters, ...], links: list[str | None] | None = None
    ) -> list[Record]:
        """All records of the requests for a search; what is missing of them is noted as its failure."""
        description = search.description
        records, missing = await self._fetch_records(
            description.id, description.resource_type, requests, description.origin, links
        )
        if missing is not None:
            self.draft.add_failure(search, missing)
        return records

    async def _fetch_records(
        self,
        collector: str,
        resource_type: str,
        requests: tuple[Parameters, ...],
        origin: Origin | None = None,
        links: list[str | None] | None = None,
    ) -> tuple[list[Record], Failure | None]:
        """All records of the requests, and what is missing; CollectorError if one fails or the deadline passes.

        The server's own links to the searches are added to ``links``.
        """
        outcomes = await asyncio.gather(*(self._fetch(collector, resource_type, each) for each in requests))
        for outcome in outcomes:
            if isinstance(outcome, CollectorError):
                raise outcome
        results = [outcome for outcome in outcomes if isinstance(outcome, SearchResult)]
        if links is not None:
            links.extend(each.self_link for each in results)
        missing = add_search_issues(self.draft, results, resource_type)
        raws = (raw for each in results for raw in each.records)
        return assembly.read_records(raws, resource_type, self.draft, origin), missing

    async def _fetch(self, collector: str, resource_type: str, parameters: Parameters) -> SearchResult | CollectorError:
        """The result of one request, or its error: the others beside it are not cut off by that."""
        if self._sender is None:
            return NotSuppliedError(f"no complete set of {resource_type} records was supplied")
        try:
            return await self._sender.search(collector, resource_type, parameters)
        except CollectorError as error:
            return error

    def _report_uncovered(self, resource_type: str, error: CollectorError) -> None:
        """Reports a type that no answer needs, where the caller's own scopes leave it out."""
        if isinstance(error, ScopeError):
            text = f"{resource_type} could not be retrieved: {error}."
            self.draft.issues.append(Issue(Severity.INFORMATION, "scope-missing", text))

    def _add_failure(self, search: Search, error: CollectorError) -> Failure:
        if search.description.origin is Origin.LIST:
            # No answer needs a list: what it would show is missing, and is reported where it could matter.
            permitted = not isinstance(error, SourceRefusedError)
            reason = AbsentReason.UNREACHABLE if permitted else AbsentReason.NOT_PERMITTED
            failure = Failure(reason, f"List could not be retrieved: {error}.")
            self._report_uncovered("List", error)
        else:
            failure = add_failure_issue(self.draft, search.description.resource_type, error)
        self.draft.add_failure(search, failure)
        return failure

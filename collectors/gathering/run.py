"""One question to one source about one of its patient records: searches, pages, readers, all within one deadline."""

import asyncio
from dataclasses import replace
from datetime import datetime
from functools import partial

from collectors import assemble
from collectors.collector import Beside, Wants, begin
from collectors.errors import CollectorError, NotHandedInError, SourceAnswerError, SourceRefusedError
from collectors.facts import Failure
from collectors.fetching.client import Fetched
from collectors.fetching.ignored import noticed
from collectors.fetching.search import Parameters, by_ids, queries, simple_query
from collectors.fetching.strategy import Way
from collectors.fetching.transport import NotThereError
from collectors.gathering.ability import Ability, not_offered
from collectors.gathering.latest import narrowed, newest_records, unsettled
from collectors.gathering.noting import note
from collectors.gathering.sending import Sender
from collectors.handed import HandedIn
from collectors.needs import Search
from collectors.reading.records import Record, newest
from collectors.terminology.prepared import Prepared
from collectors.terminology.terminology import Terminology
from ontology.concepts import Origin
from ontology.evaluation import Issue, Severity
from ontology.values import AbsentReason

_Outcome = Fetched | CollectorError


class Run:
    """One question to one source; without a ``sender`` there is nothing but what was handed in."""

    own: Record | None = None
    """The patient's own record, once it was read."""
    narrowed: tuple[Search, ...] = ()
    """Searches of which only the newest records were asked for, as of the death that this source knows of, if any."""

    def __init__(
        self,
        sender: Sender | None,
        draft: assemble.Draft,
        until: float,
        ability: Ability | None = None,
        patient_asked: bool = True,
        terminology: Terminology | None = None,
        handed: HandedIn | None = None,
    ) -> None:
        self._sender = sender
        self._handed = handed or HandedIn()
        self._ability = ability or Ability()
        self._patient_read = asyncio.Event()
        if not patient_asked:
            self._patient_read.set()
        self._draft = draft
        self._until = until
        self._terminology = terminology or Terminology()

    async def search(self, search: Search, at: datetime) -> None:
        """One search; its failure is noted, and raised only where there is no such patient."""
        resource_type = search.description.resource_type
        own = search.description.origin is Origin.PATIENT
        if self._ability.lacks(resource_type) and self._handed.of(search) is None:
            failure, issue = not_offered(resource_type)
            self._draft.lack(search, failure)
            self._draft.issues.append(issue)
            return
        try:
            await self._search(search, at, own)
        finally:
            if own:
                self._patient_read.set()

    async def _search(self, search: Search, at: datetime, own: bool) -> None:
        resource_type = search.description.resource_type
        source = self._draft.setting.source
        prepared = await self._terminology.prepare(search, source, self._until)
        search = self._known(prepared)
        if not search.concepts and not own:
            return
        try:
            records = await self._all_of(search, at)
        except NotThereError as error:
            if own:
                assemble.check_patient(self._draft, ())
            self._failed(search, resource_type, error)
            return
        except CollectorError as error:
            self._failed(search, resource_type, error)
            return
        if own and not self._draft.failed(search):
            assemble.check_patient(self._draft, records)
        elif own and not assemble.holds_patient(self._draft, records):
            # It may be among what did not come: then this is no "there is no such patient".
            return
        if prepared.open:
            prepared = await self._terminology.settled(prepared, records, source, self._until)
            search = self._known(prepared)
        if own:
            self.own = next(record for record in records if record.ref.id == self._draft.setting.patient)
        await self.take(search, records)

    async def widen(self, search: Search, at: datetime) -> None:
        """Asks for all records of a search of which only the newest were asked for."""
        try:
            records = await self._windowed(search, at)
        except CollectorError as error:
            self._failed(search, search.description.resource_type, error)
            return
        await self.take(search, records)

    async def take(self, search: Search, records: list[Record]) -> None:
        """Reads the records of a search that came, with what is needed beside them."""
        setting = self._draft.setting
        if self._handed.of(search) is not None:
            setting = replace(setting, subjects=setting.subjects | self._handed.aliases)
        begun = begin(records, search, setting)
        self._draft.take(begun.finish(await self._beside(begun.wants, search.description.id)), search)

    async def patients(self, requests: tuple[Parameters, ...]) -> list[Record]:
        """Patient records, whosever they are; CollectorError where they did not all come."""
        records, missing = await self._records("patient", "Patient", requests)
        if missing is not None:
            raise SourceAnswerError(missing.text.rstrip("."))
        return records

    def _known(self, prepared: Prepared) -> Search:
        """The search for the concepts whose codes are known; of the others it is noted why they are not."""
        for concept, failure in prepared.failures.items():
            self._draft.fail_concept(concept, failure)
        return prepared.search

    async def _all_of(self, search: Search, at: datetime) -> list[Record]:
        """The records of one search of the plan: all in its window, or the newest where these decide."""
        setting = self._draft.setting
        description = search.description
        if (raws := self._handed.of(search)) is not None:
            return assemble.records_of(raws, description.resource_type, self._draft, description.origin)
        if self._sender is None:
            raise NotHandedInError(self._handed.reason(search))
        if description.origin is Origin.PATIENT:
            own = simple_query(setting.source, setting.patient, description.patient_parameter)
            return await self._records_for(search, (own,))
        way = self._ability.way(search, at)
        if way is Way.WINDOWED:
            return await self._windowed(search, at)
        try:
            fetched, ends = await newest_records(
                search, at, way, setting, self._ability.capability, partial(self._sender.newest, description.id, way)
            )
        except SourceAnswerError:
            self._ability.distrust(way)
            return await self._windowed(search, at)
        if fetched.lacking:
            # With a part missing it cannot be told from when on nothing is.
            self._draft.requests += fetched.requests
            return await self._windowed(search, at)
        note(self._draft, (fetched,), description.resource_type)
        records = assemble.records_of(fetched.records, description.resource_type, self._draft, description.origin)
        await self._patient_read.wait()
        death = self._draft.death
        left = unsettled(records, ends, search, setting, at if death is None else min(at, death.end))
        if left:
            records = newest([*records, *await self._windowed(narrowed(search, left), at)])
        self.narrowed += (search,)
        return records

    async def _windowed(self, search: Search, at: datetime) -> list[Record]:
        """All records in the window, and what they teach of the source."""
        setting = self._draft.setting
        description = search.description
        sent = queries(search, setting.source, setting.patient, at, self._ability.capability)
        links: list[str | None] = []
        try:
            records = await self._records_for(search, sent, links)
        except SourceAnswerError:
            # Some want a code beside the patient whatever they declare: asked once more, with all that narrows.
            plain = queries(search, setting.source, setting.patient, at, None, most_codes=None)
            if plain == sent:
                raise
            sent, links = plain, []
            records = await self._records_for(search, sent, links)
        seen = noticed(search, sent, links, records)
        self._ability.learned.ignored.update((description.resource_type, name) for name in seen.parameters)
        if (issue := seen.issue(description.resource_type)) is not None:
            self._draft.issues.append(issue)
        if not self._draft.failed(search):
            self._ability.witness(search, at, setting, records)
        return records

    async def _beside(self, wants: Wants, collector: str) -> Beside:
        """What a collector needs besides its own records; what fails is told there, and as an issue."""
        records: dict[str, tuple[Record, ...]] = {}
        failures: dict[str, Failure] = {}
        setting = self._draft.setting
        for resource_type, ids in wants.items():
            handed, ids = self._handed.beside(resource_type, ids)
            held = tuple(assemble.records_of(handed, resource_type, self._draft))
            if held or (ids is not None and not ids):
                records[resource_type] = held
            if ids is not None and not ids:
                continue
            if self._ability.lacks(resource_type):
                failures[resource_type], issue = not_offered(resource_type)
                self._draft.issues.append(issue)
                continue
            if ids is None:
                requests: tuple[Parameters, ...] = (simple_query(setting.source, setting.patient, "patient"),)
            else:
                requests = by_ids(setting.source, ids)
            try:
                found, missing = await self._records(collector, resource_type, requests)
                records[resource_type] = (*held, *found)
                if missing is not None:
                    failures[resource_type] = missing
            except CollectorError as error:
                failures[resource_type] = self._failed(None, resource_type, error)
        return Beside(records, failures)

    async def _records_for(
        self, search: Search, requests: tuple[Parameters, ...], links: list[str | None] | None = None
    ) -> list[Record]:
        """All records of the requests for a search; what is missing of them is noted as a failure beside them."""
        description = search.description
        records, missing = await self._records(
            description.id, description.resource_type, requests, description.origin, links
        )
        if missing is not None:
            self._draft.fail(search, missing)
        return records

    async def _records(
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
        fetched = [outcome for outcome in outcomes if isinstance(outcome, Fetched)]
        if links is not None:
            links.extend(each.link for each in fetched)
        missing = note(self._draft, fetched, resource_type)
        raws = (raw for each in fetched for raw in each.records)
        return assemble.records_of(raws, resource_type, self._draft, origin), missing

    async def _fetch(self, collector: str, resource_type: str, parameters: Parameters) -> _Outcome:
        if self._sender is None:
            return NotHandedInError(f"no complete set of {resource_type} records was handed in")
        try:
            return await self._sender.search(collector, resource_type, parameters)
        except CollectorError as error:
            return error

    def _failed(self, search: Search | None, resource_type: str, error: CollectorError) -> Failure:
        reason, code = AbsentReason.UNREACHABLE, "source-unreachable"
        if isinstance(error, SourceRefusedError):
            reason, code = AbsentReason.NOT_PERMITTED, "source-refused"
        elif isinstance(error, NotHandedInError):
            reason, code = AbsentReason.NOT_QUERIED, "not-handed-in"
        failure = Failure(reason, f"{resource_type} could not be had: {error}.")
        if search is not None:
            self._draft.fail(search, failure)
        self._draft.issues.append(Issue(Severity.WARNING, code, failure.text))
        return failure

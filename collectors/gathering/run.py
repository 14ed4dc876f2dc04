"""One question to one source about one of its patient records: the codes it needs, its searches, the readers."""

import asyncio
from dataclasses import replace
from datetime import datetime

from collectors import assemble
from collectors.collector import begin
from collectors.draft import Draft
from collectors.errors import CollectorError, SourceAnswerError
from collectors.facts import Failure
from collectors.fetching.search import Parameters
from collectors.fetching.transport import NotThereError
from collectors.gathering.ability import Ability, not_offered
from collectors.gathering.company import beside
from collectors.gathering.noting import fault
from collectors.gathering.requests import Requests
from collectors.gathering.searching import Searching
from collectors.gathering.sending import Sender
from collectors.handed import HandedIn
from collectors.needs import Search
from collectors.reading.records import Record
from collectors.terminology.prepared import Prepared
from collectors.terminology.terminology import Terminology
from ontology.concepts import Origin
from ontology.values import AbsentReason


class Run:
    """One question to one source; without a ``sender`` there is nothing but what was handed in."""

    own: Record | None = None
    """The patient's own record, once it was read."""

    def __init__(
        self,
        sender: Sender | None,
        draft: Draft,
        until: float,
        ability: Ability | None = None,
        patient_asked: bool = True,
        terminology: Terminology | None = None,
        handed: HandedIn | None = None,
    ) -> None:
        self._handed = handed or HandedIn()
        self._ability = ability or Ability()
        self._patient_read = asyncio.Event()
        if not patient_asked:
            self._patient_read.set()
        self._draft = draft
        self._until = until
        self._terminology = terminology or Terminology()
        self._requests = Requests(sender, draft)
        self._searching = Searching(self._requests, draft, self._ability, self._handed, self._patient_read)

    @property
    def narrowed(self) -> tuple[Search, ...]:
        """Searches of which only the newest records were asked for."""
        return self._searching.narrowed

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
        source = self._draft.setting.source
        prepared = await self._terminology.prepare(search, source, self._until)
        search = self._known(prepared)
        if not search.concepts and not own:
            return
        try:
            records = await self._searching.all_of(search, at)
        except NotThereError as error:
            if own:
                assemble.check_patient(self._draft, ())
            self._failed(search, error)
            return
        except CollectorError as error:
            failure = self._failed(search, error)
            if own:
                self._draft.unverified = failure
            return
        if own and not self._draft.failed(search):
            assemble.check_patient(self._draft, records)
        elif own and not assemble.holds_patient(self._draft, records):
            # It may be among what did not come: then this is no "there is no such patient".
            text = "Patient could not be had: what the source sent is not whole."
            self._draft.unverified = Failure(AbsentReason.UNREACHABLE, text)
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
            records = await self._searching.windowed(search, at)
        except CollectorError as error:
            self._failed(search, error)
            return
        await self.take(search, records)

    async def take(self, search: Search, records: list[Record]) -> None:
        """Reads the records of a search that came, with what is needed beside them."""
        setting = self._draft.setting
        if self._handed.of(search) is not None:
            setting = replace(setting, subjects=setting.subjects | self._handed.aliases)
        begun = begin(records, search, setting)
        held = await beside(
            begun.wants, search.description.id, self._requests, self._draft, self._ability, self._handed
        )
        self._draft.take(begun.finish(held), search)

    async def patients(self, requests: tuple[Parameters, ...]) -> list[Record]:
        """Patient records, whosever they are; CollectorError where they did not all come."""
        records, missing = await self._requests.records("patient", "Patient", requests)
        if missing is not None:
            raise SourceAnswerError(missing.text.rstrip("."))
        return records

    def _known(self, prepared: Prepared) -> Search:
        """The search for the concepts whose codes are known; of the others it is noted why they are not."""
        for concept, failure in prepared.failures.items():
            self._draft.fail_concept(concept, failure)
        return prepared.search

    def _failed(self, search: Search, error: CollectorError) -> Failure:
        failure = fault(self._draft, search.description.resource_type, error)
        self._draft.fail(search, failure)
        return failure

"""Gathers what a plan needs about one patient from one source: all searches at once, within one deadline."""

import asyncio
from collections.abc import Mapping
from datetime import datetime

import httpx

from collectors import assemble
from collectors.assemble import facts_from_resources
from collectors.condition import read as conditions
from collectors.errors import CollectorError, PatientNotFoundError, SourceRefusedError, SourceUnreachableError
from collectors.facts import Failure
from collectors.fetching.client import Client, Fetched
from collectors.fetching.flight import Flights
from collectors.fetching.search import Parameters, checked_id, queries, simple_query
from collectors.fetching.transport import NotThereError, Transport
from collectors.needs import Search
from collectors.reading.readout import Readout, Setting
from collectors.reading.records import Record
from collectors.settings import Source
from collectors.sourcefacts import SourceFacts
from ontology.evaluation import Issue, Severity
from ontology.values import AbsentReason

__all__ = ["Gatherer", "facts_from_resources"]

_Outcome = Fetched | CollectorError


class Gatherer:
    """Fetches facts over one shared HTTP client, for as many questions as come.

    Keeps nothing of an answer.  A source is never asked by more than ``concurrency`` requests at once, and an
    identical search under way is shared.
    """

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._gates: dict[str, asyncio.Semaphore] = {}
        self._flights: Flights[Fetched] = Flights()

    async def gather(
        self,
        source: Source,
        patient: str,
        searches: tuple[Search, ...],
        at: datetime,
        deadline: float,
        headers: Mapping[str, str] | None = None,
    ) -> SourceFacts:
        """The facts for these searches, within ``deadline`` seconds; ``headers`` go with each request.

        Raises PatientNotFoundError.  Any other fault of the source becomes a failure of the concepts concerned,
        and an issue.
        """
        draft = assemble.Draft(Setting.of(source, checked_id(patient)))
        client = Client(source, Transport(self._http, source, self._gate(source), headers))
        run = _Run(client, self._flights, draft, asyncio.get_running_loop().time() + deadline, headers)
        own = next((search for search in searches if search.description.resource_type == "Patient"), None)
        others = [search for search in searches if search is not own]
        tasks = [asyncio.ensure_future(run.patient(own))]
        tasks += [asyncio.ensure_future(run.search(search, at)) for search in others]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        return draft.finish()

    def _gate(self, source: Source) -> asyncio.Semaphore:
        return self._gates.setdefault(source.id, asyncio.Semaphore(source.concurrency))


class _Run:
    """One question to one source."""

    def __init__(
        self,
        client: Client,
        flights: Flights[Fetched],
        draft: assemble.Draft,
        until: float,
        headers: Mapping[str, str] | None,
    ) -> None:
        self._client = client
        self._flights = flights
        self._draft = draft
        self._until = until
        self._scope = tuple(sorted((headers or {}).items()))

    async def patient(self, search: Search | None) -> None:
        """The patient's own record, which every question needs."""
        setting = self._draft.setting
        parameter = search.description.patient_parameter if search is not None else "_id"
        try:
            records = await self._records("Patient", (simple_query(setting.source, setting.patient, parameter),))
        except NotThereError:
            raise PatientNotFoundError(f"source {setting.source.id}: it holds no such patient") from None
        except CollectorError as error:
            self._failed(search, "Patient", error)
            return
        assemble.take_patient(self._draft, records, search)

    async def search(self, search: Search, at: datetime) -> None:
        """One search of any other type; its failure is noted, never raised."""
        resource_type = search.description.resource_type
        setting = self._draft.setting
        try:
            records = await self._records(resource_type, queries(search, setting.source, setting.patient, at))
        except CollectorError as error:
            self._failed(search, resource_type, error)
            return
        if resource_type == "Observation":
            assemble.take_observations(self._draft, records, search)
        elif resource_type == "Condition":
            readout = Readout()
            parsed = conditions.parse(records, setting, readout)
            encounters = await self._encounters() if conditions.undated(parsed) else []
            assemble.take_conditions(self._draft, parsed, encounters, search, readout)
        else:
            text = f"No collector here reads {resource_type}."
            self._draft.fail(search, Failure(AbsentReason.NOT_QUERIED, text))

    async def _encounters(self) -> list[Record]:
        setting = self._draft.setting
        try:
            return await self._records("Encounter", (simple_query(setting.source, setting.patient, "patient"),))
        except CollectorError as error:
            self._failed(None, "Encounter", error)
            return []

    async def _records(self, resource_type: str, requests: tuple[Parameters, ...]) -> list[Record]:
        """All records of the requests; CollectorError if one of them fails or the deadline passes."""
        source = self._draft.setting.source
        outcomes = await asyncio.gather(*(self._fetch(resource_type, parameters) for parameters in requests))
        for outcome in outcomes:
            if isinstance(outcome, CollectorError):
                raise outcome
        fetched = [outcome for outcome in outcomes if isinstance(outcome, Fetched)]
        self._draft.requests += sum(each.requests for each in fetched)
        if any(each.outcomes for each in fetched):
            self._draft.issues.append(assemble.remark(resource_type))
        raws = (raw for each in fetched for raw in each.records)
        return assemble.records_of(raws, resource_type, source, self._draft)

    async def _fetch(self, resource_type: str, parameters: Parameters) -> _Outcome:
        source = self._draft.setting.source
        key = (source.id, source.base_url, resource_type, parameters, self._scope)
        try:
            async with asyncio.timeout_at(self._until):
                return await self._flights.run(key, lambda: self._client.search(resource_type, parameters))
        except TimeoutError:
            return SourceUnreachableError(f"source {source.id}: no answer before the question's deadline")
        except CollectorError as error:
            return error

    def _failed(self, search: Search | None, resource_type: str, error: CollectorError) -> None:
        refused = isinstance(error, SourceRefusedError)
        reason = AbsentReason.NOT_PERMITTED if refused else AbsentReason.UNREACHABLE
        if search is not None:
            self._draft.fail(search, Failure(reason, f"{resource_type} could not be had: {error}."))
        code = "source-refused" if refused else "source-unreachable"
        self._draft.issues.append(Issue(Severity.WARNING, code, f"{resource_type} could not be had: {error}."))

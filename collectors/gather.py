"""Gathers what a plan needs about one patient from one source: all searches at once, within one deadline."""

import asyncio
from datetime import datetime

import httpx

from collectors import assemble
from collectors.assemble import facts_from_resources
from collectors.collector import Beside, Wants, begin
from collectors.errors import CollectorError, SourceRefusedError, SourceUnreachableError
from collectors.facts import Failure
from collectors.fetching.access import Access, NoAccess
from collectors.fetching.client import Client, Fetched
from collectors.fetching.clients import Clients
from collectors.fetching.flight import Flights
from collectors.fetching.search import Parameters, by_ids, checked_id, queries, simple_query
from collectors.fetching.transport import NotThereError, Transport
from collectors.needs import Search
from collectors.reading.readout import Setting
from collectors.reading.records import Record
from collectors.settings import Source
from collectors.sourcefacts import SourceFacts
from ontology.concepts import Origin
from ontology.evaluation import Issue, Severity
from ontology.values import AbsentReason

__all__ = ["Gatherer", "facts_from_resources"]

_Outcome = Fetched | CollectorError


class Gatherer:
    """Fetches facts over pooled connections, for as many questions as come.

    Keeps nothing of an answer.  A source is never asked by more than ``concurrency`` requests at once, and an
    identical search under way is shared.
    """

    def __init__(self, http: httpx.AsyncClient | Clients) -> None:
        self._clients = http if isinstance(http, Clients) else Clients(http)
        self._gates: dict[str, asyncio.Semaphore] = {}
        self._flights: Flights[Fetched] = Flights()

    async def gather(
        self,
        source: Source,
        patient: str,
        searches: tuple[Search, ...],
        at: datetime,
        deadline: float,
        access: Access | None = None,
    ) -> SourceFacts:
        """The facts for these searches, within ``deadline`` seconds, as ``access`` authorises it.

        Raises PatientNotFoundError.  Any other fault of the source becomes a failure of the concepts concerned,
        and an issue.
        """
        access = access or NoAccess()
        draft = assemble.Draft(Setting.of(source, checked_id(patient)))
        client = Client(source, Transport(self._clients.of(source), source, self._gate(source), access))
        run = _Run(client, self._flights, draft, asyncio.get_running_loop().time() + deadline, access.scope)
        tasks = [asyncio.ensure_future(run.search(search, at)) for search in searches if wanted(search, source)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        return draft.finish()

    def _gate(self, source: Source) -> asyncio.Semaphore:
        return self._gates.setdefault(source.id, asyncio.Semaphore(source.concurrency))


def wanted(search: Search, source: Source) -> bool:
    """Whether a source is asked at all: some collectors are used only where its settings name them."""
    return not search.description.on_request or search.description.id in source.collectors


class _Run:
    """One question to one source."""

    def __init__(
        self, client: Client, flights: Flights[Fetched], draft: assemble.Draft, until: float, scope: str
    ) -> None:
        self._client = client
        self._flights = flights
        self._draft = draft
        self._until = until
        self._scope = scope

    async def search(self, search: Search, at: datetime) -> None:
        """One search; its failure is noted, and raised only where there is no such patient."""
        resource_type = search.description.resource_type
        own = search.description.origin is Origin.PATIENT
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
        if own:
            assemble.check_patient(self._draft, records)
        begun = begin(records, search, self._draft.setting)
        self._draft.take(begun.finish(await self._beside(begun.wants)), search)

    async def _all_of(self, search: Search, at: datetime) -> list[Record]:
        """The records of one search of the plan."""
        setting = self._draft.setting
        description = search.description
        if description.origin is Origin.PATIENT:
            requests: tuple[Parameters, ...] = (
                simple_query(setting.source, setting.patient, description.patient_parameter),
            )
        else:
            requests = queries(search, setting.source, setting.patient, at)
        return await self._records(description.resource_type, requests, description.origin)

    async def _beside(self, wants: Wants) -> Beside:
        """What a collector needs besides its own records; what fails is told there, and as an issue."""
        records: dict[str, tuple[Record, ...]] = {}
        failures: dict[str, Failure] = {}
        setting = self._draft.setting
        for resource_type, ids in wants.items():
            if ids is None:
                requests: tuple[Parameters, ...] = (simple_query(setting.source, setting.patient, "patient"),)
            else:
                requests = by_ids(setting.source, ids)
            try:
                records[resource_type] = tuple(await self._records(resource_type, requests))
            except CollectorError as error:
                failures[resource_type] = self._failed(None, resource_type, error)
        return Beside(records, failures)

    async def _records(
        self, resource_type: str, requests: tuple[Parameters, ...], origin: Origin | None = None
    ) -> list[Record]:
        """All records of the requests; CollectorError if one of them fails or the deadline passes."""
        outcomes = await asyncio.gather(*(self._fetch(resource_type, parameters) for parameters in requests))
        for outcome in outcomes:
            if isinstance(outcome, CollectorError):
                raise outcome
        fetched = [outcome for outcome in outcomes if isinstance(outcome, Fetched)]
        self._draft.requests += sum(each.requests for each in fetched)
        if any(each.outcomes for each in fetched):
            self._draft.issues.append(assemble.remark(resource_type))
        raws = (raw for each in fetched for raw in each.records)
        return assemble.records_of(raws, resource_type, self._draft, origin)

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

    def _failed(self, search: Search | None, resource_type: str, error: CollectorError) -> Failure:
        refused = isinstance(error, SourceRefusedError)
        reason = AbsentReason.NOT_PERMITTED if refused else AbsentReason.UNREACHABLE
        failure = Failure(reason, f"{resource_type} could not be had: {error}.")
        if search is not None:
            self._draft.fail(search, failure)
        code = "source-refused" if refused else "source-unreachable"
        self._draft.issues.append(Issue(Severity.WARNING, code, failure.text))
        return failure

"""One question to one source about one of its patient records: searches, pages, readers, all within one deadline."""

import asyncio
from datetime import datetime

from collectors import assemble
from collectors.collector import Beside, Wants, begin
from collectors.errors import CollectorError, SourceRefusedError, SourceUnreachableError
from collectors.facts import Failure
from collectors.fetching.client import Client, Fetched
from collectors.fetching.flight import Flights
from collectors.fetching.search import Parameters, by_ids, queries, simple_query
from collectors.fetching.transport import NotThereError
from collectors.needs import Search
from collectors.reading.records import Record
from collectors.settings import Source
from ontology.concepts import Origin
from ontology.evaluation import Issue, Severity
from ontology.values import AbsentReason

_Outcome = Fetched | CollectorError


def wanted(search: Search, source: Source) -> bool:
    """Whether a source is asked at all: some collectors are used only where its settings name them."""
    return not search.description.on_request or search.description.id in source.collectors


class Run:
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

"""Gathers what a plan needs about one patient from one source: all searches at once, within one deadline."""

import asyncio
from datetime import datetime

import httpx

from collectors import assemble
from collectors.assemble import facts_from_resources
from collectors.fetching.access import Access, NoAccess
from collectors.fetching.client import Client, Fetched
from collectors.fetching.clients import Clients
from collectors.fetching.flight import Flights
from collectors.fetching.search import checked_id
from collectors.fetching.transport import Transport
from collectors.gathering.run import Run, wanted
from collectors.needs import Search
from collectors.reading.readout import Setting
from collectors.settings import Source
from collectors.sourcefacts import SourceFacts

__all__ = ["Gatherer", "facts_from_resources"]


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
        run = Run(client, self._flights, draft, asyncio.get_running_loop().time() + deadline, access.scope)
        tasks = [asyncio.ensure_future(run.search(search, at)) for search in searches if wanted(search, source)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        return draft.finish()

    def _gate(self, source: Source) -> asyncio.Semaphore:
        return self._gates.setdefault(source.id, asyncio.Semaphore(source.concurrency))

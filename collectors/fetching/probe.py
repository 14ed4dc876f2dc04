"""Whether sources answer: asked all at once, in bounded time, and not again for every health check that comes."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx

from collectors.errors import CollectorError
from collectors.fetching.clients import Clients
from collectors.fetching.faults import CLOSED
from collectors.settings import Source

LIMIT = 2.0
"""Seconds that a source may take."""
REMEMBERED = 2.0
"""Seconds for which an answer holds, so that health checks cannot be used to press a source."""


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """Whether a source answers; ``text`` names no address."""

    id: str
    reachable: bool
    text: str


class Probe:
    """Asks each source for its ``/metadata``, and reads no further than the status."""

    def __init__(
        self,
        clients: httpx.AsyncClient | Clients,
        sources: Sequence[Source],
        limit: float = LIMIT,
        remembered: float = REMEMBERED,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clients = clients if isinstance(clients, Clients) else Clients(clients)
        self._sources = tuple(sources)
        self._limit = limit
        self._remembered = remembered
        self._clock = clock
        self._asking = asyncio.Lock()
        self._known: tuple[SourceStatus, ...] = ()
        self._until: float | None = None

    async def status(self) -> tuple[SourceStatus, ...]:
        """Whether each source answers, as of ``remembered`` seconds ago at most."""
        async with self._asking:
            if self._until is None or self._clock() >= self._until:
                self._known = tuple(await asyncio.gather(*(self._reach(source) for source in self._sources)))
                self._until = self._clock() + self._remembered
            return self._known

    async def _reach(self, source: Source) -> SourceStatus:
        accept = {"Accept": "application/fhir+json"}
        try:
            client = self._clients.of(source)
            if client.is_closed:
                return SourceStatus(source.id, False, CLOSED)
            async with (
                asyncio.timeout(self._limit),
                client.stream("GET", f"{source.base_url}/metadata", headers=accept, follow_redirects=False) as answer,
            ):
                status = answer.status_code
        except TimeoutError:
            return SourceStatus(source.id, False, f"no answer within {self._limit:g} s")
        except httpx.TransportError:
            return SourceStatus(source.id, False, "the connection fails")
        except (httpx.HTTPError, httpx.InvalidURL, CollectorError) as error:
            return SourceStatus(source.id, False, type(error).__name__)
        if status in (401, 403) and source.auth != "none":
            # It lives, and shows even its CapabilityStatement to nobody without a token.
            return SourceStatus(source.id, True, f"answers ({status} without a token)")
        return SourceStatus(source.id, status == 200, "answers" if status == 200 else f"answers {status}")

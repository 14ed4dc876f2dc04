"""Whether sources answer: probed all at once, in bounded time, and not again for every health check that comes."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx

from collectors.errors import CollectorError
from collectors.fetching.addresses import INVALID_ADDRESS
from collectors.fetching.connections import HttpClients
from collectors.fetching.transport import CLOSED_REASON
from collectors.settings import Source

PROBE_TIMEOUT = 2.0
"""Seconds that a source may take."""
STATUS_TTL = 2.0
"""Seconds for which an answer holds, so that health checks cannot be used to press a source."""


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """Whether a source answers; ``text`` names no address."""

    id: str
    reachable: bool
    text: str


class SourceProbe:
    """Asks each source for its ``/metadata``, and reads no further than the status."""

    def __init__(
        self,
        clients: httpx.AsyncClient | HttpClients,
        sources: Sequence[Source],
        timeout: float = PROBE_TIMEOUT,
        ttl: float = STATUS_TTL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clients = clients if isinstance(clients, HttpClients) else HttpClients(clients)
        self._sources = tuple(sources)
        self._timeout = timeout
        self._ttl = ttl
        self._clock = clock
        self._lock = asyncio.Lock()
        self._statuses: tuple[SourceStatus, ...] = ()
        self._expires_at: float | None = None

    async def status(self) -> tuple[SourceStatus, ...]:
        """Whether each source answers, as of ``ttl`` seconds ago at most."""
        async with self._lock:
            if self._expires_at is None or self._clock() >= self._expires_at:
                self._statuses = tuple(await asyncio.gather(*(self._probe(source) for source in self._sources)))
                self._expires_at = self._clock() + self._ttl
            return self._statuses

    async def _probe(self, source: Source) -> SourceStatus:
        accept = {"Accept": "application/fhir+json"}
        try:
            client = self._clients.client_for(source)
            if client.is_closed:
                return SourceStatus(source.id, False, CLOSED_REASON)
            async with (
                asyncio.timeout(self._timeout),
                client.stream("GET", f"{source.base_url}/metadata", headers=accept, follow_redirects=False) as answer,
            ):
                status = answer.status_code
        except TimeoutError:
            return SourceStatus(source.id, False, f"no answer within {self._timeout:g} s")
        except httpx.TransportError:
            return SourceStatus(source.id, False, "the connection fails")
        except (httpx.HTTPError, *INVALID_ADDRESS, CollectorError) as error:
            return SourceStatus(source.id, False, type(error).__name__)
        if status in (401, 403) and source.auth != "none":
            # It is up, and shows even its CapabilityStatement to nobody without a token.
            return SourceStatus(source.id, True, f"answers ({status} without a token)")
        return SourceStatus(source.id, status == 200, "answers" if status == 200 else f"answers {status}")

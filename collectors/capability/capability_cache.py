"""The capabilities of all sources: each read by one request at a time, and cached in memory until it expires."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import httpx

from collectors.capability.capability import UNKNOWN_CAPABILITY, KnownCapability, ObservedBehaviour, Smart
from collectors.capability.statement import read_smart, read_statement
from collectors.errors import CollectorError
from collectors.settings import Source

FIRST_WAIT = 1.0
"""Seconds for which a question waits for an unknown capability; then the source is searched without it."""
SMART_WAIT = 3.0
"""Seconds that a smart-configuration may take: most servers without one respond at once, some never."""
FAILURE_TTL = 30.0
"""Seconds for which a failure to retrieve a capability is cached."""

FetchBody: TypeAlias = Callable[[httpx.URL], Awaitable[tuple[bytes, int]]]
"""Retrieves the body at an address of the source, like ``Transport.get``.  Raises CollectorError."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Entry:
    capability: KnownCapability | None = None
    expires_at: float = 0.0
    task: "asyncio.Task[KnownCapability] | None" = None
    observed: ObservedBehaviour = field(default_factory=ObservedBehaviour)


class CapabilityCache:
    """The known capability and observed behaviour of each source.  Holds no patient data."""

    def __init__(self, first_wait: float = FIRST_WAIT, clock: Callable[[], float] = time.monotonic) -> None:
        self._first_wait = first_wait
        self._clock = clock
        self._entries: dict[str, _Entry] = {}

    def cached(self, source: Source) -> KnownCapability | None:
        """The cached capability, possibly stale; None where it was never read."""
        return self._entry(source).capability

    def observed(self, source: Source) -> ObservedBehaviour:
        """The observed behaviour of the source."""
        return self._entry(source).observed

    async def get(self, source: Source, fetch: FetchBody) -> KnownCapability:
        """The capability for a question, which waits briefly for the first reading and never for a refresh.

        A stale one is used while it is refreshed.  ``fetch`` must be that of this source.
        """
        entry = self._entry(source)
        if entry.capability is not None and self._clock() < entry.expires_at:
            return entry.capability
        reading = self._refresh_task(source, entry, fetch)
        if entry.capability is None:
            await asyncio.wait({reading}, timeout=self._first_wait)
        return entry.capability or UNKNOWN_CAPABILITY

    async def read(self, source: Source, fetch: FetchBody) -> KnownCapability:
        """The capability, read to the end where it is unknown or stale (for ``source check``)."""
        entry = self._entry(source)
        if entry.capability is None or self._clock() >= entry.expires_at:
            await asyncio.wait({self._refresh_task(source, entry, fetch)})
        return entry.capability or UNKNOWN_CAPABILITY

    def warm(self, source: Source, fetch: FetchBody) -> None:
        """Starts to read a capability, so that the first question need not wait."""
        entry = self._entry(source)
        if entry.capability is None:
            self._refresh_task(source, entry, fetch)

    async def aclose(self) -> None:
        """Cancels what is still being read."""
        tasks = [entry.task for entry in self._entries.values() if entry.task is not None]
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _entry(self, source: Source) -> _Entry:
        return self._entries.setdefault(f"{source.id} {source.base_url}", _Entry())

    def _refresh_task(self, source: Source, entry: _Entry, fetch: FetchBody) -> "asyncio.Task[KnownCapability]":
        if entry.task is None or entry.task.done():
            entry.task = asyncio.ensure_future(self._refresh(source, entry, fetch))
        return entry.task

    async def _refresh(self, source: Source, entry: _Entry, fetch: FetchBody) -> KnownCapability:
        known = await read_capability(source, fetch)
        good = known.capability is not None or known.refusal is not None
        if good or entry.capability is None or entry.capability.capability is None:
            entry.capability = known
            if good:
                entry.observed = ObservedBehaviour()
        # After a failed refresh the former one is kept: a server does not lose its abilities with its statement.
        entry.expires_at = self._clock() + (source.capability_ttl.total_seconds() if good else FAILURE_TTL)
        if known.remark is not None:
            _log.warning("source %s: %s; it is searched in the basic way", source.id, known.remark)
        return known


async def read_capability(source: Source, fetch: FetchBody) -> KnownCapability:
    """Reads a source's capability.  Never raises CollectorError: a fault becomes a remark."""
    statement, smart = await asyncio.gather(_fetch_body(source, "metadata", fetch), _fetch_smart(source, fetch))
    if isinstance(statement, str):
        return KnownCapability(remark=f"its CapabilityStatement cannot be retrieved: {statement}")
    return read_statement(statement, smart)


async def _fetch_body(source: Source, path: str, fetch: FetchBody) -> bytes | str:
    try:
        body, _ = await fetch(httpx.URL(f"{source.base_url}/{path}"))
    except CollectorError as error:
        return str(error).removeprefix(f"source {source.id}: ")
    return body


async def _fetch_smart(source: Source, fetch: FetchBody) -> Smart | None:
    try:
        async with asyncio.timeout(SMART_WAIT):
            body = await _fetch_body(source, ".well-known/smart-configuration", fetch)
    except TimeoutError:
        return None
    return read_smart(body) if isinstance(body, bytes) else None

"""The capabilities of all sources: each read once, by one request at a time, and kept in memory until it expires."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import httpx

from collectors.capability.capability import UNKNOWN, Known, Smart
from collectors.capability.learned import Learned
from collectors.capability.statement import read_smart, read_statement
from collectors.errors import CollectorError
from collectors.settings import Source

FIRST_WAIT = 1.0
"""Seconds for which a question waits for a capability that is not known yet; then it is asked without."""
SMART_WAIT = 3.0
"""Seconds that a smart-configuration may take: most servers without one say so at once, some never answer."""
FAILURE_TTL = 30.0
"""Seconds for which it is remembered that a capability could not be had."""

Fetch: TypeAlias = Callable[[httpx.URL], Awaitable[tuple[bytes, int]]]
"""Gets the body at an address of the source, as ``Transport.get`` does (CollectorError)."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Entry:
    known: Known | None = None
    until: float = 0.0
    reading: "asyncio.Task[Known] | None" = None
    learned: Learned = field(default_factory=Learned)


class Capabilities:
    """What is known of each source.  Nothing in it is of a patient; ``aclose`` ends what is still being read."""

    def __init__(self, first_wait: float = FIRST_WAIT, clock: Callable[[], float] = time.monotonic) -> None:
        self._first_wait = first_wait
        self._clock = clock
        self._entries: dict[str, _Entry] = {}

    def at_hand(self, source: Source) -> Known | None:
        """What is known at this moment, be it out of date; None where the source was never read."""
        return self._entry(source).known

    def learned(self, source: Source) -> Learned:
        """What the source was seen to do."""
        return self._entry(source).learned

    async def known(self, source: Source, fetch: Fetch) -> Known:
        """What is known of the source, for a question: it waits a moment for the first reading, and never for a later.

        One that is out of date is used once more while it is read anew.  ``fetch`` is not used by another source.
        """
        entry = self._entry(source)
        if entry.known is not None and self._clock() < entry.until:
            return entry.known
        reading = self._reading(source, entry, fetch)
        if entry.known is None:
            await asyncio.wait({reading}, timeout=self._first_wait)
        return entry.known or UNKNOWN

    async def read(self, source: Source, fetch: Fetch) -> Known:
        """What is known of the source, read to the end where it is not known or out of date (for ``source check``)."""
        entry = self._entry(source)
        if entry.known is None or self._clock() >= entry.until:
            await asyncio.wait({self._reading(source, entry, fetch)})
        return entry.known or UNKNOWN

    def warm(self, source: Source, fetch: Fetch) -> None:
        """Begin to read a capability, so that the first question need not wait."""
        entry = self._entry(source)
        if entry.known is None:
            self._reading(source, entry, fetch)

    async def aclose(self) -> None:
        """End what is still being read."""
        tasks = [entry.reading for entry in self._entries.values() if entry.reading is not None]
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _entry(self, source: Source) -> _Entry:
        return self._entries.setdefault(f"{source.id} {source.base_url}", _Entry())

    def _reading(self, source: Source, entry: _Entry, fetch: Fetch) -> "asyncio.Task[Known]":
        if entry.reading is None or entry.reading.done():
            entry.reading = asyncio.ensure_future(self._renew(source, entry, fetch))
        return entry.reading

    async def _renew(self, source: Source, entry: _Entry, fetch: Fetch) -> Known:
        known = await read_capability(source, fetch)
        good = known.capability is not None or known.refusal is not None
        if good or entry.known is None or entry.known.capability is None:
            entry.known = known
            if good:
                entry.learned = Learned()
        # Where it fails to be read anew, the former is kept: a server does not lose its abilities with its statement.
        entry.until = self._clock() + (source.capability_ttl.total_seconds() if good else FAILURE_TTL)
        if known.remark is not None:
            _log.warning("source %s: %s; it is searched in the plainest way", source.id, known.remark)
        return known


async def read_capability(source: Source, fetch: Fetch) -> Known:
    """Asks a source for its capability.  Never fails: a fault becomes a remark."""
    statement, smart = await asyncio.gather(_body(source, "metadata", fetch), _smart(source, fetch))
    if isinstance(statement, str):
        return Known(remark=f"its CapabilityStatement cannot be had: {statement}")
    return read_statement(statement, smart)


async def _body(source: Source, path: str, fetch: Fetch) -> bytes | str:
    try:
        body, _ = await fetch(httpx.URL(f"{source.base_url}/{path}"))
    except CollectorError as error:
        return str(error).removeprefix(f"source {source.id}: ")
    return body


async def _smart(source: Source, fetch: Fetch) -> Smart | None:
    try:
        async with asyncio.timeout(SMART_WAIT):
            body = await _body(source, ".well-known/smart-configuration", fetch)
    except TimeoutError:
        return None
    return read_smart(body) if isinstance(body, bytes) else None

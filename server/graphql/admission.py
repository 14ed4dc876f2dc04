"""How many questions are answered at once, and how many a second, for each caller and in all.

A caller is one application of one person (issuer, subject, client), or who opened a chart; else one address.  Only
who was let in counts: what a stranger sends with bad tokens takes nothing from those who share the address.
"""

import asyncio
import hashlib
import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import msgspec

from server.errors import ServerError

WAIT = 5.0
"""Seconds that a question waits to be let in."""


class NotAdmittedError(ServerError):
    """A question is not let in now.  ``code``, the HTTP ``status``, and ``retry_after`` in seconds."""

    def __init__(self, code: str, text: str, status: int, retry_after: int) -> None:
        super().__init__(text)
        self.code = code
        self.status = status
        self.retry_after = retry_after


class RateLimit(Protocol):
    """Counts the questions of a caller by the second."""

    async def allows(self, caller: str) -> bool:
        """Count one more; whether it may be asked."""

    async def aclose(self) -> None:
        """Close connections, if it has any."""


class Admission:
    """Lets questions in: at most ``per_caller`` of one caller and ``most`` in all at a time."""

    def __init__(self, most: int, per_caller: int, rate: RateLimit | None = None, wait: float = WAIT) -> None:
        self._most = asyncio.Semaphore(most)
        self._per_caller = per_caller
        self._callers: dict[str, asyncio.Semaphore] = {}
        self._asking: dict[str, int] = {}
        self._rate = rate
        self._wait = wait
        self._idle = asyncio.Event()
        self._idle.set()

    @asynccontextmanager
    async def admitted(self, caller: str) -> AsyncIterator[None]:
        """Wait to be let in; what runs within is one question.  Raises NotAdmittedError."""
        if self._rate is not None and not await self._rate.allows(caller):
            raise NotAdmittedError("too-many-requests", "too many questions a second: ask again in a second", 429, 1)
        own = self._callers.setdefault(caller, asyncio.Semaphore(self._per_caller))
        self._asking[caller] = self._asking.get(caller, 0) + 1
        self._idle.clear()
        try:
            try:
                async with asyncio.timeout(self._wait):
                    await own.acquire()
                    try:
                        await self._most.acquire()
                    except BaseException:
                        own.release()
                        raise
            except TimeoutError:
                text = "the server answers as many questions as it can: ask again in a few seconds"
                raise NotAdmittedError("overloaded", text, 503, round(self._wait) or 1) from None
            try:
                yield
            finally:
                self._most.release()
                own.release()
        finally:
            self._forget(caller)

    def _forget(self, caller: str) -> None:
        self._asking[caller] -= 1
        if not self._asking[caller]:
            del self._asking[caller], self._callers[caller]
        if not self._asking:
            self._idle.set()

    async def wait_until_idle(self) -> None:
        """Returns at a moment at which no question is being answered or waits; what follows at once is part of it."""
        while self._asking:
            await self._idle.wait()


def address_key(address: str | None, key: bytes) -> str:
    """The caller at an address, where nobody says who it is: an IPv4 address, or the network of an IPv6 one.

    A hash by ``key`` (at most 64 bytes), so that no address is held.
    """
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        network = address or "unknown"
    else:
        network = str(ipaddress.ip_network((found, 64 if found.version == 6 else 32), strict=False))
    return hashlib.blake2b(network.encode(), key=key, digest_size=16).hexdigest()


def identity_key(identity: tuple[str, ...], key: bytes) -> str:
    """The caller whom these texts name; a hash by ``key`` (at most 64 bytes), so that nobody's name is held."""
    return hashlib.blake2b(msgspec.json.encode(identity), key=key, digest_size=16, person=b"mt.caller").hexdigest()

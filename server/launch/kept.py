"""Launches that are pending and charts that are open, in the sealed store: encrypted under a key of their own.

A name in the store is a keyed hash; what a browser holds is in no name.  Whoever changes a chart holds its lock, in
whichever process, so that a token that was refreshed is never overwritten by an older one.
"""

import asyncio
import hashlib
import logging
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TypeVar

import msgspec

from server.executor.cache.encryption import SealedStore
from server.executor.cache.store import NAME_PREFIX, Store

log = logging.getLogger("medtwin.launch")

PENDING_SECONDS = 600.0
MOST_PENDING = 1_000
"""Launches that one process lets be pending; the oldest makes room."""
IDLE_SECONDS = 30 * 60.0
LONGEST_SECONDS = 8 * 3600.0
GRACE_SECONDS = 5 * 60.0
"""How much longer a chart is kept than it is open, so that its tokens can still be given back to the EHR."""
ENDED, ENDED_FOR_ROOM = b"1", b"room"
"""How a chart was ended: as ever, or because its browser had too many."""
_LOCK = timedelta(seconds=45)
"""Longer than all requests take that one renewal may make."""
_GONE = timedelta(seconds=1)
_WARNING_PAUSE = 60.0


class PendingLaunch(msgspec.Struct, frozen=True):
    """A launch between our request for a code and its answer.  ``until``: seconds since 1970.

    ``cookie`` is the value by which the browser is known that began it.
    """

    source: str
    state: str
    nonce: str
    verifier: str
    cookie: str
    until: float

    def __repr__(self) -> str:
        return f"PendingLaunch(source={self.source!r})"


class OpenChart(msgspec.Struct, frozen=True):
    """One patient of one source, opened by one browser, with the tokens that were given for it.

    Times are seconds since 1970: ``began``; ``idle_until``, after which it was not used for too long; ``ends``, at the
    latest; ``token_until``, and ``renew_from``, when the access token should be refreshed.
    """

    handle: str
    cookie: str
    source: str
    patient: str
    subject: str
    user: str | None
    scope: str
    token: str
    token_until: float
    renew_from: float
    refresh: str | None
    began: float
    idle_until: float
    ends: float

    @property
    def over_at(self) -> float:
        """When it is over unless it is used."""
        return min(self.idle_until, self.ends)

    def is_open(self, now: float) -> bool:
        """Whether it may still be shown."""
        return now < self.over_at

    def __repr__(self) -> str:
        # Tokens and patient are in no trace and no log, whoever prints one.
        return f"OpenChart(source={self.source!r})"


class PersonCharts(msgspec.Struct, frozen=True):
    """The handles of the charts of one person at one source, and refresh tokens that wait until none is open."""

    handles: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "PersonCharts()"


_Entry = TypeVar("_Entry", PendingLaunch, OpenChart, PersonCharts)


class Kept:
    """What is kept of launches and charts.  ``store`` may be sealed already; ``key`` seals what is kept here."""

    def __init__(self, store: Store, key: bytes) -> None:
        self._store = store.under(key) if isinstance(store, SealedStore) else SealedStore(store, key)
        self._key = key
        self._pending: OrderedDict[str, float] = OrderedDict()
        self._warned_at = float("-inf")

    async def is_reachable(self) -> bool:
        """Whether what is kept can be found now: where it cannot, that something is missing says nothing."""
        return (await self._store.status()).reachable

    async def outlives_us(self) -> bool:
        """Whether what is kept is there for other processes, and after a restart."""
        return (await self._store.status()).kind == "shared"

    async def put_pending(self, launch: PendingLaunch) -> bool:
        """Keep a launch until it is answered, or its time is over.  Whether it was kept."""
        self._pending[launch.state] = launch.until
        while len(self._pending) > MOST_PENDING:
            oldest, until = self._pending.popitem(last=False)
            if until > launch.until - PENDING_SECONDS:
                self._warn_of_flood()
            await self._remove(self._name("pending", oldest))
        return await self._put(self._name("pending", launch.state), launch, PENDING_SECONDS)

    def _warn_of_flood(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._warned_at + _WARNING_PAUSE:
            self._warned_at = now
            log.warning("more than %d launches are pending: the oldest are forgotten before their time", MOST_PENDING)

    async def pending(self, state: str) -> PendingLaunch | None:
        """The launch of this state, which stays pending."""
        (content,) = await self._store.get_many([self._name("pending", state)])
        return _decode(content, PendingLaunch)

    async def take(self, launch: PendingLaunch) -> bool:
        """End a launch.  False where it has ended already: of two answers at once, one is the first."""
        self._pending.pop(launch.state, None)
        name, holder = self._name("pending", launch.state), secrets.token_bytes(16)
        (first,) = await self._store.claim_many([f"{name}:taken"], holder, timedelta(seconds=PENDING_SECONDS))
        if first:
            await self._remove(name)
        return first

    async def put_chart(self, chart: OpenChart, now: float) -> bool:
        """Keep a chart for as long as it may lie unused, and a while.  Whether it was kept: not if it has ended."""
        seconds = chart.over_at - now + GRACE_SECONDS
        return await self._put(self._name("chart", chart.handle), chart, seconds) and not await self.has_ended(
            chart.handle
        )

    async def charts(self, handles: Sequence[str]) -> list[OpenChart | None]:
        """The charts of these handles, None for one that is not kept any more, or has ended."""
        names = [self._name(kind, handle) for kind in ("chart", "ended") for handle in handles]
        found = await self._store.get_many(names)
        pairs = zip(found[: len(handles)], found[len(handles) :], strict=True)
        return [_decode(content, OpenChart) if ended is None else None for content, ended in pairs]

    async def chart(self, handle: str) -> OpenChart | None:
        """The chart of a handle."""
        (found,) = await self.charts([handle])
        return found

    async def end_chart(self, handle: str, ending: bytes = ENDED) -> bool:
        """Forget a chart and its tokens for good: whoever is renewing it now does not bring it back.

        Whether that could be kept.
        """
        await self._store.put_many({self._name("ended", handle): ending}, timedelta(seconds=LONGEST_SECONDS))
        await self._remove(self._name("chart", handle))
        await self._store.flush()
        return await self.has_ended(handle)

    async def has_ended(self, handle: str) -> bool:
        """Whether a chart was ended."""
        return await self.ending(handle) is not None

    async def ending(self, handle: str) -> bytes | None:
        """How a chart was ended: ENDED, ENDED_FOR_ROOM.  None: it was not."""
        (ended,) = await self._store.get_many([self._name("ended", handle)])
        return ended

    async def person_charts(self, source: str, subject: str) -> PersonCharts:
        """What is known of the charts of this person.  Whoever changes it holds a lock of that person."""
        (content,) = await self._store.get_many([self._name("person", f"{source}\n{subject}")])
        return _decode(content, PersonCharts) or PersonCharts()

    async def put_person_charts(self, source: str, subject: str, charts: PersonCharts) -> bool:
        """Keep that for as long as any of the charts may be open, and a while.  Whether it was kept."""
        name = self._name("person", f"{source}\n{subject}")
        return await self._put(name, charts, LONGEST_SECONDS + GRACE_SECONDS)

    @asynccontextmanager
    async def locked(self, handle: str, patience: float) -> AsyncIterator[bool]:
        """While the chart is nobody else's to change; False where it still is after ``patience`` seconds."""
        name, holder = self._name("lock", handle), secrets.token_bytes(16)
        loop = asyncio.get_running_loop()
        give_up = loop.time() + patience
        while not (await self._store.claim_many([name], holder, _LOCK))[0]:
            if loop.time() >= give_up:
                yield False
                return
            await asyncio.sleep(0.02)
        try:
            yield True
        finally:
            await self._store.release_many([name], holder)

    async def _put(self, name: str, entry: msgspec.Struct, seconds: float) -> bool:
        content = msgspec.msgpack.encode(entry)
        await self._store.put_many({name: content}, timedelta(seconds=max(seconds, 0.001)))
        await self._store.flush()
        # A store raises for no fault of its own, and one that is full still gives what it had before.
        (found,) = await self._store.get_many([name])
        return found == content

    async def _remove(self, name: str) -> None:
        # A store has no other way to forget: an empty value counts as none.
        await self._store.put_many({name: b""}, _GONE)

    def _name(self, kind: str, what: str) -> str:
        text = f"{kind}\n{what}".encode()
        hashed = hashlib.blake2b(text, key=self._key, digest_size=24, person=b"mt.launch")
        return f"{NAME_PREFIX}:launch:{hashed.hexdigest()}"


def _decode(content: bytes | None, kind: type[_Entry]) -> _Entry | None:
    try:
        return msgspec.msgpack.decode(content, type=kind) if content else None
    except msgspec.DecodeError:
        # Kept by another version of this server.
        return None

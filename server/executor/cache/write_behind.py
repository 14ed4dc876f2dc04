"""Write-behind: values are queued while the answer goes out, and written in one go a moment later.

What is queued is found here, so that within the process nothing changes; another process finds it a moment later,
or at once where a lock is given up.  It lies inside of ``SealedStore``: all that is queued is encrypted.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from server.executor.cache.store import CacheStatus, Store

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Queued:
    """A value, how long it is to be kept, and when that is over on the clock of this process."""

    value: bytes
    ttl: timedelta
    until: float


class WriteBehindStore:
    """Another store, written ``pause`` seconds after the first value was queued.

    The time that a value is kept counts from its writing.  More than ``most`` bytes are not queued, nor anything
    while the store is away: then ``put_many`` writes as if there were no queue.  A write that fails is counted by the
    store, and not repeated.  One object serves one event loop.
    """

    def __init__(self, store: Store, *, pause: float = 0.025, max_bytes: int = 8 * 1024 * 1024) -> None:
        self._store = store
        self._pause = pause
        self._max_bytes = max_bytes
        self._size = 0
        self._queue: dict[str, _Queued] = {}
        self._being_written: dict[str, _Queued] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def available(self) -> bool:
        """As the store says."""
        return self._store.available

    async def get_many(self, names: Sequence[str]) -> list[bytes | None]:
        """What is queued, and the store's answer for the others."""
        if not self._queue and not self._being_written:
            return await self._store.get_many(names)
        found = {name: queued for name in names if (queued := self._queue.get(name) or self._being_written.get(name))}
        others = [name for name in names if name not in found]
        now = time.monotonic()
        known = dict(zip(others, await self._store.get_many(others), strict=True)) if others else {}
        return [
            known[name] if (queued := found.get(name)) is None else queued.value if now < queued.until else None
            for name in names
        ]

    async def put_many(self, items: Mapping[str, bytes], ttl: timedelta) -> None:
        """Queues them."""
        size = sum(map(len, items.values()))
        if not self._store.available or self._size + size > self._max_bytes:
            await self.flush()
            await self._store.put_many(items, ttl)
            return
        if not items:
            return
        until = time.monotonic() + ttl.total_seconds()
        self._queue.update((name, _Queued(value, ttl, until)) for name, value in items.items())
        self._size += size
        if self._timer is None and not self._is_writing():
            self._timer = asyncio.get_running_loop().call_later(self._pause, self._start_write)

    async def claim_many(self, names: Sequence[str], holder: bytes, ttl: timedelta) -> list[bool]:
        """As the store does."""
        return await self._store.claim_many(names, holder, ttl)

    async def release_many(self, names: Sequence[str], holder: bytes) -> None:
        """Writes first: who waited for the lock must find what was computed under it."""
        await self.flush()
        await self._store.release_many(names, holder)

    async def flush(self) -> None:
        """Writes what is queued; when this returns, nothing is waiting."""
        while self._queue or self._is_writing():
            # Whoever waits may be cancelled; what is being written is not theirs alone.
            await asyncio.shield(self._start_write())

    async def status(self) -> CacheStatus:
        """The store's."""
        return await self._store.status()

    async def close(self) -> None:
        """Writes what is queued, and closes the store."""
        try:
            await self.flush()
        finally:
            await self._store.close()

    def _is_writing(self) -> bool:
        """Whether a write is under way.  One that has ended is settled here, if its callback did not run yet."""
        if self._task is not None and self._task.done():
            self._finish_write(self._task)
        return self._task is not None

    def _start_write(self) -> asyncio.Task[None]:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._task is None or not self._is_writing():
            self._being_written, self._queue, self._size = self._queue, {}, 0
            self._task = asyncio.get_running_loop().create_task(self._write())
            self._task.add_done_callback(self._finish_write)
        return self._task

    async def _write(self) -> None:
        now = time.monotonic()
        by_ttl: dict[timedelta, dict[str, bytes]] = {}
        for name, queued in self._being_written.items():
            if now < queued.until:
                by_ttl.setdefault(queued.ttl, {})[name] = queued.value
        for ttl, items in by_ttl.items():
            await self._store.put_many(items, ttl)

    def _finish_write(self, task: asyncio.Task[None]) -> None:
        if task is not self._task:
            return
        self._being_written, self._task = {}, None
        # A store does not raise; if one does, nobody may be there to be told.
        if not task.cancelled() and (fault := task.exception()) is not None:
            log.error("a write to the cache raised %s", type(fault).__name__)
        if self._queue and self._timer is None and not task.get_loop().is_closed():
            self._timer = task.get_loop().call_later(self._pause, self._start_write)

"""A cache in a server with the Redis protocol, embedded or shared: a circuit breaker and a write queue.

Connections are opened on first use.  A server that is unavailable, slow, full or refuses access causes misses.  The
circuit breaker keeps the next calls from waiting for it, and lets one through now and then.  Writes are queued while
the answer is sent, and made together a moment later.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    MaxConnectionsError,
    NoPermissionError,
    OutOfMemoryError,
    RedisError,
    ResponseError,
)
from redis.exceptions import TimeoutError as RedisTimeoutError

from server.executor.cache.store import NAME_PREFIX, CacheKind, CacheStatus, Store

log = logging.getLogger(__name__)

_MIN_PAUSE = 0.5
_MAX_PAUSE = 10.0


class CircuitBreaker:
    """Closed while calls succeed; open after a fault, for a pause (seconds) that doubles with each further fault.

    After the pause one call is let through; the others are skipped until it has succeeded.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pause = 0.0
        self._until = 0.0

    @property
    def closed(self) -> bool:
        """Whether the last call succeeded."""
        return not self._pause

    def allows_call(self) -> bool:
        """Whether the server may be called now; True after a pause is for this caller only."""
        if not self._pause:
            return True
        now = self._clock()
        if now < self._until:
            return False
        self._until = now + self._pause
        return True

    def record_success(self) -> None:
        """Close the circuit: the server answered."""
        self._pause = 0.0

    def record_failure(self) -> None:
        """Open the circuit: the server did not answer."""
        self._pause = min(_MAX_PAUSE, self._pause * 2 or _MIN_PAUSE)
        self._until = self._clock() + self._pause


T = TypeVar("T")

_UNKNOWN: Any = object()

# One script for all values of a wave: with a SET for each, the client takes three times as long.
_PUT_SCRIPT = "for i, name in ipairs(KEYS) do redis.call('set', name, ARGV[i + 1], 'PX', ARGV[1]) end return #KEYS"

# A lock is released by its holder only: it may have expired and been acquired by another process.
_RELEASE_SCRIPT = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"


class RedisStore:
    """Stores values as they are: they must be encrypted before (``SealedStore``).

    ``connect_timeout`` and ``answer_timeout`` are in seconds.  ``stop`` is awaited by ``close``, to stop the embedded
    server.
    """

    def __init__(
        self,
        url: str,
        kind: CacheKind = "shared",
        *,
        connect_timeout: float = 0.25,
        answer_timeout: float = 0.5,
        stop: Callable[[], Awaitable[None]] | None = None,
        breaker: CircuitBreaker | None = None,
    ) -> None:
        self._kind = kind
        self._timeout = connect_timeout + answer_timeout
        self._stop = stop
        self._breaker = breaker or CircuitBreaker()
        self._failures = 0
        self._skipped = 0
        self._fault = ""
        self._scripts = True
        # Protocol 2 saves a round trip on connecting and works with old servers; retries would only add delay.
        self._client: Redis = Redis.from_url(
            url,
            protocol=2,
            driver_info=None,
            socket_connect_timeout=connect_timeout,
            socket_timeout=answer_timeout,
            retry=Retry(NoBackoff(), 0),
        )

    @property
    def available(self) -> bool:
        """Whether the circuit is closed."""
        return self._breaker.closed

    async def get_many(self, names: Sequence[str]) -> list[bytes | None]:
        """One MGET."""
        if not names:
            return []
        return await self._execute(lambda: self._client.mget(names), [None] * len(names))

    async def put_many(self, items: Mapping[str, bytes], ttl: timedelta) -> None:
        """One script that sets all values; one pipeline of SET PX if the server permits no scripts."""
        if items:
            await self._execute(lambda: self._put(items, _milliseconds(ttl)), None)

    async def _put(self, items: Mapping[str, bytes], ttl: int) -> None:
        if self._scripts:
            try:
                await self._client.eval(_PUT_SCRIPT, len(items), *items, ttl, *items.values())
                return
            except NoPermissionError:
                self._scripts = False
        pipeline = self._client.pipeline(transaction=False)
        for name, value in items.items():
            pipeline.execute_command("SET", name, value, "PX", ttl)
        await pipeline.execute()

    async def claim_many(self, names: Sequence[str], holder: bytes, ttl: timedelta) -> list[bool]:
        """One pipeline of SET NX PX."""
        answers = await self._execute_pipeline(
            [("SET", name, holder, "NX", "PX", _milliseconds(ttl)) for name in names]
        )
        return [True] * len(names) if answers is None else [bool(answer) for answer in answers]

    async def release_many(self, names: Sequence[str], holder: bytes) -> None:
        """One pipeline of compare-and-delete."""
        await self._execute_pipeline([("EVAL", _RELEASE_SCRIPT, 1, name, holder) for name in names])

    async def is_first(self, name: str, ttl: timedelta) -> bool | None:
        """One SET NX PX, which answers for itself: a server that is full or refuses it cannot say, either."""
        answer = await self._execute(partial(self._take, name, _milliseconds(ttl)), _UNKNOWN)
        return None if answer is _UNKNOWN else bool(answer)

    async def _take(self, name: str, ttl: int) -> Any:
        return await self._client.set(name, b"", nx=True, px=ttl)

    async def add_counts(self, name: str, counts: Mapping[str, int], ttl: timedelta) -> None:
        """One transaction of HINCRBY and PEXPIRE: no counter is without an end."""
        if not counts:
            return
        pipeline = self._client.pipeline(transaction=True)
        for field, count in counts.items():
            pipeline.execute_command("HINCRBY", name, field, count)
        pipeline.execute_command("PEXPIRE", name, _milliseconds(ttl))
        await self._execute(pipeline.execute, None)

    async def get_counts(self, names: Sequence[str]) -> list[Mapping[str, int]]:
        """One pipeline of HGETALL."""
        answers = await self._execute_pipeline([("HGETALL", name) for name in names])
        if answers is None:
            return [{} for _ in names]
        return [{field.decode(): int(count) for field, count in answer.items()} for answer in answers]

    async def flush(self) -> None:
        """Does nothing: values are written at once."""

    async def status(self) -> CacheStatus:
        """Pings the server and writes to it, even while the circuit is open: health must be current."""
        reachable = bool(await self._execute(self._client.ping, False, always=True))
        writable = reachable and bool(await self._execute(self._write_probe, False, always=True))
        text = f"{self._kind} cache"
        if not reachable:
            text += f" unreachable: {self._fault}"
        elif not writable:
            text += f" takes no results: {self._fault}"
        return CacheStatus(self._kind, reachable, text, writable, self._failures, self._skipped)

    async def _write_probe(self) -> Any:
        # A full server still answers a ping.
        return await self._client.set(f"{NAME_PREFIX}:health", b"", px=1_000)

    async def close(self) -> None:
        """Close all connections; stop the server if it is the embedded one."""
        await self._client.aclose()
        if self._stop is not None:
            await self._stop()

    async def _execute_pipeline(self, commands: Sequence[tuple[Any, ...]]) -> list[Any] | None:
        if not commands:
            return []
        pipeline = self._client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        return await self._execute(pipeline.execute, None)

    async def _execute(self, operation: Callable[[], Any], otherwise: T, *, always: bool = False) -> T:
        if not always and not self._breaker.allows_call():
            self._skipped += 1
            return otherwise
        try:
            async with asyncio.timeout(self._timeout):
                answer: T = await operation()
        except (ResponseError, MaxConnectionsError) as fault:
            # The server answers, or there are too many connections: no reason to open the circuit.
            self._note_fault(fault)
        except (RedisError, OSError) as fault:
            self._note_fault(fault)
            self._breaker.record_failure()
        else:
            self._breaker.record_success()
            return answer
        return otherwise

    def _note_fault(self, fault: Exception) -> None:
        self._failures += 1
        # The fault's own text may contain an address, a name or a command.
        # On connecting, the client wraps the server's error.
        match fault.__cause__ or fault:
            case AuthenticationError():
                self._fault = "it refuses the password"
            case TimeoutError() | RedisTimeoutError():
                self._fault = "no answer in time"
            case OutOfMemoryError():
                self._fault = "it is full (maxmemory)"
            case ResponseError():
                self._fault = "it refuses commands"
            case _:
                self._fault = "no connection"


def _milliseconds(ttl: timedelta) -> int:
    return max(1, ttl // timedelta(milliseconds=1))


@dataclass(frozen=True, slots=True)
class _Queued:
    """A value with its time to live, and when it expires (``time.monotonic``)."""

    value: bytes
    ttl: timedelta
    expires_at: float


class WriteBehindStore:
    """A queue before another store, written ``pause`` seconds after the first value was queued.

    Queued values are found by this process; other processes find them once they are written, which is at once before a
    lock is released.  It is used inside of ``SealedStore``: all queued values are encrypted.

    The time to live of a value begins when it is written.  If the queue would exceed ``max_bytes``, or the store is
    unavailable, ``put_many`` writes directly.  A write that fails is counted by the store, and not repeated.  One
    object serves one event loop.
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
        """That of the store."""
        return self._store.available

    async def get_many(self, names: Sequence[str]) -> list[bytes | None]:
        """Queued values, and those of the store for the other names."""
        if not self._queue and not self._being_written:
            return await self._store.get_many(names)
        queue = {name: queued for name in names if (queued := self._queue.get(name) or self._being_written.get(name))}
        others = [name for name in names if name not in queue]
        now = time.monotonic()
        stored = dict(zip(others, await self._store.get_many(others), strict=True)) if others else {}
        return [
            stored[name] if (queued := queue.get(name)) is None else queued.value if now < queued.expires_at else None
            for name in names
        ]

    async def put_many(self, items: Mapping[str, bytes], ttl: timedelta) -> None:
        """Queues the values."""
        size = sum(map(len, items.values()))
        if not self._store.available or self._size + size > self._max_bytes:
            await self.flush()
            await self._store.put_many(items, ttl)
            return
        if not items:
            return
        expires_at = time.monotonic() + ttl.total_seconds()
        self._queue.update((name, _Queued(value, ttl, expires_at)) for name, value in items.items())
        self._size += size
        if self._timer is None and not self._is_writing():
            self._timer = asyncio.get_running_loop().call_later(self._pause, self._start_write)

    async def claim_many(self, names: Sequence[str], holder: bytes, ttl: timedelta) -> list[bool]:
        """As the store does."""
        return await self._store.claim_many(names, holder, ttl)

    async def release_many(self, names: Sequence[str], holder: bytes) -> None:
        """Writes the queue first: whoever waited for the lock must find what was computed under it."""
        await self.flush()
        await self._store.release_many(names, holder)

    async def is_first(self, name: str, ttl: timedelta) -> bool | None:
        """As the store does, at once."""
        return await self._store.is_first(name, ttl)

    async def add_counts(self, name: str, counts: Mapping[str, int], ttl: timedelta) -> None:
        """As the store does: counts are not queued."""
        await self._store.add_counts(name, counts, ttl)

    async def get_counts(self, names: Sequence[str]) -> list[Mapping[str, int]]:
        """As the store does."""
        return await self._store.get_counts(names)

    async def flush(self) -> None:
        """Writes the queue; returns when it is empty."""
        while self._queue or self._is_writing():
            # The waiting task may be cancelled; the write contains the values of others too.
            await asyncio.shield(self._start_write())

    async def status(self) -> CacheStatus:
        """That of the store."""
        return await self._store.status()

    async def close(self) -> None:
        """Writes the queue, and closes the store."""
        try:
            await self.flush()
        finally:
            await self._store.close()

    def _is_writing(self) -> bool:
        """Whether a write is in progress.  One that has ended is finished here if its callback has not run yet."""
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
            if now < queued.expires_at:
                by_ttl.setdefault(queued.ttl, {})[name] = queued.value
        for ttl, items in by_ttl.items():
            await self._store.put_many(items, ttl)

    def _finish_write(self, task: asyncio.Task[None]) -> None:
        if task is not self._task:
            return
        self._being_written, self._task = {}, None
        # A store does not raise; if one does, there may be no caller left to raise it to.
        if not task.cancelled() and (fault := task.exception()) is not None:
            log.error("a write to the cache raised %s", type(fault).__name__)
        if self._queue and self._timer is None and not task.get_loop().is_closed():
            self._timer = task.get_loop().call_later(self._pause, self._start_write)

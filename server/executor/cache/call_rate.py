"""Questions a second of each caller, counted in this process or in the cache that several processes share.

What a caller is, the edge decides; it is a name here, and a keyed hash of it in the shared cache.
"""

import asyncio
import hashlib
import logging
import time
from typing import TYPE_CHECKING, Any

from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from limits.aio.storage import Storage

log = logging.getLogger(__name__)

_STORE_TIMEOUT = 0.25
_STORE_PAUSE = 10.0
"""Seconds for which a store that fails is not asked again; meanwhile this process counts for itself."""


class LocalRate:
    """Questions a second, counted in this process."""

    def __init__(self, per_second: int) -> None:
        from limits.aio.storage import MemoryStorage

        self._counted = _Counted(MemoryStorage(), per_second)

    async def allows(self, caller: str) -> bool:
        """Count one more; whether it may be asked."""
        return await self._counted.allows(caller)

    async def aclose(self) -> None:
        """It has no connections."""


class SharedRate:
    """Questions a second, counted in the cache that several processes share.  While it fails, each counts for itself.

    ``key``: of the hash under which a caller is counted; equal in all processes.
    """

    def __init__(self, url: str, key: bytes, per_second: int) -> None:
        from limits.aio.storage import RedisStorage

        self._connections: ConnectionPool = ConnectionPool.from_url(
            url, protocol=2, socket_connect_timeout=_STORE_TIMEOUT, socket_timeout=_STORE_TIMEOUT
        )
        # The address is in the pool already, with its password; the library types options as plain values.
        pool: Any = self._connections
        storage = RedisStorage("async+redis://", implementation="redispy", key_prefix="mt.rate", connection_pool=pool)
        self._key = key
        self._shared = _Counted(storage, per_second)
        self._local = LocalRate(per_second)
        self._paused_until = 0.0

    async def allows(self, caller: str) -> bool:
        """Count one more; whether it may be asked."""
        if time.monotonic() < self._paused_until:
            return await self._local.allows(caller)
        name = hashlib.blake2b(caller.encode(), key=self._key[:64], digest_size=16, person=b"mt.rate").hexdigest()
        try:
            async with asyncio.timeout(2 * _STORE_TIMEOUT):
                return await self._shared.allows(name)
        except (RedisError, OSError) as error:
            # Its text may hold the address.
            log.warning("questions are counted in this process alone for a while: %s", type(error).__name__)
            self._paused_until = time.monotonic() + _STORE_PAUSE
            return await self._local.allows(caller)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connections.disconnect()


class _Counted:
    """A sliding window of a second over a store of `limits`."""

    def __init__(self, storage: "Storage", per_second: int) -> None:
        from limits import RateLimitItemPerSecond
        from limits.aio.strategies import SlidingWindowCounterRateLimiter

        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._item = RateLimitItemPerSecond(per_second)

    async def allows(self, caller: str) -> bool:
        return await self._limiter.hit(self._item, caller)

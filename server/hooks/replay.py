"""Tokens that were used: each is good for one call (CDS Hooks 2.0, ``jti``), as long as it can live.

What is kept is a keyed hash of the client and the ``jti``.  Processes that share a cache share it; where that cannot
answer, nobody knows, and nobody is let in.  Without one, this process is alone and remembers for itself.
"""

import hashlib
import heapq
import time
from collections.abc import Callable
from datetime import timedelta

from server.executor.cache.store import NAME_PREFIX, Store
from server.hooks.errors import ReplayStoreError

MOST_KEPT = 200_000
"""Tokens of one client that a process remembers: one with a hundred calls a second has 72,000 that count."""
_RETRY = {"Retry-After": "1"}


class Replays:
    """The tokens that were used, in the shared cache (``store``), or in this process (None).

    ``key``: of the hash (at most 64 bytes), equal in all processes that share the cache.  ``clock``: monotonic seconds.
    ``most``: tokens of one client that this process remembers.
    """

    def __init__(
        self,
        store: Store | None,
        key: bytes,
        clock: Callable[[], float] = time.monotonic,
        most: int = MOST_KEPT,
    ) -> None:
        self._store = store
        self._key = key
        self._clock = clock
        self._most = most
        self._used: dict[str, _Used] = {}

    async def is_first(self, client: str, jti: str, seconds: float) -> bool:
        """Whether the token is used for the first time; it lives for ``seconds`` from now on.

        Raises ReplayStoreError where that cannot be known.
        """
        content = f"{len(client)}\n{client}\n{jti}".encode()
        hashed = hashlib.blake2b(content, key=self._key, digest_size=24, person=b"mt.hook.jti")
        if self._store is None:
            # Each client has room of its own: one that floods locks nobody else out.
            used = self._used.setdefault(client, _Used(self._most))
            return used.is_first(hashed.digest(), self._clock(), seconds)
        lives = timedelta(seconds=max(seconds, 1.0))
        first = await self._store.is_first(f"{NAME_PREFIX}:hook-jti:{hashed.hexdigest()}", lives)
        if first is None:
            text = "the shared cache does not answer, so that nobody knows whether a token was used before"
            raise ReplayStoreError(text, _RETRY)
        return first


class _Used:
    """The tokens of one client that were used in this process, at most ``most``."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._used: set[bytes] = set()
        self._ends: list[tuple[float, bytes]] = []

    def is_first(self, token: bytes, now: float, seconds: float) -> bool:
        """Whether the token is used for the first time.  Raises ReplayStoreError where no more can be remembered."""
        # Nothing is awaited: of several at once, one is the first.
        while self._ends and self._ends[0][0] <= now:
            self._used.discard(heapq.heappop(self._ends)[1])
        if token in self._used:
            return False
        if len(self._used) >= self._most:
            # To forget one that lives would let it be used again.
            raise ReplayStoreError("as many tokens are remembered as can be", _RETRY)
        self._used.add(token)
        heapq.heappush(self._ends, (now + seconds, token))
        return True

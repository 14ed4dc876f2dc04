"""What the executor needs of a cache, the cache that stores nothing, and the names of cached entries.

Each name ends in a keyed hash: nothing about a patient can be read in one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Protocol

from server.executor.fingerprint import FORMAT

CacheKind = Literal["embedded", "shared", "none"]


@dataclass(frozen=True, slots=True)
class CacheStatus:
    """How the cache does, for health and metrics.

    ``failures`` counts calls that the server did not answer as asked, ``skipped`` calls not made since it had just
    failed, ``unreadable`` values that did not decrypt.  ``text`` names no address and no secret.
    """

    kind: CacheKind
    reachable: bool
    text: str
    failures: int = 0
    skipped: int = 0
    unreadable: int = 0


class Store(Protocol):
    """A cache of bytes under names.  No method raises for a fault of the cache: it gives misses."""

    @property
    def available(self) -> bool:
        """Whether the cache answered when last asked (True before that); asks nothing."""

    async def get_many(self, names: Sequence[str]) -> list[bytes | None]:
        """The values under these names, in their order, in one request; None where there is none."""

    async def put_many(self, items: Mapping[str, bytes], ttl: timedelta) -> None:
        """Keep these values for ``ttl`` (to the millisecond, at least one), in one request."""

    async def claim_many(self, names: Sequence[str], holder: bytes, ttl: timedelta) -> list[bool]:
        """Take these locks for ``holder``; False where another holds one.  True where the cache cannot tell."""

    async def release_many(self, names: Sequence[str], holder: bytes) -> None:
        """Give up those of these locks that ``holder`` still holds."""

    async def flush(self) -> None:
        """Return when nothing that was put is still waiting to be written."""

    async def status(self) -> CacheStatus:
        """Asks the server, and says how it does."""

    async def close(self) -> None:
        """Give back connections, and stop the server if it is ours."""


class NoStore:
    """Holds nothing: every question is a miss, every lock is free."""

    def __init__(self, text: str = "no cache", kind: CacheKind = "none") -> None:
        self._status = CacheStatus(kind, reachable=False, text=text)

    @property
    def available(self) -> bool:
        """False."""
        return False

    async def get_many(self, names: Sequence[str]) -> list[bytes | None]:
        """None for each."""
        return [None] * len(names)

    async def put_many(self, items: Mapping[str, bytes], ttl: timedelta) -> None:
        """Forgets them."""

    async def claim_many(self, names: Sequence[str], holder: bytes, ttl: timedelta) -> list[bool]:
        """True for each."""
        return [True] * len(names)

    async def release_many(self, names: Sequence[str], holder: bytes) -> None:
        """Does nothing."""

    async def flush(self) -> None:
        """Does nothing."""

    async def status(self) -> CacheStatus:
        """Why there is no cache."""
        return self._status

    async def close(self) -> None:
        """Does nothing."""


NAME_PREFIX = f"mt:{FORMAT}"
"""Every name in the cache begins with it; those of another format are never found."""

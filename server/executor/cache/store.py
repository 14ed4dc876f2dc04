"""The interface of a cache, and the cache that stores nothing.

Each name in a cache ends in a keyed hash: it tells nothing about a patient.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Protocol

from server.executor.fingerprint import FORMAT

CacheKind = Literal["embedded", "shared", "none"]


@dataclass(frozen=True, slots=True)
class CacheStatus:
    """The state of the cache, for health and metrics.

    ``writable``: whether it takes results; one that is full is reachable, and does not.  ``failures`` counts calls that
    failed, ``skipped`` calls not made while the circuit was open, ``unreadable`` values
    that could not be decrypted.  ``text`` contains no address and no secret.
    """

    kind: CacheKind
    reachable: bool
    text: str
    writable: bool = True
    failures: int = 0
    skipped: int = 0
    unreadable: int = 0


class Store(Protocol):
    """A cache of bytes under names.  No method raises for a fault of the cache: its values are missing then."""

    @property
    def available(self) -> bool:
        """Whether the last call succeeded (True before the first); makes no call."""

    async def get_many(self, names: Sequence[str]) -> list[bytes | None]:
        """The values under these names, in their order, in one request; None for a miss."""

    async def put_many(self, items: Mapping[str, bytes], ttl: timedelta) -> None:
        """Store these values for ``ttl`` (whole milliseconds, at least one), in one request."""

    async def claim_many(self, names: Sequence[str], holder: bytes, ttl: timedelta) -> list[bool]:
        """Acquire these locks for ``holder``: False for one that another holds, True if the cache is unavailable."""

    async def release_many(self, names: Sequence[str], holder: bytes) -> None:
        """Release those of these locks that ``holder`` still holds."""

    async def is_first(self, name: str, ttl: timedelta) -> bool | None:
        """Take a name for ``ttl``: True once, False for whoever comes after; None where the cache cannot say."""

    async def add_counts(self, name: str, counts: Mapping[str, int], ttl: timedelta) -> None:
        """Add to the counters of this name, by field; all of them are kept for ``ttl`` from now on.

        They are not encrypted: no name of a field may tell anything of a patient.
        """

    async def get_counts(self, names: Sequence[str]) -> list[Mapping[str, int]]:
        """The counters of these names, in their order, in one request; none for a miss."""

    async def flush(self) -> None:
        """Wait until all stored values are written."""

    async def status(self) -> CacheStatus:
        """The state of the cache; calls the server."""

    async def close(self) -> None:
        """Close connections, and stop the server if it is the embedded one."""


class NoStore:
    """Stores nothing: every look-up is a miss, every lock is free."""

    def __init__(self, text: str = "no cache", kind: CacheKind = "none") -> None:
        self._status = CacheStatus(kind, reachable=False, text=text, writable=False)

    @property
    def available(self) -> bool:
        """False."""
        return False

    async def get_many(self, names: Sequence[str]) -> list[bytes | None]:
        """None for each."""
        return [None] * len(names)

    async def put_many(self, items: Mapping[str, bytes], ttl: timedelta) -> None:
        """Discards the values."""

    async def claim_many(self, names: Sequence[str], holder: bytes, ttl: timedelta) -> list[bool]:
        """True for each."""
        return [True] * len(names)

    async def release_many(self, names: Sequence[str], holder: bytes) -> None:
        """Does nothing."""

    async def is_first(self, name: str, ttl: timedelta) -> bool | None:
        """None."""
        return None

    async def add_counts(self, name: str, counts: Mapping[str, int], ttl: timedelta) -> None:
        """Counts nothing."""

    async def get_counts(self, names: Sequence[str]) -> list[Mapping[str, int]]:
        """No counters for each name."""
        return [{} for _ in names]

    async def flush(self) -> None:
        """Does nothing."""

    async def status(self) -> CacheStatus:
        """Says why there is no cache."""
        return self._status

    async def close(self) -> None:
        """Does nothing."""


NAME_PREFIX = f"mt:{FORMAT}"
"""Prefix of every name in the cache: entries of another format are not found."""

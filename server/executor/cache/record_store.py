"""Fetched records in the cache: sealed, under a hashed name."""

from datetime import timedelta

from collectors.fetching.record_cache import CacheName
from ontology.encoding import digest
from server.executor.cache.store import NAME_PREFIX, Store

_PERSON = b"mt.shelf"


class RecordStore:
    """Implements ``collectors.fetching.record_cache.RecordCache``.

    ``store`` must be one that seals; ``key`` hashes the names.
    """

    def __init__(self, store: Store, key: bytes) -> None:
        self._store = store
        self._key = key

    async def get(self, name: CacheName) -> bytes | None:
        """What lies there; None too where the cache is away."""
        (content,) = await self._store.get_many([self._hashed_name(name)])
        return content

    async def put(self, name: CacheName, content: bytes, keep: timedelta) -> None:
        """Puts it there for a while, if the cache is there."""
        await self._store.put_many({self._hashed_name(name): content}, keep)

    def _hashed_name(self, name: CacheName) -> str:
        return f"{NAME_PREFIX}:shelf:{digest(name, self._key, _PERSON)}"

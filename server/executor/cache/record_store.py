"""Retrieved records in the cache: encrypted, under a hashed name."""

from datetime import timedelta

from collectors.fetching.record_cache import CacheName
from ontology.encoding import digest
from server.executor.cache.store import NAME_PREFIX, Store

_PERSON = b"mt.shelf"


class RecordStore:
    """Retrieved records by name; implements ``collectors.fetching.record_cache.RecordCache``.

    ``store`` must encrypt (``SealedStore``); ``key`` is that of the hashed names.
    """

    def __init__(self, store: Store, key: bytes) -> None:
        self._store = store
        self._key = key

    async def get(self, name: CacheName) -> bytes | None:
        """The content under this name; None for a miss, and if the cache is unavailable."""
        (content,) = await self._store.get_many([self._hashed_name(name)])
        return content

    async def put(self, name: CacheName, content: bytes, keep: timedelta) -> None:
        """Store the content under this name for ``keep``; without effect if the cache is unavailable."""
        await self._store.put_many({self._hashed_name(name): content}, keep)

    def _hashed_name(self, name: CacheName) -> str:
        return f"{NAME_PREFIX}:shelf:{digest(name, self._key, _PERSON)}"

"""A shelf for what collectors fetched, in the cache: sealed, under a name that says nothing."""

from datetime import timedelta

from collectors.fetching.shelf import Name
from ontology.encoding import digest
from server.executor.cache.names import shelf_name
from server.executor.cache.store import Store

_PERSON = b"mt.shelf"


class StoreShelf:
    """Implements ``collectors.fetching.shelf.Shelf``.  ``store`` must be one that seals; ``key`` hashes the names."""

    def __init__(self, store: Store, key: bytes) -> None:
        self._store = store
        self._key = key

    async def get(self, name: Name) -> bytes | None:
        """What lies there; None too where the cache is away."""
        (content,) = await self._store.get_many([self._hashed(name)])
        return content

    async def put(self, name: Name, content: bytes, keep: timedelta) -> None:
        """Puts it there for a while, if the cache is there."""
        await self._store.put_many({self._hashed(name): content}, keep)

    def _hashed(self, name: Name) -> str:
        return shelf_name(digest(name, self._key, _PERSON))

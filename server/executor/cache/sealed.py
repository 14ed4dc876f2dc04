"""Values are encrypted before they leave the process."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from server.executor.cache.store import CacheStatus, Store

_NONCE = 12


class Sealed:
    """AES-256-GCM around another store, with a random nonce for each value, and the name as associated data.

    A value that was changed, sealed under another key, or moved to another name does not open: a miss.  Random nonces
    are safe for 2**32 values under one key; a secret that is used for longer must be changed before.
    """

    def __init__(self, store: Store, key: bytes) -> None:
        self._store = store
        self._cipher = AESGCM(key)
        self._unreadable = 0

    @property
    def available(self) -> bool:
        """As the store says."""
        return self._store.available

    async def get_many(self, names: Sequence[str]) -> list[bytes | None]:
        """The values that open."""
        return [self._open(name, sealed) for name, sealed in zip(names, await self._store.get_many(names), strict=True)]

    async def put_many(self, items: Mapping[str, bytes], ttl: timedelta) -> None:
        """Seals each value to its name."""
        await self._store.put_many({name: self._seal(name, value) for name, value in items.items()}, ttl)

    async def claim_many(self, names: Sequence[str], holder: bytes, ttl: timedelta) -> list[bool]:
        """As the store does: a lock holds no data."""
        return await self._store.claim_many(names, holder, ttl)

    async def release_many(self, names: Sequence[str], holder: bytes) -> None:
        """As the store does."""
        await self._store.release_many(names, holder)

    async def flush(self) -> None:
        """As the store does."""
        await self._store.flush()

    async def status(self) -> CacheStatus:
        """The store's, with the count of values that did not open."""
        return replace(await self._store.status(), unreadable=self._unreadable)

    async def close(self) -> None:
        """Closes the store."""
        await self._store.close()

    def _seal(self, name: str, value: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, value, name.encode("utf-8"))

    def _open(self, name: str, sealed: bytes | None) -> bytes | None:
        if sealed is None:
            return None
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], name.encode("utf-8"))
        except (InvalidTag, ValueError):
            self._unreadable += 1
            return None

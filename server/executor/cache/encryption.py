"""One secret and a key derived from it for each purpose; and the encryption of cached values."""

import hashlib
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from server.errors import SettingsError
from server.executor.cache.store import CacheStatus, Store

MIN_SECRET_BYTES = 32
"""Fewest bytes of a configured secret: keys are derived from it, not stretched."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys of 32 bytes.

    ``fingerprint`` for hashes of content, ``seen`` for the names of last-seen entries and retrieved records, ``seal``
    for encryption, ``scope`` for hashes of callers' tokens, ``argument`` for seals of exported arguments, ``launch``
    for the names and the encryption of sessions, ``hooks`` for those of what is kept of cards, overrides and feedback.
    ``configured``: derived from a configured secret, and so the same after a restart.
    """

    fingerprint: bytes = field(repr=False)
    seen: bytes = field(repr=False)
    seal: bytes = field(repr=False)
    scope: bytes = field(repr=False)
    argument: bytes = field(repr=False)
    launch: bytes = field(repr=False)
    hooks: bytes = field(repr=False)
    configured: bool = field(repr=False)

    @classmethod
    def from_secret(cls, secret: bytes | None) -> "Keyring":
        """Keys derived (HKDF-SHA256) from the configured secret; None: from a random one, for this process only.

        Raises SettingsError for a secret of less than 32 bytes.
        """
        configured = secret is not None
        if secret is None:
            secret = secrets.token_bytes(MIN_SECRET_BYTES)
        if len(secret) < MIN_SECRET_BYTES:
            raise SettingsError(f"cache.key must have at least {MIN_SECRET_BYTES} bytes")
        purposes = ("fingerprint", "seen", "seal", "scope", "argument", "launch", "hooks")
        return cls(**{each: _derive_key(secret, each.encode()) for each in purposes}, configured=configured)

    @property
    def argument_seal_key(self) -> bytes | None:
        """The key for seals of exported arguments; None if no secret is configured, since a random key could not
        check a seal later."""
        return self.argument if self.configured else None

    def scope_of(self, token: str | None) -> str:
        """A keyed hash (hex) of a caller's token, equal in all processes with this secret; "" for no token."""
        if token is None:
            return ""
        return hashlib.blake2b(token.encode(), key=self.scope, digest_size=32).hexdigest()


def _derive_key(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"medtwin cache " + purpose).derive(secret)


_NONCE_BYTES = 12


class SealedStore:
    """Encrypts the values of another store: AES-256-GCM, a random nonce for each value, the name as associated data.

    A value that was changed, encrypted under another key, or moved to another name cannot be decrypted: a miss.  Random
    nonces are safe for 2**32 values under one key; the secret must be changed before that.
    """

    def __init__(self, store: Store, key: bytes) -> None:
        self._store = store
        self._cipher = AESGCM(key)
        self._unreadable = 0

    def under(self, key: bytes) -> "SealedStore":
        """The same store, for values under another key: neither can read those of the other."""
        return SealedStore(self._store, key)

    @property
    def available(self) -> bool:
        """That of the store."""
        return self._store.available

    async def get_many(self, names: Sequence[str]) -> list[bytes | None]:
        """The decrypted values; None for one that cannot be decrypted."""
        return [self._open(name, sealed) for name, sealed in zip(names, await self._store.get_many(names), strict=True)]

    async def put_many(self, items: Mapping[str, bytes], ttl: timedelta) -> None:
        """Encrypts each value, bound to its name."""
        await self._store.put_many({name: self._seal(name, value) for name, value in items.items()}, ttl)

    async def claim_many(self, names: Sequence[str], holder: bytes, ttl: timedelta) -> list[bool]:
        """As the store does: a lock contains no data."""
        return await self._store.claim_many(names, holder, ttl)

    async def release_many(self, names: Sequence[str], holder: bytes) -> None:
        """As the store does."""
        await self._store.release_many(names, holder)

    async def is_first(self, name: str, ttl: timedelta) -> bool | None:
        """As the store does: a name that is taken contains no data."""
        return await self._store.is_first(name, ttl)

    async def add_counts(self, name: str, counts: Mapping[str, int], ttl: timedelta) -> None:
        """As the store does: what is added to cannot be encrypted."""
        await self._store.add_counts(name, counts, ttl)

    async def get_counts(self, names: Sequence[str]) -> list[Mapping[str, int]]:
        """As the store does."""
        return await self._store.get_counts(names)

    async def flush(self) -> None:
        """As the store does."""
        await self._store.flush()

    async def status(self) -> CacheStatus:
        """That of the store, with the number of values that could not be decrypted."""
        return replace(await self._store.status(), unreadable=self._unreadable)

    async def close(self) -> None:
        """Closes the store."""
        await self._store.close()

    def _seal(self, name: str, value: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, value, name.encode("utf-8"))

    def _open(self, name: str, sealed: bytes | None) -> bytes | None:
        if sealed is None:
            return None
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], name.encode("utf-8"))
        except (InvalidTag, ValueError):
            self._unreadable += 1
            return None

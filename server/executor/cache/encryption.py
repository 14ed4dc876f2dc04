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
    """Keys of 32 bytes: ``fingerprint`` for hashes of content, ``seen`` for last-seen names, ``seal`` to encrypt,
    ``scope`` for what stands for a caller's authorisation, and ``argument`` for seals of exported arguments.

    ``configured``: they come from a secret that was set, and will be the same after a restart.
    """

    fingerprint: bytes = field(repr=False)
    seen: bytes = field(repr=False)
    seal: bytes = field(repr=False)
    scope: bytes = field(repr=False)
    argument: bytes = field(repr=False)
    configured: bool = field(repr=False)

    @classmethod
    def from_secret(cls, secret: bytes | None) -> "Keyring":
        """Keys derived (HKDF-SHA256) from the configured secret; from a random one, for this process, where None.

        Raises SettingsError for a secret of less than 32 bytes.
        """
        configured = secret is not None
        if secret is None:
            secret = secrets.token_bytes(MIN_SECRET_BYTES)
        if len(secret) < MIN_SECRET_BYTES:
            raise SettingsError(f"cache.key must have at least {MIN_SECRET_BYTES} bytes")
        purposes = (b"fingerprint", b"seen", b"seal", b"scope", b"argument")
        fingerprint, seen, seal, scope, argument = (_derive_key(secret, purpose) for purpose in purposes)
        return cls(fingerprint, seen, seal, scope, argument, configured)

    @property
    def argument_seal_key(self) -> bytes | None:
        """The key for seals of exported arguments; None where no secret is configured: a random one checks nothing
        later."""
        return self.argument if self.configured else None

    def scope_of(self, token: str | None) -> str:
        """What stands for a caller's token: a keyed hash, equal in all processes with this secret; "" for none."""
        if token is None:
            return ""
        return hashlib.blake2b(token.encode(), key=self.scope, digest_size=32).hexdigest()


def _derive_key(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"medtwin cache " + purpose).derive(secret)


_NONCE_BYTES = 12


class SealedStore:
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

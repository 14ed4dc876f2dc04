"""One secret, and a key out of it for each purpose."""

import hashlib
import secrets
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from server.errors import SettingsError

LEAST = 32
"""Fewest bytes of a configured secret: keys are derived from it, not stretched."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys of 32 bytes: ``fingerprint`` for hashes of content, ``seen`` for last-seen names, ``seal`` to encrypt, and
    ``scope`` for what stands for a caller's authorisation."""

    fingerprint: bytes = field(repr=False)
    seen: bytes = field(repr=False)
    seal: bytes = field(repr=False)
    scope: bytes = field(repr=False)

    @classmethod
    def of(cls, secret: bytes | None) -> "Keyring":
        """Keys derived (HKDF-SHA256) from the configured secret; from a random one, for this process, where None.

        Raises SettingsError for a secret of less than 32 bytes.
        """
        if secret is None:
            secret = secrets.token_bytes(LEAST)
        if len(secret) < LEAST:
            raise SettingsError(f"cache.key must have at least {LEAST} bytes")
        return cls(*(_derive(secret, purpose) for purpose in (b"fingerprint", b"seen", b"seal", b"scope")))

    def scope_of(self, token: str | None) -> str:
        """What stands for a caller's token: a keyed hash, equal in all processes with this secret; "" for none."""
        if token is None:
            return ""
        return hashlib.blake2b(token.encode(), key=self.scope, digest_size=32).hexdigest()


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"medtwin cache " + purpose).derive(secret)

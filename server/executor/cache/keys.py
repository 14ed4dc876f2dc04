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
    def of(cls, secret: bytes | None) -> "Keyring":
        """Keys derived (HKDF-SHA256) from the configured secret; from a random one, for this process, where None.

        Raises SettingsError for a secret of less than 32 bytes.
        """
        configured = secret is not None
        if secret is None:
            secret = secrets.token_bytes(LEAST)
        if len(secret) < LEAST:
            raise SettingsError(f"cache.key must have at least {LEAST} bytes")
        purposes = (b"fingerprint", b"seen", b"seal", b"scope", b"argument")
        fingerprint, seen, seal, scope, argument = (_derive(secret, purpose) for purpose in purposes)
        return cls(fingerprint, seen, seal, scope, argument, configured)

    @property
    def sealing(self) -> bytes | None:
        """The key for seals of exported arguments; None where no secret is configured: a random one checks nothing
        later."""
        return self.argument if self.configured else None

    def scope_of(self, token: str | None) -> str:
        """What stands for a caller's token: a keyed hash, equal in all processes with this secret; "" for none."""
        if token is None:
            return ""
        return hashlib.blake2b(token.encode(), key=self.scope, digest_size=32).hexdigest()


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"medtwin cache " + purpose).derive(secret)

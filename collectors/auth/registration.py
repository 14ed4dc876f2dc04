"""Our registration with an authorisation server, and the signed assertion that identifies us there."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import jwt

from collectors.auth.signing_key import SigningKey, read_key
from collectors.credentials import credential_error, read_private_text
from collectors.errors import CredentialError
from collectors.settings import Source

ASSERTION_LIFETIME = 240
"""Seconds for which an assertion is valid: SMART allows five minutes, and clocks differ."""


@dataclass(frozen=True, slots=True)
class Registration:
    """Our ``client_id``, the key registered for it, and the requested ``scope``.

    ``token_url``: the token endpoint; None: that of the source's SMART configuration.  ``jku``: the registered URL of
    our public keys.
    """

    client_id: str
    key: SigningKey
    scope: str
    token_url: str | None = None
    jku: str | None = None

    def digest(self) -> str:
        """A text that identifies the rights of this registration: other rights, another text."""
        text = "\n".join((self.client_id, self.scope, self.token_url or ""))
        return f"backend:{hashlib.sha256(text.encode()).hexdigest()}"


def read_registration(source: Source, environ: Mapping[str, str]) -> Registration:
    """Our registration for a source with ``auth = "backend"``, with its key.  Raises CredentialError."""
    backend = source.backend
    if backend is None:
        raise CredentialError(f'source {source.id}: auth = "backend" needs backend.client_id and a key')
    if backend.key_file is not None:
        setting, text = "backend.key_file", read_private_text(source, "backend.key_file", backend.key_file)
    else:
        setting, text = "backend.key_env", environ.get(backend.key_env or "", "")
        if not text:
            raise CredentialError(f"source {source.id}: {setting}: the environment variable that it names is not set")
    key = _read_signing_key(source, setting, text, backend.key_id)
    return Registration(backend.client_id, key, backend.scope, backend.token_url, backend.jwks_url)


def _read_signing_key(source: Source, setting: str, text: str, kid: str | None) -> SigningKey:
    try:
        return read_key(text, kid)
    except CredentialError as error:
        raise credential_error(source, setting, str(error)) from None


def sign_assertion(registration: Registration, token_url: str, now: float) -> str:
    """A signed client assertion for one request at ``token_url``; ``now`` in seconds of the epoch.

    Headers and claims are exactly those of SMART App Launch 2.2, asymmetric client authentication.
    """
    claims = {
        "iss": registration.client_id,
        "sub": registration.client_id,
        "aud": token_url,
        "exp": int(now) + ASSERTION_LIFETIME,
        "jti": secrets.token_urlsafe(24),
    }
    headers = {"kid": registration.key.kid, "typ": "JWT"}
    if registration.jku is not None:
        headers["jku"] = registration.jku
    return jwt.encode(claims, registration.key.private, algorithm=registration.key.algorithm, headers=headers)

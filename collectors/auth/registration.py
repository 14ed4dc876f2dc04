"""How we are registered with an authorisation server, and the assertion by which we say that it is us."""

import hashlib
import secrets
from dataclasses import dataclass

import jwt

from collectors.auth.keys import SigningKey

LIFETIME = 240
"""Seconds for which an assertion holds: SMART allows five minutes, and clocks differ."""


@dataclass(frozen=True, slots=True)
class Registration:
    """Our ``client_id``, the key that was registered for it, and which ``scope`` is asked for.

    ``token_url``: where tokens are given; None: where the source's SMART configuration says.  ``jku``: where our
    public keys are published, as it was registered.
    """

    client_id: str
    key: SigningKey
    scope: str
    token_url: str | None = None
    jku: str | None = None

    def digest(self) -> str:
        """What stands for the rights that come with this registration: other ones, other text."""
        text = "\n".join((self.client_id, self.scope, self.token_url or ""))
        return f"backend:{hashlib.sha256(text.encode()).hexdigest()}"


def assertion(registration: Registration, token_url: str, now: float) -> str:
    """A signed statement for one request at ``token_url``: who we are, until when (``now``: seconds of the epoch).

    Headers and claims are those of SMART App Launch 2.2, asymmetric client authentication, and no others.
    """
    claims = {
        "iss": registration.client_id,
        "sub": registration.client_id,
        "aud": token_url,
        "exp": int(now) + LIFETIME,
        "jti": secrets.token_urlsafe(24),
    }
    headers = {"kid": registration.key.kid, "typ": "JWT"}
    if registration.jku is not None:
        headers["jku"] = registration.jku
    return jwt.encode(claims, registration.key.private, algorithm=registration.key.algorithm, headers=headers)

"""The public keys of an issuer (JWKS, RFC 7517): fetched when a token needs them, and seldom.

Whatever tokens arrive, a set is fetched at most once in ten seconds.  So a flood of invented key ids costs the issuer
nothing, and a new key, or the withdrawal of an old one, is noticed in time nevertheless.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import jwt

from server.access.bounded_http import IssuerUnavailableError

log = logging.getLogger("medtwin.issuers")

PAUSE = 10.0
"""Seconds between the beginnings of two fetches, at least."""
FRESH = 60.0
"""Seconds after which a set that is in use is fetched again: a key that was withdrawn is accepted no longer."""
STALE = 600.0
"""Seconds for which a set is used that cannot be fetched again."""
_LEAST_RSA_BITS = 2048
_LONGEST_RSA_MODULUS = 1400
"""Characters of base64url: 8192 bits, and a little more."""

_KEY_TYPES: Mapping[str, tuple[str, str | None]] = {
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
    **{f"{family}{bits}": ("RSA", None) for family in ("RS", "PS") for bits in (256, 384, 512)},
}
"""By algorithm, the type and curve of its keys (RFC 7518, RFC 8037)."""

Jwk = dict[str, Any]


class ReadsJson(Protocol):
    """Whoever brings the JSON object at an address, or raises IssuerUnavailableError: within bounds."""

    async def get_json(self, url: str, /) -> dict[str, Any]:
        """The object."""


class KeySet:
    """The keys at one address; ``issuer`` names it in the log.  ``clock`` gives monotonic seconds."""

    def __init__(self, issuer: str, url: str, http: ReadsJson, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer
        self._url = url
        self._http = http
        self._clock = clock
        self._keys: list[Jwk] = []
        self._fetched_at = float("-inf")
        self._began_at = float("-inf")
        self._fault: str | None = None
        self._fetch: asyncio.Task[None] | None = None

    async def find(self, kid: str, algorithm: str) -> Jwk | None:
        """The key of this id that is for this algorithm; None where the set holds none.

        Raises IssuerUnavailableError where that cannot be known.
        """
        await self._refresh()
        if (found := self._lookup(kid, algorithm)) is not None:
            return found
        if await self.fetch_again():
            return self._lookup(kid, algorithm)
        if self._fault is not None:
            raise IssuerUnavailableError(self._fault)
        return None

    async def fetch_again(self) -> bool:
        """Fetch the set, unless that was done a moment ago.  Whether it was fetched now."""
        if self._fetch is None and self._clock() < self._began_at + PAUSE:
            return False
        await self._wait_for_fetch()
        return self._fault is None

    async def fault(self) -> str | None:
        """Why the set cannot be used now; None where it holds a key that can verify."""
        await self._wait_for_fetch()
        return self._fault if self._fault or self._keys else "its key set holds no key that can verify a signature"

    @property
    def retry_after(self) -> int:
        """Seconds, 1 at least, until the set may be fetched again."""
        left = self._began_at + PAUSE - self._clock()
        return math.ceil(left) if left > 1 else 1

    async def aclose(self) -> None:
        """Ends a fetch under way."""
        if self._fetch is not None:
            self._fetch.cancel()
            await asyncio.wait({self._fetch})

    async def _refresh(self) -> None:
        """Have keys that are recent enough.  Raises IssuerUnavailableError where there are none."""
        age = self._clock() - self._fetched_at
        if age < FRESH:
            return
        due = self._fetch is not None or self._clock() >= self._began_at + PAUSE
        if age < STALE and self._fault is not None:
            # The last attempt failed: nobody waits for the next one as long as the keys at hand may be used.
            if due:
                self._start_fetch()
            return
        if due:
            await self._wait_for_fetch()
        if self._fault is not None and self._clock() - self._fetched_at >= STALE:
            raise IssuerUnavailableError(self._fault)

    async def _wait_for_fetch(self) -> None:
        # Shielded: a caller who goes away must not end what others wait for, nor use up the attempt.
        await asyncio.shield(self._start_fetch())

    def _start_fetch(self) -> "asyncio.Task[None]":
        if self._fetch is None:
            self._began_at = self._clock()
            self._fetch = asyncio.create_task(self._fetch_keys())
            self._fetch.add_done_callback(self._forget_fetch)
        return self._fetch

    def _forget_fetch(self, _: object) -> None:
        self._fetch = None

    async def _fetch_keys(self) -> None:
        try:
            content = await self._http.get_json(self._url)
            keys = content.get("keys")
            if not isinstance(keys, list):
                raise IssuerUnavailableError("its answer is not a key set")
        except IssuerUnavailableError as error:
            self._fault = f"its key set cannot be retrieved: {error}"
            log.warning("issuer %s: %s", self._issuer, self._fault)
            return
        self._keys = [key for key in keys if _can_verify(key)]
        self._fetched_at = self._clock()
        self._fault = None

    def _lookup(self, kid: str, algorithm: str) -> Jwk | None:
        kind, curve = _KEY_TYPES[algorithm]
        for key in self._keys:
            is_meant = key["kid"] == kid and key.get("alg", algorithm) == algorithm
            if is_meant and key["kty"] == kind and curve in (None, key.get("crv")):
                return key
        return None


def public_key(key: Jwk, algorithm: str) -> jwt.PyJWK | None:
    """The key as PyJWT takes it; None where it cannot be used.

    An RSA key that is too short proves nothing, and one that is very long takes seconds to check with.
    """
    if key["kty"] == "RSA" and not (isinstance(key.get("n"), str) and len(key["n"]) <= _LONGEST_RSA_MODULUS):
        return None
    try:
        found = jwt.PyJWK(key, algorithm)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return None if key["kty"] == "RSA" and found.key.key_size < _LEAST_RSA_BITS else found


def _can_verify(key: object) -> bool:
    """Whether this is the public key of somebody who signs.

    One whose private half is published beside it proves nothing, and neither does a secret that both sides share.
    """
    if not isinstance(key, dict) or not isinstance(key.get("kid"), str) or not key["kid"]:
        return False
    operations = key.get("key_ops", ["verify"])
    return (
        key.get("kty") in ("EC", "RSA", "OKP")
        and "d" not in key
        and key.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
    )

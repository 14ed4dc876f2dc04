"""Checks a JWT by the keys of its issuer (RFC 7519, RFC 8725): algorithm, key, signature, issuer, audience, times."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import jwt

from server.access.bounded_http import IssuerUnavailableError
from server.access.grant import Audiences, Grant
from server.access.key_sets import Jwk, KeySet, public_key
from server.access.tokens import UncheckedJwt, check_times, invalid_token, issuer_unreachable, make_grant, read_audience
from server.settings import IssuerSettings

_OPTIONS: jwt.types.Options = {
    # Times are checked here, by a clock that tests can set; the audience is checked before a key is looked for.
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "require": ["iss", "exp", "aud"],
    "enforce_minimum_key_length": True,
}


_OTHER_AUDIENCE = "it was not issued for this server (aud)"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The key that vouches for a JWT."""

    kid: str
    algorithm: str
    key: Jwk


@dataclass(frozen=True, slots=True)
class CheckedJwt:
    """What a JWT allows, and the key that vouches for it."""

    grant: Grant
    signed_by: SigningKey


class SignatureCheck:
    """Whether a JWT was signed with a key of this set, by one of these algorithms, for this ``iss``.

    ``name``: of the issuer, for refusals.
    """

    def __init__(self, name: str, issuer: str, algorithms: Collection[str], keys: KeySet) -> None:
        self._name = name
        self._issuer = issuer
        self._algorithms = frozenset(algorithms)
        self.keys = keys

    def read_header(self, header: dict[str, Any]) -> tuple[str, str]:
        """The id of the key and the algorithm that a header names.  Raises AccessRefusedError."""
        algorithm, kid = header["alg"], header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in self._algorithms:
            raise invalid_token("it is not signed by an algorithm that is accepted here")
        if "crit" in header:
            # RFC 7515, 4.1.11: what must be understood, and is not.  No extension is understood here.
            raise invalid_token("it needs an extension that is not understood here (crit)")
        if not isinstance(kid, str) or not kid:
            raise invalid_token("it does not name its key (kid)")
        return kid, algorithm

    async def check(self, token: str, unchecked: UncheckedJwt) -> SigningKey:
        """The key that signed it: what it says is what ``unchecked`` has.

        Raises AccessRefusedError, also where the keys cannot be had now (503).
        """
        kid, algorithm = self.read_header(unchecked.header)
        key = await self._find(kid, algorithm)
        if key is None:
            raise invalid_token("its issuer has no such key")
        try:
            claims = self._verify(token, key, algorithm)
        except jwt.InvalidSignatureError:
            # Some issuers change a key and keep its id.
            newer = await self._find(kid, algorithm) if await self.keys.fetch_again() else None
            if newer is None or newer == key:
                raise invalid_token("its signature is not that of its issuer") from None
            key = newer
            try:
                claims = self._verify(token, key, algorithm)
            except jwt.InvalidSignatureError:
                raise invalid_token("its signature is not that of its issuer") from None
        if claims != unchecked.claims:
            # Two readers of one text differ: what was checked is not what was signed.
            raise invalid_token("it cannot be read")
        return SigningKey(kid, algorithm, key)

    async def still_has(self, signed_by: SigningKey) -> bool:
        """Whether the key that vouched for a token is in the set still.  Raises AccessRefusedError."""
        return await self._find(signed_by.kid, signed_by.algorithm) == signed_by.key

    async def _find(self, kid: str, algorithm: str) -> Jwk | None:
        try:
            return await self.keys.find(kid, algorithm)
        except IssuerUnavailableError:
            raise issuer_unreachable(self._name, self.keys.retry_after) from None

    def _verify(self, token: str, key: Jwk, algorithm: str) -> dict[str, object]:
        """The claims.  Raises InvalidSignatureError, and AccessRefusedError for all else."""
        public = public_key(key, algorithm)
        if public is None:
            raise invalid_token("its key cannot be used")
        try:
            return jwt.decode(token, public, algorithms=[algorithm], issuer=self._issuer, options=_OPTIONS)
        except jwt.InvalidSignatureError:
            raise
        except jwt.MissingRequiredClaimError:
            raise invalid_token(_OTHER_AUDIENCE) from None
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            raise invalid_token("it cannot be read") from None


class JwtCheck:
    """The check of one issuer's JWTs."""

    def __init__(self, issuer: IssuerSettings, audiences: Audiences, keys: KeySet) -> None:
        self._issuer = issuer
        self._audiences = audiences
        self._signatures = SignatureCheck(issuer.id, issuer.issuer, issuer.algorithms, keys)
        self.keys = keys

    async def check(self, token: str, unchecked: UncheckedJwt, now: float) -> CheckedJwt:
        """What the token allows at ``now`` (seconds since 1970).

        Raises AccessRefusedError.  Nothing is fetched for a token that is refused whatever its key.
        """
        self._signatures.read_header(unchecked.header)
        expires = check_times(unchecked.claims, now)
        if not read_audience(unchecked.claims).intersection(self._issuer.audience):
            raise invalid_token(_OTHER_AUDIENCE)
        signed_by = await self._signatures.check(token, unchecked)
        return CheckedJwt(make_grant(unchecked.claims, self._issuer, self._audiences, token, expires), signed_by)

    async def still_has(self, kept: CheckedJwt) -> bool:
        """Whether the key that vouched for a token is in the set still.  Raises AccessRefusedError."""
        return await self._signatures.still_has(kept.signed_by)

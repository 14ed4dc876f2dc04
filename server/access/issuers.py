"""From the Authorization header of a request to what its token allows.

A JWT goes to the issuer that its ``iss`` names, any other token to the one issuer with introspection.  What was checked
is kept for a short while under a digest of the whole token, so that an app that asks often costs one check.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from collectors.fetching.connections import HttpClients
from collectors.fetching.single_flight import SingleFlight
from server.access.bounded_http import BoundedHttp
from server.access.grant import Audiences, Grant
from server.access.introspection import Introspection
from server.access.jwt_check import CheckedJwt, JwtCheck
from server.access.key_sets import KeySet
from server.access.tokens import LEEWAY, bearer_token, invalid_token, read_jwt, token_required
from server.settings import Settings

LONGEST_KEPT = 600.0
"""Seconds for which the check of a JWT is kept at most."""
LONGEST_INTROSPECTED = 60.0
"""Seconds for which the answer of an introspection endpoint is kept at most: so long a withdrawn token may be used."""
MOST_KEPT = 10_000
"""Checks that are kept; the one that was used longest ago makes room."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A grant, until when it holds (monotonic seconds), and for a JWT whose key must still be there."""

    grant: Grant
    until: float
    check: JwtCheck | None = None
    checked: CheckedJwt | None = None


class Issuers:
    """The configured issuers.  Reads credentials on construction (SettingsError).

    ``clients``: other HTTP clients (tests).  ``clock`` gives monotonic seconds, ``wall`` seconds since 1970.
    """

    def __init__(
        self,
        settings: Settings,
        clients: HttpClients | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._http = BoundedHttp(clients)
        self._clock = clock
        self._wall = wall
        self._jwt_checks: dict[str, JwtCheck] = {}
        self._introspections: dict[str, Introspection] = {}
        self._ids = {each.issuer: each.id for each in settings.issuers}
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        self._single_flight: SingleFlight[Grant] = SingleFlight()
        public = settings.server.public_url
        for issuer in settings.issuers:
            # Whether it is listed as an audience or not: whoever writes our address means us.
            known_as = (*issuer.audience, *([public, f"{public}/graphql"] if public else []))
            audiences = Audiences.known(known_as, issuer.sources, settings.endpoints())
            if issuer.jwks_url is not None:
                keys = KeySet(issuer.id, issuer.jwks_url, self._http, clock)
                self._jwt_checks[issuer.id] = JwtCheck(issuer, audiences, keys)
            else:
                self._introspections[issuer.id] = Introspection(issuer, audiences, self._http, wall, environ)

    async def grant(self, headers: Sequence[str]) -> Grant:
        """What the token in the Authorization headers of a request allows.  Raises AccessRefusedError."""
        try:
            token = bearer_token(headers)
        except ValueError as error:
            raise invalid_token(str(error)) from None
        if token is None:
            raise token_required()
        digest = hashlib.sha256(token.encode("ascii")).digest()
        kept = self._kept.get(digest)
        if kept is not None:
            if await self._still_holds(kept):
                # Another request may have removed it while the keys were looked at.
                if digest in self._kept:
                    self._kept.move_to_end(digest)
                return kept.grant
            self._kept.pop(digest, None)
        return await self._single_flight.run(digest, lambda: self._check(token, digest))

    async def faults(self) -> list[str]:
        """Why tokens of an issuer cannot be checked now: a line for each issuer of which that is so."""
        found = [(name, await check.keys.fault()) for name, check in self._jwt_checks.items()]
        found += [(name, await endpoint.fault()) for name, endpoint in self._introspections.items()]
        return [f"issuer {name}: {fault}" for name, fault in found if fault is not None]

    async def aclose(self) -> None:
        """Ends fetches under way, and gives back all connections."""
        for check in self._jwt_checks.values():
            await check.keys.aclose()
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _still_holds(self, kept: _Kept) -> bool:
        if self._clock() >= kept.until or self._wall() >= kept.grant.expires + LEEWAY:
            return False
        return kept.check is None or kept.checked is None or await kept.check.still_has(kept.checked)

    async def _check(self, token: str, digest: bytes) -> Grant:
        began, unchecked = self._clock(), read_jwt(token)
        if unchecked is None:
            # An opaque token does not name its issuer; at most one issuer has introspection.
            endpoint = next(iter(self._introspections.values()), None)
            if endpoint is None:
                raise invalid_token("it is not a JWT of an issuer that is known here")
            kept = _Kept(await endpoint.check(token), began + LONGEST_INTROSPECTED)
        else:
            named = unchecked.claims.get("iss")
            issuer = self._ids.get(named) if isinstance(named, str) else None
            if issuer is None:
                raise invalid_token("its issuer (iss) is not known here")
            if (check := self._jwt_checks.get(issuer)) is not None:
                checked = await check.check(token, unchecked, self._wall())
                kept = _Kept(checked.grant, began + LONGEST_KEPT, check, checked)
            else:
                endpoint = self._introspections[issuer]
                kept = _Kept(await endpoint.check(token, unchecked.claims), began + LONGEST_INTROSPECTED)
        self._kept[digest] = kept
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return kept.grant

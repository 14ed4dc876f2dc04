"""The check of the JWT that each call bears (CDS Hooks 2.0, trusting CDS Clients).

The client is the one that ``iss`` names, its keys are those of the settings, and ``jku`` may say nothing else.  A token
is good for one address (``aud``), ten minutes and one call.  Nothing is fetched for a token that is refused whatever
its key.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from collectors.fetching.connections import HttpClients
from server.access.bounded_http import LARGEST_BODY, BoundedHttp, IssuerUnavailableError
from server.access.jwt_check import SignatureCheck
from server.access.key_sets import KeySet
from server.access.tokens import (
    LEEWAY,
    Claims,
    UncheckedJwt,
    bearer_token,
    check_times,
    invalid_token,
    read_jwt,
    read_time,
)
from server.errors import AccessRefusedError, SettingsError
from server.hooks.clients import Door, HookClient
from server.hooks.errors import SERVICES, KeysUnavailableError, NotAuthenticatedError
from server.hooks.replay import Replays
from server.settings import HookClientSettings, Settings

log = logging.getLogger("medtwin.hooks")

ALGORITHMS = ("ES384", "RS384")
"""The two that CDS Hooks recommends (2.0, JWT signing algorithm)."""
LONGEST_LIFE = 600.0
"""Seconds between ``iat`` and ``exp``, at most."""
LONGEST_JTI = 512
_NO_KEYS = "the token cannot be checked now: the client's key set cannot be had"
PUBLISHED_KEYS = frozenset({"44823f3d-0b01-4a6c-a80e-b9d3e8a7226f", "d9cd3c4f-eb08-4304-b973-44f352fd2ca2"})
"""Ids of the keys of the public CDS Hooks Sandbox (github.com/cds-hooks/sandbox), whose private halves it publishes."""


class HookClients:
    """The clients of the settings.  Reads their key files on construction (SettingsError).

    ``http``: other HTTP clients (tests).  ``clock`` gives monotonic seconds, ``wall`` seconds since 1970.
    """

    def __init__(
        self,
        settings: Settings,
        http: HttpClients | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._http = BoundedHttp(http)
        self._wall = wall
        self._base = f"{settings.server.public_url or ''}{SERVICES}"
        self._clients = {each.issuer: _Client(each, self._http, clock) for each in settings.hooks.clients}

    def door(self, replays: Replays) -> Door:
        """The door at which tokens are checked, and remembered by ``replays``."""
        return partial(self.check, replays)

    async def check(self, replays: Replays, headers: Sequence[str], path: str) -> HookClient:
        """The client that the Authorization headers of a call prove.

        ``path`` is what follows ``/cds-services`` in the address that is called: ``aud`` is exactly that address.
        Raises NotAuthenticatedError, KeysUnavailableError and ReplayStoreError.
        """
        try:
            client, unchecked, token = self._find(headers)
            lives = _check_claims(unchecked.claims, self._base + path, self._wall())
            await client.signatures.check(token, unchecked)
        except AccessRefusedError as error:
            if error.status == 503:
                # Whose keys, the log says: who asks has proven nothing yet.
                raise KeysUnavailableError(_NO_KEYS, error.headers) from None
            raise _refused(str(error)) from None
        if not await replays.is_first(client.known_as.id, unchecked.claims["jti"], lives):
            raise _refused(f"the token of {client.known_as.id} was used before (jti)")
        return client.known_as

    async def faults(self) -> list[str]:
        """Why tokens of a client cannot be checked now: a line for each client of which that is so."""
        found = [(each.known_as.id, await each.signatures.keys.fault()) for each in self._clients.values()]
        return [f"hooks client {name}: {fault}" for name, fault in found if fault is not None]

    async def aclose(self) -> None:
        """Ends fetches under way, and gives back all connections."""
        for each in self._clients.values():
            await each.signatures.keys.aclose()
        await self._http.aclose()

    def _find(self, headers: Sequence[str]) -> tuple["_Client", UncheckedJwt, str]:
        try:
            token = bearer_token(headers)
        except ValueError as error:
            raise invalid_token(str(error)) from None
        if token is None:
            raise NotAuthenticatedError("a call needs a token: Authorization: Bearer", is_given=False)
        unchecked = read_jwt(token)
        if unchecked is None:
            raise invalid_token("it is not a JWT")
        issuer = unchecked.claims.get("iss")
        client = self._clients.get(issuer) if isinstance(issuer, str) else None
        if client is None:
            raise invalid_token("its issuer (iss) is no client that is known here")
        client.check_header(unchecked.header)
        return client, unchecked, token


class _Client:
    """One client, and where its keys are."""

    def __init__(self, settings: HookClientSettings, http: BoundedHttp, clock: Callable[[], float]) -> None:
        self.known_as = HookClient(settings.id, frozenset(settings.sources))
        self._jku = settings.jwks_url
        if settings.jwks_file is not None:
            file = _KeyFile(settings.jwks_file)
            file.check(settings.id)
            keys = KeySet(settings.id, str(settings.jwks_file), file, clock)
        else:
            keys = KeySet(settings.id, settings.jwks_url or "", http, clock)
        self.signatures = SignatureCheck(settings.id, settings.issuer, ALGORITHMS, keys)

    def check_header(self, header: dict[str, Any]) -> None:
        """Raises AccessRefusedError where the header names another key set, another type, or a published key."""
        kid, _ = self.signatures.read_header(header)
        if kid in PUBLISHED_KEYS:
            raise invalid_token("its key is that of the public Sandbox, whose private half is published (kid)")
        # A key set that lies in a file is not to be had at an address: there is nothing to compare with, or to fetch.
        if self._jku is not None and "jku" in header and header["jku"] != self._jku:
            raise invalid_token("its key set (jku) is not hooks.clients.jwks_url")
        kind = header.get("typ", "JWT")
        if not isinstance(kind, str) or kind.upper() != "JWT":
            # RFC 8725, 3.11: an access token or an id token of the same issuer is no authentication of a call.
            raise invalid_token("its type (typ) is not JWT")


class _KeyFile:
    """A key set in a file, which is read as one at an address is fetched: seldom, and within the same bounds."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def check(self, client: str) -> None:
        """Raises SettingsError where there is no key set."""
        try:
            if not isinstance(self._read().get("keys"), list):
                raise IssuerUnavailableError("it is not a key set")
        except IssuerUnavailableError as error:
            raise SettingsError(f"hooks client {client}: jwks_file cannot be used: {error}") from None

    async def get_json(self, _: str) -> dict[str, Any]:
        """The JSON object in the file.  Raises IssuerUnavailableError."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> dict[str, Any]:
        try:
            with self._path.open("rb") as file:
                content = file.read(LARGEST_BODY + 1)
            found = msgspec.json.decode(content)
        except OSError:
            raise IssuerUnavailableError("the file cannot be read") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            found = None
        if len(content) > LARGEST_BODY or not isinstance(found, dict):
            raise IssuerUnavailableError(f"the file is no JSON object of at most {LARGEST_BODY} bytes")
        return found


def _check_claims(claims: Claims, address: str, now: float) -> float:
    """For how many seconds the token must be remembered.  Raises AccessRefusedError."""
    issued, expires = read_time(claims, "iat"), check_times(claims, now)
    if issued is None:
        raise invalid_token("it does not state when it was issued (iat)")
    if issued > now + LEEWAY:
        raise invalid_token("it was issued later than now (iat); compare the clocks of client and server")
    if not issued < expires <= issued + LONGEST_LIFE:
        raise invalid_token(f"it must live for {LONGEST_LIFE:g} s at most (iat, exp)")
    if claims.get("aud") not in (address, [address]):
        raise invalid_token("it was not issued for the address that is called, and that alone (aud)")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_JTI:
        raise invalid_token(f"it must have an id (jti) of at most {LONGEST_JTI} characters")
    # Once more the leeway: the clocks of processes that share what was used may differ, too.
    return expires + 2 * LEEWAY - now


def _refused(why: str) -> NotAuthenticatedError:
    log.info("a call was refused: %s", why)
    return NotAuthenticatedError(why)

"""The EHRs that may launch us: a source, its authorisation server, our client there, and the check of its id tokens."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from collectors.fetching.connections import HttpClients
from collectors.settings import Source
from server.access.bounded_http import BoundedHttp, IssuerUnavailableError
from server.access.grant import Audiences
from server.access.jwt_check import JwtCheck
from server.access.key_sets import KeySet
from server.access.tokens import invalid_token, read_audience, read_jwt
from server.launch.client import LaunchClient
from server.launch.discovery import AuthorisationServer, Discovery
from server.settings import IssuerSettings, Settings, SourceLaunchSettings

_LONGEST_USER = 2048


@dataclass(frozen=True, slots=True)
class Person:
    """Who logged in: ``sub`` of the id token, and its ``fhirUser``, the URL of a record (None where it has none)."""

    subject: str = field(repr=False)
    fhir_user: str | None = field(repr=False)


class Ehr:
    """One source that may launch us.  Reads our credential on construction (SettingsError)."""

    def __init__(
        self,
        source: Source,
        launch: SourceLaunchSettings,
        http: BoundedHttp,
        clock: Callable[[], float],
        environ: Mapping[str, str],
    ) -> None:
        self.source = source
        self.scope = launch.scope
        self.client = LaunchClient(source, launch, http, environ)
        self.discovery = Discovery(source, launch, http, clock)
        self._http = http
        self._clock = clock
        self._checks: dict[tuple[str, str], JwtCheck] = {}

    async def person(self, server: AuthorisationServer, token: str, nonce: str | None, now: float) -> Person:
        """Who an id token is about (OpenID Connect Core, 3.1.3.7); its issuer is the one that was discovered.

        ``nonce``: that of the launch; None for the token of a refresh, which has none.  Raises AccessRefusedError, and
        IssuerUnavailableError where the issuer cannot be used.
        """
        unchecked = read_jwt(token)
        if unchecked is None:
            raise invalid_token("it cannot be read")
        checked = await self._check_of(server).check(token, unchecked, now)
        # The signature is over these claims.
        claims = unchecked.claims
        if nonce is not None and claims.get("nonce") != nonce:
            raise invalid_token("it is not for this launch (nonce)")
        own = self.client.client_id
        if (len(read_audience(claims)) > 1 and claims.get("azp") != own) or claims.get("azp", own) != own:
            raise invalid_token("it was issued for another client (azp)")
        if not checked.grant.subject:
            raise invalid_token("it does not say whom it is about (sub)")
        return Person(checked.grant.subject, _fhir_user(claims))

    async def aclose(self) -> None:
        """Ends fetches under way, and gives back all connections."""
        for check in self._checks.values():
            await check.keys.aclose()
        await self._http.aclose()

    def _check_of(self, server: AuthorisationServer) -> JwtCheck:
        if server.issuer is None or server.jwks_url is None:
            raise IssuerUnavailableError("its configuration names no issuer or no keys of id tokens")
        place = server.issuer, server.jwks_url
        if place not in self._checks:
            try:
                issuer = IssuerSettings(
                    id=self.source.id,
                    issuer=server.issuer,
                    jwks_url=server.jwks_url,
                    audience=(self.client.client_id,),
                    sources=(self.source.id,),
                )
            except ValidationError:
                raise IssuerUnavailableError("the issuer that its configuration names is no https address") from None
            audiences = Audiences.known(issuer.audience, issuer.sources, (self.source,))
            keys = KeySet(self.source.id, server.jwks_url, self._http, self._clock)
            self._checks[place] = JwtCheck(issuer, audiences, keys)
        return self._checks[place]


class Ehrs:
    """All sources that may launch us, by id.  Reads credentials on construction (SettingsError).

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
        variables = os.environ if environ is None else environ
        self.wall = wall
        self._by_id: dict[str, Ehr] = {}
        endpoints = {source.id: source for source in settings.endpoints()}
        for each in settings.sources:
            if each.launch is not None:
                source = endpoints[each.id]
                http = BoundedHttp(clients, source.tls)
                self._by_id[each.id] = Ehr(source, each.launch, http, clock, variables)

    def by_issuer(self, iss: str) -> Ehr | None:
        """The one whose FHIR base URL a launch names; a slash at its end makes no difference, anything else does."""
        return next((ehr for ehr in self._by_id.values() if iss.removesuffix("/") == ehr.source.base_url), None)

    def by_id(self, source: str) -> Ehr | None:
        """That of a source, by the id of the source."""
        return self._by_id.get(source)

    @property
    def starts(self) -> Mapping[str, str]:
        """By source id, the ``iss`` of a launch without the EHR."""
        return {name: ehr.source.base_url for name, ehr in self._by_id.items()}

    async def faults(self) -> list[str]:
        """Why a launch cannot begin now: a line for each source of which that is so."""
        found = []
        for name, ehr in self._by_id.items():
            try:
                await ehr.discovery.find()
            except IssuerUnavailableError as error:
                found.append(f"source {name}: it cannot launch us: {error}")
        return found

    async def aclose(self) -> None:
        """Ends fetches under way, and gives back all connections."""
        for ehr in self._by_id.values():
            await ehr.aclose()


def _fhir_user(claims: Mapping[str, Any]) -> str | None:
    given = claims.get("fhirUser")
    if given is None:
        return None
    if not isinstance(given, str) or not given.isprintable() or len(given) > _LONGEST_USER:
        raise invalid_token("its fhirUser cannot be read")
    return given

"""The authorisation server of a source: what its SMART configuration names, cached for each source.

Where there is none, the OpenID configuration is read instead.  An address that either names is used only if it is at
the source's own origin or at one of ``launch.origins``: no secret and no code goes to a host that nobody configured.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from collectors.fetching.addresses import may_receive_credentials
from collectors.fetching.single_flight import SingleFlight
from collectors.settings import Source
from server.access.bounded_http import BoundedHttp, IssuerUnavailableError
from server.settings import SourceLaunchSettings

FRESH = 600.0
"""Seconds for which a configuration is used."""
PAUSE = 10.0
"""Seconds after a configuration could not be read for which nobody asks again, however many launches arrive."""
_SMART, _OPENID = ".well-known/smart-configuration", ".well-known/openid-configuration"
_LACKS_IDENTITY = "its configuration names no issuer or no jwks_uri of id tokens"
_USUAL_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class AuthorisationServer:
    """The endpoints of a source's authorisation server.

    ``issuer`` and ``jwks_url`` are those of its id tokens, None where it has none.  ``sends_issuer``: it states that
    its answers name it (RFC 9207).
    """

    authorise_url: str
    token_url: str
    revocation_url: str | None
    issuer: str | None
    jwks_url: str | None
    sends_issuer: bool


class Discovery:
    """Finds the authorisation server of one source.  ``clock`` gives monotonic seconds."""

    def __init__(
        self,
        source: Source,
        launch: SourceLaunchSettings,
        http: BoundedHttp,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base = source.base_url
        self._allowed = {_origin(source.base_url), *launch.origins}
        self._wants_identity = "openid" in launch.scope.split(" ")
        self._http = http
        self._clock = clock
        self._found: tuple[float, AuthorisationServer] | None = None
        self._fault: tuple[float, str] | None = None
        self._single_flight: SingleFlight[AuthorisationServer] = SingleFlight()

    async def find(self) -> AuthorisationServer:
        """The endpoints.  Raises IssuerUnavailableError where they cannot be had, or may not be used."""
        if self._found is not None and self._clock() < self._found[0] + FRESH:
            return self._found[1]
        if self._fault is not None and self._clock() < self._fault[0] + PAUSE:
            raise IssuerUnavailableError(self._fault[1])
        return await self._single_flight.run(None, self._find)

    async def _find(self) -> AuthorisationServer:
        try:
            found = await self._read()
        except IssuerUnavailableError as error:
            self._fault = self._clock(), str(error)
            raise
        self._fault = None
        return found

    async def _read(self) -> AuthorisationServer:
        began = self._clock()
        try:
            named = await self._http.get_json(f"{self._base}/{_SMART}")
        except IssuerUnavailableError as smart:
            try:
                named = await self._http.get_json(f"{self._base}/{_OPENID}")
            except IssuerUnavailableError as openid:
                text = f"neither its smart-configuration ({smart}) nor its OpenID configuration ({openid}) can be read"
                raise IssuerUnavailableError(text) from None
        methods = named.get("code_challenge_methods_supported")
        if methods is not None and not (isinstance(methods, list) and "S256" in methods):
            raise IssuerUnavailableError("it does not support PKCE with S256")
        if self._wants_identity:
            named = await self._with_identity(named)
        found = AuthorisationServer(
            authorise_url=self._required(named, "authorization_endpoint"),
            token_url=self._required(named, "token_endpoint"),
            revocation_url=self._address(named, "revocation_endpoint"),
            issuer=named["issuer"] if isinstance(named.get("issuer"), str) else None,
            jwks_url=self._address(named, "jwks_uri"),
            sends_issuer=named.get("authorization_response_iss_parameter_supported") is True,
        )
        self._found = began, found
        return found

    async def _with_identity(self, named: dict[str, Any]) -> dict[str, Any]:
        """The configuration, with the issuer and the keys of id tokens from the issuer's own where it has none."""
        if isinstance(named.get("jwks_uri"), str) and isinstance(named.get("issuer"), str):
            return named
        issuer = self._address(named, "issuer") or self._base
        try:
            own = await self._http.get_json(f"{issuer.rstrip('/')}/{_OPENID}")
        except IssuerUnavailableError as error:
            text = f"{_LACKS_IDENTITY}, and its OpenID configuration cannot be read ({error})"
            raise IssuerUnavailableError(text) from None
        if isinstance(named.get("issuer"), str) and own.get("issuer") != named["issuer"]:
            raise IssuerUnavailableError("its OpenID configuration is that of another issuer")
        return {**named, **{name: own[name] for name in ("issuer", "jwks_uri") if name in own}}

    def _required(self, named: Mapping[str, Any], name: str) -> str:
        found = self._address(named, name)
        if found is None:
            raise IssuerUnavailableError(f"its configuration names no {name}")
        return found

    def _address(self, named: Mapping[str, Any], name: str) -> str | None:
        given = named.get(name)
        if given is None:
            return None
        fault = f"the {name} that its configuration names"
        if not isinstance(given, str) or not given.isascii() or not given.isprintable() or " " in given:
            raise IssuerUnavailableError(f"{fault} is no address")
        try:
            # Old servers give addresses relative to the FHIR base URL.
            address = urljoin(f"{self._base}/", given)
            origin = _origin(address)
        except ValueError:
            raise IssuerUnavailableError(f"{fault} is no address") from None
        if not may_receive_credentials(address):
            raise IssuerUnavailableError(f"{fault} is not https, or has a user or a fragment")
        if origin not in self._allowed:
            raise IssuerUnavailableError(f"{fault} is at a host that launch.origins of the source does not list")
        return address


def _origin(url: str) -> str:
    """As browsers send it.  Raises ValueError for what is no address."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    port = parts.port
    return f"{parts.scheme}://{host}" + ("" if port in (None, _USUAL_PORTS.get(parts.scheme)) else f":{port}")

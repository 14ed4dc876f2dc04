"""SMART Backend Services: the server's own authorisation, a token obtained by a signed assertion."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from collectors.auth.registration import Registration
from collectors.auth.token_endpoint import Token, discover_token_endpoint, request_token
from collectors.errors import CollectorError
from collectors.fetching.single_flight import SingleFlight
from collectors.settings import Source

EXPIRY_MARGIN = 30.0
"""Seconds before its expiry from which a token is no longer used, or a fifth of its lifetime where that is less."""

REFUSAL_PAUSE = 5.0
"""Seconds for which a refusal is cached, so that the searches of one question send one request."""


@dataclass(frozen=True, slots=True)
class _CachedToken:
    token: Token
    expires_at: float

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token.value}"}


class BackendAccess:
    """A token for one source, cached in memory until shortly before it expires; requested by one request at a time.

    All questions use this one authorisation, so its ``scope`` identifies only our client and its rights.
    ``clock`` gives monotonic seconds, ``wall`` seconds of the epoch.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        source: Source,
        registration: Registration,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.scope = registration.digest()
        self._http = http
        self._source = source
        self._registration = registration
        self._clock = clock
        self._wall = wall
        self._single_flight: SingleFlight[_CachedToken] = SingleFlight()
        self._cached: _CachedToken | None = None
        self._discovered_endpoint: str | None = None
        self._renewed_at = float("-inf")
        self._last_refusal: tuple[float, CollectorError] | None = None

    async def headers(self) -> Mapping[str, str]:
        """The token's header.  Raises AuthorisationError (refused), SourceUnreachableError, SourceAnswerError."""
        cached = self._cached
        if cached is None or self._clock() >= cached.expires_at:
            cached = await self._single_flight.run(None, self._obtain_token)
        return cached.headers()

    async def renew(self, stale: Mapping[str, str]) -> bool:
        """Whether there is a token other than the one in ``stale``, which the source answered with 401.

        A new one is requested, but not twice within REFUSAL_PAUSE: a source that refuses new tokens refuses us.
        Raises as ``headers`` does.
        """
        cached = self._cached
        if cached is not None and cached.headers() == dict(stale):
            if self._clock() < self._renewed_at + REFUSAL_PAUSE:
                return False
            self._renewed_at = self._clock()
            self._cached = None
        return dict(await self.headers()) != dict(stale)

    def check_search(self, resource_type: str) -> None:
        """The source itself knows what our registration is for."""

    def check_read(self, resource_type: str) -> None:
        """So it does here."""

    def advice(self, status: int) -> str:
        """Advice to the operator about a refusal (401 or 403) of the source."""
        if status == 401:
            return "it accepts no token that was given for this client; check backend.scope and backend.token_url"
        return "the client may not read this; check backend.scope and what the client is registered for"

    async def _obtain_token(self) -> _CachedToken:
        if self._last_refusal is not None and self._clock() < self._last_refusal[0]:
            raise type(self._last_refusal[1])(str(self._last_refusal[1]))
        began = self._clock()
        try:
            address = self._registration.token_url or self._discovered_endpoint
            if address is None:
                address = self._discovered_endpoint = await discover_token_endpoint(self._http, self._source)
            token = await request_token(self._http, self._source, self._registration, address, self._wall())
        except CollectorError as error:
            # The discovered endpoint may have moved.
            self._discovered_endpoint = None
            self._last_refusal = (self._clock() + REFUSAL_PAUSE, error)
            raise
        self._last_refusal = None
        self._cached = _CachedToken(token, began + token.lifetime - min(EXPIRY_MARGIN, token.lifetime / 5))
        return self._cached

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
"""Seconds before its end from which a token is not used any more, or a fifth of its life where that is less."""

REFUSAL_PAUSE = 5.0
"""Seconds for which a refusal is remembered: all searches of a question meet it, and the endpoint need not."""


@dataclass(frozen=True, slots=True)
class _CachedToken:
    token: Token
    expires_at: float

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token.value}"}


class BackendAccess:
    """A token for one source, kept in memory until shortly before it expires; one request under way for it.

    All questions are asked with this one authorisation, so its ``scope`` says only which client of which rights we are.
    ``clock`` counts seconds from anywhere, ``wall`` those of the epoch.
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
        """The token.  Raises AuthorisationError (none is given to us), SourceUnreachableError, SourceAnswerError."""
        held = self._cached
        if held is None or self._clock() >= held.expires_at:
            held = await self._single_flight.run(None, self._obtain_token)
        return held.headers()

    async def renew(self, stale: Mapping[str, str]) -> bool:
        """Whether there is another token than the one in ``stale``, which the source has answered with 401.

        A new one is got, but not twice in a short time: a source that refuses new tokens too refuses us.
        """
        held = self._cached
        if held is not None and held.headers() == dict(stale):
            if self._clock() < self._renewed_at + REFUSAL_PAUSE:
                return False
            self._renewed_at = self._clock()
            self._cached = None
        return dict(await self.headers()) != dict(stale)

    def advice(self, status: int) -> str:
        """What to do about a refusal of the source."""
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
            # What was discovered may have moved.
            self._discovered_endpoint = None
            self._last_refusal = (self._clock() + REFUSAL_PAUSE, error)
            raise
        self._last_refusal = None
        self._cached = _CachedToken(token, began + token.lifetime - min(EXPIRY_MARGIN, token.lifetime / 5))
        return self._cached

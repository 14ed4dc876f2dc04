"""SMART Backend Services: the server's own authorisation, got by a signed assertion."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from collectors.auth.exchange import discover, request_token
from collectors.auth.registration import Registration
from collectors.auth.tokens import Token
from collectors.errors import CollectorError
from collectors.fetching.flight import Flights
from collectors.settings import Source

MARGIN = 30.0
"""Seconds before its end from which a token is not used any more, or a fifth of its life where that is less."""

PAUSE = 5.0
"""Seconds for which a refusal is remembered: all searches of a question meet it, and the endpoint need not."""


@dataclass(frozen=True, slots=True)
class _Held:
    token: Token
    until: float

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
        self._flights: Flights[_Held] = Flights()
        self._held: _Held | None = None
        self._discovered: str | None = None
        self._renewed = float("-inf")
        self._refused: tuple[float, CollectorError] | None = None

    async def headers(self) -> Mapping[str, str]:
        """The token.  Raises AuthorisationError (none is given to us), SourceUnreachableError, SourceAnswerError."""
        held = self._held
        if held is None or self._clock() >= held.until:
            held = await self._flights.run(None, self._obtain)
        return held.headers()

    async def renew(self, stale: Mapping[str, str]) -> bool:
        """Whether there is another token than the one in ``stale``, which the source has answered with 401.

        A new one is got, but not twice in a short time: a source that refuses new tokens too refuses us.
        """
        held = self._held
        if held is not None and held.headers() == dict(stale):
            if self._clock() < self._renewed + PAUSE:
                return False
            self._renewed = self._clock()
            self._held = None
        return dict(await self.headers()) != dict(stale)

    def advice(self, status: int) -> str:
        """What to do about a refusal of the source."""
        if status == 401:
            return "it accepts no token that was given for this client; check backend.scope and backend.token_url"
        return "the client may not read this; check backend.scope and what the client is registered for"

    async def _obtain(self) -> _Held:
        if self._refused is not None and self._clock() < self._refused[0]:
            raise type(self._refused[1])(str(self._refused[1]))
        began = self._clock()
        try:
            address = self._registration.token_url or self._discovered
            if address is None:
                address = self._discovered = await discover(self._http, self._source)
            token = await request_token(self._http, self._source, self._registration, address, self._wall())
        except CollectorError as error:
            # What was discovered may have moved.
            self._discovered = None
            self._refused = (self._clock() + PAUSE, error)
            raise
        self._refused = None
        self._held = _Held(token, began + token.lifetime - min(MARGIN, token.lifetime / 5))
        return self._held

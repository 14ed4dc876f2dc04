"""HTTP clients for the sources: connections are pooled, and shared by all questions.

A source with certificates of its own has a client of its own: connections made with our certificate for one source
are used for no other.  Cookies are never kept: a session that a source opens for one caller would be sent with the
requests of another.
"""

from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Self

import httpx

from collectors.fetching.tls import tls_context
from collectors.settings import Source, Tls

# How many connections there are is bounded source by source, by the requests that each may have under way; a limit of
# the pool would let one slow source keep another waiting.
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=30.0)


class Clients:
    """The client for each source.  ``shared`` is used for all of them where it is given (tests put faults there)."""

    def __init__(self, shared: httpx.AsyncClient | None = None) -> None:
        self._given = shared
        self._made: dict[tuple[Tls | None, bool], httpx.AsyncClient] = {}

    def of(self, source: Source) -> httpx.AsyncClient:
        """The client for requests to this source.  Raises CredentialError where its certificates cannot be used."""
        if self._given is not None:
            return self._given
        key = (source.tls, source.http2)
        client = self._made.get(key)
        if client is None:
            context = tls_context(source)
            client = self._made[key] = httpx.AsyncClient(
                follow_redirects=False,
                trust_env=False,
                http2=source.http2,
                limits=_LIMITS,
                verify=True if context is None else context,
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            )
        return client

    async def aclose(self) -> None:
        """Gives back all connections."""
        for client in (self._given, *self._made.values()):
            if client is not None:
                await client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

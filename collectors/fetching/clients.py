"""HTTP clients for the sources: connections are pooled, and shared by all questions."""

from typing import Self

import httpx

from collectors.settings import Source


class Clients:
    """The client for each source.  ``shared`` is used for all of them where it is given (tests put faults there)."""

    def __init__(self, shared: httpx.AsyncClient | None = None) -> None:
        self._shared = shared or httpx.AsyncClient(follow_redirects=False, trust_env=False)

    def of(self, source: Source) -> httpx.AsyncClient:
        """The client for requests to this source."""
        return self._shared

    async def aclose(self) -> None:
        """Gives back all connections."""
        await self._shared.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

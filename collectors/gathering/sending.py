"""Sends the requests of one question to one source: within its deadline, shared with others, or used again."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence

from collectors.errors import SourceUnreachableError
from collectors.fetching.allowance import Allowance, TooMuchError
from collectors.fetching.client import Client
from collectors.fetching.fetched import Fetched
from collectors.fetching.flight import Flights
from collectors.fetching.fresh import Fresh
from collectors.fetching.patience import Patience
from collectors.fetching.search import Parameters
from collectors.fetching.shelf import Name
from collectors.settings import Source
from collectors.strategy.strategy import Way


class Sender:
    """``scope`` says whose authorisation ``client`` has: nothing is shared beyond it.  ``until`` is the deadline.

    ``patience`` is that of the client's transport, ``allowance`` the client's.  Every method raises CollectorError.
    """

    def __init__(
        self,
        client: Client,
        source: Source,
        flights: Flights[Fetched],
        until: float,
        scope: str,
        patience: Patience | None = None,
        fresh: Fresh | None = None,
        allowance: Allowance | None = None,
    ) -> None:
        self._client = client
        self._source = source
        self._flights = flights
        self._until = until
        self._scope = scope
        self._patience = patience or Patience(until)
        self._fresh = fresh
        self._allowance = allowance or Allowance()
        self._windows = dict(source.freshness)

    async def search(self, collector: str, resource_type: str, parameters: Parameters) -> Fetched:
        """All pages of one search, that a collector needs."""
        return await self._fly(
            collector,
            (resource_type, parameters),
            lambda etag: self._client.search(resource_type, parameters, etag=etag),
        )

    async def newest(self, collector: str, way: Way, resource_type: str, asked: Sequence[Parameters]) -> Fetched:
        """An operation, the first page of one search, or those of several in one batch."""
        name: Name = (way.value, resource_type, *asked)
        if len(asked) > 1:
            queried = [(resource_type, parameters) for parameters in asked]
            return await self._fly(collector, name, lambda _: self._client.batch(queried))
        first_only = way is Way.SORTED
        return await self._fly(
            collector, name, lambda etag: self._client.search(resource_type, asked[0], first_only, etag)
        )

    async def _fly(self, collector: str, name: Name, fetch: Callable[[str | None], Awaitable[Fetched]]) -> Fetched:
        """The answer to one request, shared with whoever asks the same meanwhile for the same caller."""
        source, fresh, window = self._source, self._fresh, self._windows.get(collector)
        whole = (source.id, source.base_url, self._scope, name)

        counted = False

        async def fetched_by_us(etag: str | None) -> Fetched:
            nonlocal counted
            came = await fetch(etag)
            counted = not came.unchanged
            return came

        def call() -> Awaitable[Fetched]:
            if fresh is None or window is None:
                return fetched_by_us(None)
            return fresh.through(whole, window, fetched_by_us)

        try:
            async with asyncio.timeout_at(self._until):
                fetched = await self._shared((whole, window), call)
        except TimeoutError:
            raise SourceUnreachableError(f"source {source.id}: no answer before the question's deadline") from None
        if not counted:
            # What others fetched, or what was kept, is read for this question all the same.
            raws = fetched.raws
            self._allowance.take(source.id, len(raws), sum(map(len, raws)))
        return fetched

    async def _shared(self, key: Hashable, call: Callable[[], Awaitable[Fetched]]) -> Fetched:
        """What ``call`` gives, or the same call of another question, unless that may read less than we."""
        while True:
            try:
                return await self._flights.run(key, call, self._patience)
            except TooMuchError as error:
                if error.allowance is self._allowance:
                    raise

"""Sends the requests of one question to one source: within its deadline, shared while under way, or cached."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence

from collectors.errors import SourceUnreachableError
from collectors.fetching.client import Client
from collectors.fetching.query import Parameters
from collectors.fetching.read_budget import ReadBudget, ReadBudgetExceededError
from collectors.fetching.record_cache import CacheName, SearchCache
from collectors.fetching.retry import WaitLimit
from collectors.fetching.search_result import SearchResult
from collectors.fetching.single_flight import SingleFlight
from collectors.settings import Source
from collectors.strategy.strategy import SearchStrategy


class Sender:
    """``scope`` says whose authorisation ``client`` has: nothing is shared beyond it.  ``until`` is the deadline.

    ``patience`` is that of the client's transport, ``allowance`` the client's.  Every method raises CollectorError.
    """

    def __init__(
        self,
        client: Client,
        source: Source,
        single_flight: SingleFlight[SearchResult],
        until: float,
        scope: str,
        wait_limit: WaitLimit | None = None,
        search_cache: SearchCache | None = None,
        read_budget: ReadBudget | None = None,
    ) -> None:
        self._client = client
        self._source = source
        self._single_flight = single_flight
        self._until = until
        self._scope = scope
        self._wait_limit = wait_limit or WaitLimit(until)
        self._search_cache = search_cache
        self._read_budget = read_budget or ReadBudget()
        self._freshness = dict(source.freshness)

    async def search(self, collector: str, resource_type: str, parameters: Parameters) -> SearchResult:
        """All pages of one search, that a collector needs."""
        return await self._send(
            collector,
            (resource_type, parameters),
            lambda etag: self._client.search(resource_type, parameters, etag=etag),
        )

    async def search_newest(
        self, collector: str, strategy: SearchStrategy, resource_type: str, queries: Sequence[Parameters]
    ) -> SearchResult:
        """An operation, the first page of one search, or those of several in one batch."""
        name: CacheName = (strategy.value, resource_type, *queries)
        if len(queries) > 1:
            queried = [(resource_type, parameters) for parameters in queries]
            return await self._send(collector, name, lambda _: self._client.batch(queried))
        first_only = strategy is SearchStrategy.SORTED
        return await self._send(
            collector, name, lambda etag: self._client.search(resource_type, queries[0], first_only, etag)
        )

    async def _send(
        self, collector: str, name: CacheName, fetch: Callable[[str | None], Awaitable[SearchResult]]
    ) -> SearchResult:
        """The answer to one request, shared with whoever asks the same meanwhile for the same caller."""
        source, fresh, window = self._source, self._search_cache, self._freshness.get(collector)
        whole = (source.id, source.base_url, self._scope, name)

        counted = False

        async def fetched_by_us(etag: str | None) -> SearchResult:
            nonlocal counted
            came = await fetch(etag)
            counted = not came.not_modified
            return came

        def call() -> Awaitable[SearchResult]:
            if fresh is None or window is None:
                return fetched_by_us(None)
            return fresh.get_or_fetch(whole, window, fetched_by_us)

        try:
            async with asyncio.timeout_at(self._until):
                fetched = await self._share((whole, window), call)
        except TimeoutError:
            raise SourceUnreachableError(f"source {source.id}: no answer before the question's deadline") from None
        if not counted:
            # What others fetched, or what was kept, is read for this question all the same.
            raws = fetched.raw_records
            self._read_budget.spend(source.id, len(raws), sum(map(len, raws)))
        return fetched

    async def _share(self, key: Hashable, call: Callable[[], Awaitable[SearchResult]]) -> SearchResult:
        """What ``call`` gives, or the same call of another question, unless that may read less than we."""
        while True:
            try:
                return await self._single_flight.run(key, call, self._wait_limit)
            except ReadBudgetExceededError as error:
                if error.read_budget is self._read_budget:
                    raise

"""The requests of one question to one source: within its deadline, shared while under way, or cached."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence

from collectors.errors import VERSION_GONE, SourceUnreachableError, VersionGoneError
from collectors.fetching.access import Access
from collectors.fetching.client import Client
from collectors.fetching.query import Parameters
from collectors.fetching.read_budget import ReadBudgetExceededError
from collectors.fetching.record_cache import CacheName, SearchCache
from collectors.fetching.retry import WaitLimit
from collectors.fetching.search_result import SearchResult
from collectors.fetching.single_flight import SingleFlight
from collectors.fetching.transport import NotFoundError, WrongRequestError
from collectors.strategy.strategy import SearchStrategy
from ontology.resources import RecordRef


class Sender:
    """Sends a request only where nobody else's serves: neither a cached result nor an equal request under way.

    ``access`` is the authorisation that ``client`` has: nothing is shared beyond its scope, and a type that it does not
    permit is neither requested nor looked up.  ``until`` is the deadline, and ``wait_limit`` that of the client's
    transport.  ``search_cache`` None: no result is reused.  Every method raises CollectorError.
    """

    def __init__(
        self,
        client: Client,
        single_flight: SingleFlight[SearchResult],
        until: float,
        access: Access,
        wait_limit: WaitLimit,
        search_cache: SearchCache | None = None,
    ) -> None:
        self._client = client
        self._single_flight = single_flight
        self._until = until
        self._access = access
        self._wait_limit = wait_limit
        self._search_cache = search_cache
        self._freshness = dict(client.source.freshness)

    async def search(self, collector: str, resource_type: str, parameters: Parameters) -> SearchResult:
        """All pages of one search that a collector (by id) needs."""
        return await self._send(
            collector,
            resource_type,
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
            return await self._send(collector, resource_type, name, lambda _: self._client.batch(queried))
        first_only = strategy is SearchStrategy.SORTED
        return await self._send(
            collector,
            resource_type,
            name,
            lambda etag: self._client.search(resource_type, queries[0], first_only, etag),
        )

    async def read(self, ref: RecordRef) -> bytes:
        """One record: the version that ``ref`` names, or the current one.  Neither shared nor kept.

        A source that does not give versions may still have the one that is wanted as its current one.  Raises
        VersionGoneError where it gives neither.
        """
        self._access.check_read(ref.type)
        try:
            async with asyncio.timeout_at(self._until):
                return await self._read_version(ref)
        except TimeoutError:
            raise self._too_late() from None

    async def _read_version(self, ref: RecordRef) -> bytes:
        try:
            return await self._client.read(ref.type, ref.id, ref.version)
        except (NotFoundError, WrongRequestError):
            # Many sources do not know such an address at all.
            if ref.version is None:
                raise
        try:
            return await self._client.read(ref.type, ref.id)
        except NotFoundError:
            raise VersionGoneError(f"source {ref.source}: {VERSION_GONE}") from None

    def _too_late(self) -> SourceUnreachableError:
        return SourceUnreachableError(f"source {self._client.source.id}: no answer before the question's deadline")

    async def _send(
        self,
        collector: str,
        resource_type: str,
        name: CacheName,
        fetch: Callable[[str | None], Awaitable[SearchResult]],
    ) -> SearchResult:
        """The answer to one request, shared with whoever asks the same meanwhile for the same caller."""
        self._access.check_search(resource_type.partition("/")[0])
        source, cache, window = self._client.source, self._search_cache, self._freshness.get(collector)
        full_name = (source.id, source.base_url, self._access.scope, name)
        counted = False

        async def fetched_by_us(etag: str | None) -> SearchResult:
            nonlocal counted
            came = await fetch(etag)
            counted = not came.not_modified
            return came

        def call() -> Awaitable[SearchResult]:
            if cache is None or window is None:
                return fetched_by_us(None)
            return cache.get_or_fetch(full_name, window, fetched_by_us)

        try:
            async with asyncio.timeout_at(self._until):
                fetched = await self._share((full_name, window), call)
        except TimeoutError:
            raise self._too_late() from None
        if not counted:
            # What others fetched, or what was cached, is read for this question all the same.
            raws = fetched.raw_records
            self._client.read_budget.spend(source.id, len(raws), sum(map(len, raws)))
        return fetched

    async def _share(self, key: Hashable, call: Callable[[], Awaitable[SearchResult]]) -> SearchResult:
        """What ``call`` gives, or the same call of another question, unless that one's read budget is smaller."""
        while True:
            try:
                return await self._single_flight.run(key, call, self._wait_limit)
            except ReadBudgetExceededError as error:
                if error.read_budget is self._client.read_budget:
                    raise

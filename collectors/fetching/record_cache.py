"""Reuse of results that were fetched a moment ago, where the settings allow it for a collector (``freshness``).

Within the window nothing is asked.  After it, and up to ``REVALIDATED_WINDOWS`` windows, the source is asked only
whether the response has changed, where it gave an ETag.  A date (Last-Modified) is not relied on: that of a search says
nothing about records that were removed since.  The server decides where the bytes are stored, and seals them.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import fields, replace
from datetime import timedelta
from typing import Protocol, TypeAlias

import msgspec

from collectors.fetching.search_result import SearchResult

CacheName: TypeAlias = "tuple[str | CacheName, ...]"
"""The name of a cached result: texts, which may identify a patient, and tuples of texts."""


class RecordCache(Protocol):
    """Stores bytes under names, for a while.  A fault of it is a miss, and never an error.

    Whoever implements it must keep neither names nor bytes so that they can be read.
    """

    async def get(self, name: CacheName) -> bytes | None:
        """The bytes of this name; None where there are none."""

    async def put(self, name: CacheName, content: bytes, keep: timedelta) -> None:
        """Stores them for so long."""


REVALIDATED_WINDOWS = 4
"""For how many windows a result with an ETag is stored."""
LARGEST_RESULT = 8 * 1024 * 1024
"""Bytes of a result above which it is not stored."""


# Results are stored by the names of their fields, and a field that is not stored takes its default when it is read:
# what an older version knew to be missing would read as complete.  So an entry of other fields is none.
_FIELDS = tuple(each.name for each in fields(SearchResult))


class _CachedResult(msgspec.Struct, frozen=True, array_like=True):
    fetched_at: float
    field_names: tuple[str, ...]
    result: SearchResult


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_CachedResult)


class SearchCache:
    """Results of searches in a record cache; ``clock`` gives seconds since 1970."""

    def __init__(self, record_cache: RecordCache, clock: Callable[[], float] = time.time) -> None:
        self._record_cache = record_cache
        self._clock = clock

    async def get_or_fetch(
        self, name: CacheName, window: timedelta, fetch: Callable[[str | None], Awaitable[SearchResult]]
    ) -> SearchResult:
        """The result of this name: one that is no older than the window, else what ``fetch`` gives for an ETag or none.

        The name must hold everything on which the result depends, the caller's authorisation included.  What is known
        to be incomplete, and what its source forbids to store, is not stored.
        """
        held = _decode_result(await self._record_cache.get(name))
        age = self._clock() - held.fetched_at if held is not None else 0.0
        if held is not None and 0 <= age < window.total_seconds():
            return replace(held.result, requests=0, cached_at=held.fetched_at)
        known = held if held is not None and 0 <= age < REVALIDATED_WINDOWS * window.total_seconds() else None
        asked = self._clock()
        fetched = await fetch(known.result.etag if known is not None else None)
        if fetched.not_modified and known is not None:
            fetched = replace(known.result, requests=fetched.requests)
        if fetched.storable and not fetched.missing and sum(map(len, fetched.raw_records)) <= LARGEST_RESULT:
            keep = window * REVALIDATED_WINDOWS if fetched.etag is not None else window
            await self._record_cache.put(name, _ENCODER.encode(_CachedResult(asked, _FIELDS, fetched)), keep)
        return fetched


def _decode_result(content: bytes | None) -> _CachedResult | None:
    if content is None:
        return None
    try:
        cached = _DECODER.decode(content)
    except (msgspec.MsgspecError, ValueError):
        return None
    return cached if cached.field_names == _FIELDS else None

"""Using again what was fetched a moment ago, where the settings allow it for a collector.

Within the window nothing is asked.  After it, and up to ``HELD`` windows, the source is asked only whether the answer
has changed, where it gave an ETag.  A date (Last-Modified) is not relied on: that of a search says nothing about
records that were removed since.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import msgspec

from collectors.fetching.fetched import Fetched
from collectors.fetching.shelf import Name, Shelf

HELD = 4
"""For how many windows an answer with an ETag is held."""
LARGEST = 8 * 1024 * 1024
"""Bytes of an answer above which it is not held."""


class _Held(msgspec.Struct, frozen=True, array_like=True):
    at: float
    fetched: Fetched


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Held)


class Fresh:
    """What lies on a shelf; ``clock`` gives seconds since 1970."""

    def __init__(self, shelf: Shelf, clock: Callable[[], float] = time.time) -> None:
        self._shelf = shelf
        self._clock = clock

    async def through(
        self, name: Name, window: timedelta, fetch: Callable[[str | None], Awaitable[Fetched]]
    ) -> Fetched:
        """The answer named: one that is no older than the window, else what ``fetch`` gives, given an ETag or none.

        The name must say everything on which the answer depends, the caller's authorisation included.  What is known
        to be incomplete, and what its source forbids to store, is not held.
        """
        held = _read(await self._shelf.get(name))
        age = self._clock() - held.at if held is not None else 0.0
        if held is not None and 0 <= age < window.total_seconds():
            return replace(held.fetched, requests=0, kept_since=held.at)
        known = held if held is not None and 0 <= age < HELD * window.total_seconds() else None
        asked = self._clock()
        fetched = await fetch(known.fetched.etag if known is not None else None)
        if fetched.unchanged and known is not None:
            fetched = replace(known.fetched, requests=fetched.requests)
        if fetched.keepable and not fetched.lacking and sum(map(len, fetched.raws)) <= LARGEST:
            keep = window * HELD if fetched.etag is not None else window
            await self._shelf.put(name, _ENCODER.encode(_Held(asked, fetched)), keep)
        return fetched


def _read(content: bytes | None) -> _Held | None:
    if content is None:
        return None
    try:
        return _DECODER.decode(content)
    except (msgspec.MsgspecError, ValueError):
        return None

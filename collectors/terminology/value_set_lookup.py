"""Looks value sets up: in the files first, then at the terminology server, whose answers are cached in memory.

Sets are cached by canonical, and single codes of sets that are too large to expand.  Nothing of a patient is cached:
which sets there are and which codes are in them is the same for everyone.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from collectors.errors import CollectorError, SourceUnreachableError
from collectors.reading.codes import CodeKey
from collectors.terminology.code_set import (
    Codes,
    CodeSet,
    ServerNeededError,
    TooCostlyError,
    UnknownSetError,
    parse_canonical,
)
from collectors.terminology.prepared_search import deadline_error
from collectors.terminology.terminology_server import TerminologyServer
from collectors.terminology.value_set_library import ValueSetLibrary

FAILURE_TTL = 30.0
"""Seconds for which a failure holds, so that a server that is down is not asked by every question."""
EXPANSION_TIMEOUT = 120.0
"""Seconds that all pages of one set may take."""
_MAX_CACHED_SETS = 256
_MAX_CACHED_CODES = 100_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _CacheEntry(Generic[T]):
    value: T
    expires: float | None


class _ExpiringCache(Generic[T]):
    """At most so many values, each until its time; those not asked for longest go first."""

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        self._most = most
        self._clock = clock
        self._entries: OrderedDict[Hashable, _CacheEntry[T]] = OrderedDict()

    def get(self, key: Hashable) -> T | None:
        found = self._entries.get(key)
        if found is None:
            return None
        if found.expires is not None and self._clock() >= found.expires:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return found.value

    def put(self, key: Hashable, value: T, seconds: float | None) -> None:
        self._entries[key] = _CacheEntry(value, None if seconds is None else self._clock() + seconds)
        self._entries.move_to_end(key)
        if len(self._entries) > self._most:
            self._entries.popitem(last=False)


class CachedTerminologyServer:
    """Asks one terminology server, each set once.

    A set of a named version is kept as long as there is room; one without a version for ``ttl`` seconds, since what
    it holds may change under its name.  Whether a single code is in a set is kept alike.
    """

    def __init__(self, server: TerminologyServer, ttl: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._server = server
        self._ttl = ttl
        self._sets: _ExpiringCache[CodeSet | CollectorError] = _ExpiringCache(_MAX_CACHED_SETS, clock)
        self._codes: _ExpiringCache[bool] = _ExpiringCache(_MAX_CACHED_CODES, clock)
        self._requests: dict[str, asyncio.Task[CodeSet | CollectorError]] = {}

    async def expand(self, name: str) -> CodeSet:
        """All codes of a set (TooCostlyError where only single codes can be asked, or another CollectorError)."""
        held = self._sets.get(name)
        if held is None:
            held = await asyncio.shield(self._start_request(name))
        if isinstance(held, CollectorError):
            raise held
        return held

    def warm(self, names: Iterable[str]) -> None:
        """Begins to ask for sets, so that the first question need not wait for them."""
        for name in names:
            if self._sets.get(name) is None:
                self._start_request(name)

    async def aclose(self) -> None:
        """Ends what is being asked."""
        tasks = list(self._requests.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start_request(self, name: str) -> "asyncio.Task[CodeSet | CollectorError]":
        """The one request under way for a set.  It goes on when the question that began it has run out of time."""
        task = self._requests.get(name)
        if task is None:
            task = self._requests[name] = asyncio.ensure_future(self._expand(name))
            task.add_done_callback(lambda _: self._requests.pop(name, None))
        return task

    async def _expand(self, name: str) -> CodeSet | CollectorError:
        try:
            async with asyncio.timeout(EXPANSION_TIMEOUT):
                found = await self._server.expand(name)
        except TimeoutError:
            error: CollectorError = SourceUnreachableError(
                f"value set {name}: not expanded within {EXPANSION_TIMEOUT:g} s"
            )
            self._sets.put(name, error, FAILURE_TTL)
            return error
        except CollectorError as fault:
            # That a set is too large is as lasting as the set; anything else may be over soon.
            self._sets.put(name, fault, self._ttl_of(name) if isinstance(fault, TooCostlyError) else FAILURE_TTL)
            return fault
        self._sets.put(name, found, self._ttl_of(name))
        return found

    async def members(self, name: str, keys: Iterable[CodeKey]) -> frozenset[CodeKey]:
        """Those of the codes that are in the set (a CollectorError if one of them cannot be told)."""
        found = set()
        for key in sorted(set(keys)):
            held = self._codes.get((name, key))
            if held is None:
                held = await self._server.validate_code(name, key)
                self._codes.put((name, key), held, self._ttl_of(name))
            if held:
                found.add(key)
        return frozenset(found)

    def _ttl_of(self, name: str) -> float | None:
        return None if parse_canonical(name).version else self._ttl


class ValueSets:
    """The value sets in files, and the terminology server, if any.  Times are those of the event loop."""

    def __init__(self, library: ValueSetLibrary, service: CachedTerminologyServer | None) -> None:
        self._library = library
        self._service = service

    def warm(self, names: Iterable[str]) -> None:
        """Begins to ask the terminology server for those of these sets that are in no file."""
        if self._service is not None:
            self._service.warm(name for name in names if isinstance(self._from_files(name), CollectorError))

    async def find(self, name: str, deadline: float) -> Codes | CollectorError:
        """The codes of a set; why they cannot be had, by ``until`` at the latest."""
        known = self._from_files(name)
        if self._service is None or not isinstance(known, UnknownSetError | ServerNeededError):
            return known
        try:
            async with asyncio.timeout_at(deadline):
                return (await self._service.expand(name)).codes
        except TimeoutError:
            return deadline_error()
        except CollectorError as error:
            return error

    async def members(self, name: str, codes: frozenset[CodeKey], deadline: float) -> Codes | CollectorError:
        """Those of the codes that are in a set which is too large to be had in full; why that cannot be told."""
        if self._service is None:
            return UnknownSetError("no terminology server is configured")
        try:
            async with asyncio.timeout_at(deadline):
                return dict.fromkeys(await self._service.members(name, codes))
        except TimeoutError:
            return deadline_error()
        except CollectorError as error:
            return error

    async def aclose(self) -> None:
        """Ends what is being asked of the terminology server."""
        if self._service is not None:
            await self._service.aclose()

    def _from_files(self, name: str) -> Codes | CollectorError:
        """What files say of a set."""
        try:
            return self._library.find(name).codes
        except CollectorError as error:
            return error

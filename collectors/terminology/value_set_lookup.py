"""Looks value sets up: in files first, then at the terminology server, whose responses are cached in memory.

Cached are sets by canonical, and the membership of single codes in sets that are too large to expand.  Neither depends
on a patient.
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
"""Seconds for which a failure is cached, so that a server that is down is not requested by every question."""
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
    """At most ``most`` values, each until it expires; the least recently used are dropped first."""

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
    """One terminology server, with a cache: concurrent requests for a set are sent once.

    A set of a named version does not expire; one without a version does after ``ttl`` seconds, since its content may
    change.  The membership of single codes is cached alike.
    """

    def __init__(self, server: TerminologyServer, ttl: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._server = server
        self._ttl = ttl
        self._sets: _ExpiringCache[CodeSet | CollectorError] = _ExpiringCache(_MAX_CACHED_SETS, clock)
        self._codes: _ExpiringCache[bool] = _ExpiringCache(_MAX_CACHED_CODES, clock)
        self._requests: dict[str, asyncio.Task[CodeSet | CollectorError]] = {}

    async def expand(self, name: str) -> CodeSet:
        """All codes of a set.  Raises TooCostlyError where it can only be validated code by code, or CollectorError."""
        found = self._sets.get(name)
        if found is None:
            found = await asyncio.shield(self._start_request(name))
        if isinstance(found, CollectorError):
            raise found
        return found

    def warm(self, names: Iterable[str]) -> None:
        """Starts to request sets, so that the first question need not wait for them."""
        for name in names:
            if self._sets.get(name) is None:
                self._start_request(name)

    async def aclose(self) -> None:
        """Cancels the pending requests."""
        tasks = list(self._requests.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start_request(self, name: str) -> "asyncio.Task[CodeSet | CollectorError]":
        """The one pending request for a set.  It continues past the deadline of the question that started it."""
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
            # That a set is too large holds as long as the set; other failures may be transient.
            self._sets.put(name, fault, self._ttl_of(name) if isinstance(fault, TooCostlyError) else FAILURE_TTL)
            return fault
        self._sets.put(name, found, self._ttl_of(name))
        return found

    async def members(self, name: str, keys: Iterable[CodeKey]) -> frozenset[CodeKey]:
        """The codes that are in the set.  Raises CollectorError where one of them cannot be validated."""
        found = set()
        for key in sorted(set(keys)):
            is_member = self._codes.get((name, key))
            if is_member is None:
                is_member = await self._server.validate_code(name, key)
                self._codes.put((name, key), is_member, self._ttl_of(name))
            if is_member:
                found.add(key)
        return frozenset(found)

    def _ttl_of(self, name: str) -> float | None:
        return None if parse_canonical(name).version else self._ttl


class ValueSets:
    """The value sets in files, and the terminology server, if any.  Deadlines are in event-loop time."""

    def __init__(self, library: ValueSetLibrary, service: CachedTerminologyServer | None) -> None:
        self._library = library
        self._service = service

    def warm(self, names: Iterable[str]) -> None:
        """Starts to request from the terminology server those of these sets that no file defines."""
        if self._service is not None:
            self._service.warm(name for name in names if isinstance(self._from_files(name), CollectorError))

    async def find(self, name: str, deadline: float) -> Codes | CollectorError:
        """The codes of a set, or the error why they cannot be retrieved by ``deadline``."""
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
        """The codes that are in a set too large to expand, or the error why that cannot be validated."""
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
        """Cancels the pending requests to the terminology server."""
        if self._service is not None:
            await self._service.aclose()

    def _from_files(self, name: str) -> Codes | CollectorError:
        """The codes of a set by the files, or the error why they do not give them."""
        try:
            return self._library.find(name).codes
        except CollectorError as error:
            return error

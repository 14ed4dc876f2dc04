"""What a terminology server said, kept for a while: sets by canonical, and single codes of sets that are too large.

Nothing of a patient is kept: which sets there are and which codes are in them is the same for everyone.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from collectors.errors import CollectorError, SourceUnreachableError
from collectors.reading.codes import Key
from collectors.terminology.canonical import canonical
from collectors.terminology.codeset import CodeSet
from collectors.terminology.errors import TooCostlyError
from collectors.terminology.remote import TerminologyServer

FAILURE_KEPT = 30.0
"""Seconds for which a failure holds, so that a server that is down is not asked by every question."""
LONGEST = 120.0
"""Seconds that all pages of one set may take."""
_MOST_SETS = 256
_MOST_CODES = 100_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Held(Generic[T]):
    value: T
    until: float | None


class _Kept(Generic[T]):
    """At most so many values, each until its time; those not asked for longest go first."""

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        self._most = most
        self._clock = clock
        self._held: OrderedDict[Hashable, _Held[T]] = OrderedDict()

    def get(self, key: Hashable) -> T | None:
        found = self._held.get(key)
        if found is None:
            return None
        if found.until is not None and self._clock() >= found.until:
            del self._held[key]
            return None
        self._held.move_to_end(key)
        return found.value

    def put(self, key: Hashable, value: T, seconds: float | None) -> None:
        self._held[key] = _Held(value, None if seconds is None else self._clock() + seconds)
        self._held.move_to_end(key)
        if len(self._held) > self._most:
            self._held.popitem(last=False)


class TerminologyService:
    """Asks one terminology server, each set once.

    A set of a named version is kept as long as there is room; one without a version for ``ttl`` seconds, since what
    it holds may change under its name.  Whether a single code is in a set is kept alike.
    """

    def __init__(self, server: TerminologyServer, ttl: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._server = server
        self._ttl = ttl
        self._sets: _Kept[CodeSet | CollectorError] = _Kept(_MOST_SETS, clock)
        self._codes: _Kept[bool] = _Kept(_MOST_CODES, clock)
        self._asking: dict[str, asyncio.Task[CodeSet | CollectorError]] = {}

    async def expand(self, name: str) -> CodeSet:
        """All codes of a set (TooCostlyError where only single codes can be asked, or another CollectorError)."""
        held = self._sets.get(name)
        if held is None:
            held = await asyncio.shield(self._begun(name))
        if isinstance(held, CollectorError):
            raise held
        return held

    def warm(self, names: Iterable[str]) -> None:
        """Begins to ask for sets, so that the first question need not wait for them."""
        for name in names:
            if self._sets.get(name) is None:
                self._begun(name)

    async def aclose(self) -> None:
        """Ends what is being asked."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begun(self, name: str) -> "asyncio.Task[CodeSet | CollectorError]":
        """The one request under way for a set.  It goes on when the question that began it has run out of time."""
        task = self._asking.get(name)
        if task is None:
            task = self._asking[name] = asyncio.ensure_future(self._ask(name))
            task.add_done_callback(lambda _: self._asking.pop(name, None))
        return task

    async def _ask(self, name: str) -> CodeSet | CollectorError:
        try:
            async with asyncio.timeout(LONGEST):
                found = await self._server.expand(name)
        except TimeoutError:
            error: CollectorError = SourceUnreachableError(f"value set {name}: not expanded within {LONGEST:g} s")
            self._sets.put(name, error, FAILURE_KEPT)
            return error
        except CollectorError as fault:
            # That a set is too large is as lasting as the set; anything else may be over soon.
            self._sets.put(name, fault, self._lasting(name) if isinstance(fault, TooCostlyError) else FAILURE_KEPT)
            return fault
        self._sets.put(name, found, self._lasting(name))
        return found

    async def members(self, name: str, keys: Iterable[Key]) -> frozenset[Key]:
        """Those of the codes that are in the set (a CollectorError if one of them cannot be told)."""
        found = set()
        for key in sorted(set(keys)):
            held = self._codes.get((name, key))
            if held is None:
                held = await self._server.holds(name, key)
                self._codes.put((name, key), held, self._lasting(name))
            if held:
                found.add(key)
        return frozenset(found)

    def _lasting(self, name: str) -> float | None:
        return None if canonical(name).version else self._ttl

"""Single flight: one request under way for equal needs; whoever asks meanwhile waits for the same result."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from collectors.fetching.retry import WaitLimit

T = TypeVar("T")


@dataclass(slots=True)
class _PendingCall(Generic[T]):
    task: "asyncio.Task[T]"
    wait_limit: WaitLimit
    waiter_count: int = 0


class SingleFlight(Generic[T]):
    """Calls under way by key.  Nothing is stored once a call has ended; it is cancelled when nobody waits any more."""

    def __init__(self) -> None:
        self._pending: dict[Hashable, _PendingCall[T]] = {}

    async def run(self, key: Hashable, call: Callable[[], Awaitable[T]], wait_limit: WaitLimit | None = None) -> T:
        """The result of the call under way for ``key``, started here if there is none.

        ``wait_limit`` is that of ``call``; whoever joins with a later one extends it.
        """
        wait_limit = wait_limit or WaitLimit()
        flight = self._pending.get(key)
        if flight is None:
            flight = _PendingCall(asyncio.ensure_future(_await_call(call)), wait_limit)
            self._pending[key] = flight
        flight.wait_limit.extend(wait_limit)
        flight.waiter_count += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiter_count -= 1
            if flight.task.done() or not flight.waiter_count:
                if self._pending.get(key) is flight:
                    del self._pending[key]
                if not flight.task.done():
                    flight.task.cancel()


async def _await_call(call: Callable[[], Awaitable[T]]) -> T:
    return await call()

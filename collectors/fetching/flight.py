"""One request under way for equal needs: who asks for the same meanwhile waits for the same answer."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from collectors.fetching.patience import Patience

T = TypeVar("T")


@dataclass(slots=True)
class _Flight(Generic[T]):
    task: "asyncio.Task[T]"
    patience: Patience
    waiting: int = 0


class Flights(Generic[T]):
    """Calls under way by key.  Nothing is kept once a call has ended; it is cancelled when nobody waits any more."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight[T]] = {}

    async def run(self, key: Hashable, call: Callable[[], Awaitable[T]], patience: Patience | None = None) -> T:
        """The result of the call under way for ``key``, started here if there is none.

        ``patience`` is that with which ``call`` waits; it is extended by whoever joins with more.
        """
        patience = patience or Patience()
        flight = self._flights.get(key)
        if flight is None:
            flight = _Flight(asyncio.ensure_future(_awaited(call)), patience)
            self._flights[key] = flight
        flight.patience.extend(patience)
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if flight.task.done() or not flight.waiting:
                if self._flights.get(key) is flight:
                    del self._flights[key]
                if not flight.task.done():
                    flight.task.cancel()


async def _awaited(call: Callable[[], Awaitable[T]]) -> T:
    return await call()

"""Repeat, and say the middle and the spread.

The garbage collector stays on, as it is in the server, but each sample starts after a collection, and what was there
before the first sample (modules, catalog) is frozen, so that no sample pays for another's rubbish or for the start.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median, quantiles


@dataclass(frozen=True)
class Spread:
    """Median and quartiles of some samples, in the unit of the samples."""

    middle: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, samples: Sequence[float]) -> Spread:
        """Of at least one sample; a single one is its own quartiles."""
        if len(samples) < 2:
            return cls(samples[0], samples[0], samples[0], 1)
        low, _, high = quantiles(samples, n=4, method="inclusive")
        return cls(median(samples), low, high, len(samples))

    def times(self, factor: float) -> Spread:
        """The same in another unit."""
        return Spread(self.middle * factor, self.low * factor, self.high * factor, self.count)


@contextmanager
def settled() -> Iterator[None]:
    """What exists now is left out of every collection in this block."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def seconds(call: Callable[[], object], repeats: int, *, warm: int = 1) -> list[float]:
    """Seconds of each of ``repeats`` calls, after ``warm`` that do not count."""
    for _ in range(warm):
        call()
    samples = []
    with settled():
        for _ in range(repeats):
            gc.collect()
            start = time.perf_counter()
            call()
            samples.append(time.perf_counter() - start)
    return samples


async def seconds_async(
    call: Callable[[], Awaitable[object]],
    repeats: int,
    *,
    warm: int = 1,
    before: Callable[[], Awaitable[object]] | None = None,
) -> list[float]:
    """The same for a coroutine function; ``before`` runs ahead of each call, outside of the time."""
    return (await paired([call], repeats, warm=warm, before=before))[0]


async def paired(
    calls: Sequence[Callable[[], Awaitable[object]]],
    repeats: int,
    *,
    warm: int = 1,
    before: Callable[[], Awaitable[object]] | None = None,
) -> list[list[float]]:
    """Seconds of several coroutine functions taken in turn, so that what slows the machine slows all of them."""
    samples: list[list[float]] = [[] for _ in calls]
    for _ in range(warm):
        for call in calls:
            if before is not None:
                await before()
            await call()
    with settled():
        for _ in range(repeats):
            for call, found in zip(calls, samples, strict=True):
                if before is not None:
                    await before()
                gc.collect()
                start = time.perf_counter()
                await call()
                found.append(time.perf_counter() - start)
    return samples


def ratios(numerators: Sequence[float], denominators: Sequence[float]) -> list[float]:
    """Each sample by its neighbour."""
    return [above / below for above, below in zip(numerators, denominators, strict=True)]

"""Samples of a duration, with their median and spread."""

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
        """The spread of at least one sample; a single one is its own quartiles."""
        if len(samples) < 2:
            return cls(samples[0], samples[0], samples[0], 1)
        low, _, high = quantiles(samples, n=4, method="inclusive")
        return cls(median(samples), low, high, len(samples))

    def times(self, factor: float) -> Spread:
        """The spread in another unit, multiplied by ``factor``."""
        return Spread(self.middle * factor, self.low * factor, self.high * factor, self.count)


@contextmanager
def gc_frozen() -> Iterator[None]:
    """Excludes the objects that exist now from garbage collection in this block."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def seconds(call: Callable[[], object], repeats: int, *, warm: int = 1) -> list[float]:
    """Seconds of each of ``repeats`` calls, after ``warm`` calls that are not measured."""
    for _ in range(warm):
        call()
    samples = []
    with gc_frozen():
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
    """Seconds of each call of a coroutine function; ``before`` runs before each call and is not measured."""
    return (await paired([call], repeats, warm=warm, before=before))[0]


async def paired(
    calls: Sequence[Callable[[], Awaitable[object]]],
    repeats: int,
    *,
    warm: int = 1,
    before: Callable[[], Awaitable[object]] | None = None,
) -> list[list[float]]:
    """Seconds of several coroutine functions called alternately, so that other load affects all of them alike."""
    samples: list[list[float]] = [[] for _ in calls]
    for _ in range(warm):
        for call in calls:
            if before is not None:
                await before()
            await call()
    with gc_frozen():
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
    """The ratio of each pair of samples."""
    return [above / below for above, below in zip(numerators, denominators, strict=True)]


@dataclass(frozen=True)
class Sizes:
    """Repetitions and amounts.  ``latency`` is the sandbox server's, in seconds; ``others`` are further latencies."""

    repeats: int = 30
    few: int = 5
    starts: int = 3
    latency: float = 0.020
    others: tuple[float, ...] = (0.005, 0.100)
    observations: int = 10_000
    catalog: int = 1_000
    executions: int = 100
    days: int = 365
    modules: tuple[int, ...] = (1, 10, 100)
    patients: tuple[int, ...] = (100, 1_000, 10_000)


FULL = Sizes()
TINY = Sizes(
    repeats=1,
    few=1,
    starts=1,
    latency=0.001,
    others=(0.002,),
    observations=20,
    catalog=20,
    executions=3,
    days=3,
    modules=(1, 2),
    patients=(20,),
)

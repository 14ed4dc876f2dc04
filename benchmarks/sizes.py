"""How much is measured: in full for the report, in little for the test that keeps the benchmarks alive."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Repetitions and amounts.  ``latency`` is the sandbox server's, in seconds; ``others`` are those beside it."""

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

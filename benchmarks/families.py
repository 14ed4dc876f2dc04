"""Every family of benchmarks by its name, in the order of the report."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from benchmarks import cold, compiling, executing, growing, models, moving, reading, starting, telling, transfers
from benchmarks.report import Part
from benchmarks.sizes import Sizes

FAMILIES: Mapping[str, Callable[[Sizes], Awaitable[Part]]] = {
    "cold": cold.run,
    "transfers": transfers.run,
    "telling": telling.run,
    "reading": reading.run,
    "compiling": compiling.run,
    "executing": executing.run,
    "models": models.run,
    "moving": moving.run,
    "starting": starting.run,
    "growing": growing.run,
}

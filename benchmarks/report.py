"""The report of the measurements, in Markdown."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.measure import Spread

HEAD = ("what", "measured (median, quartiles, n)", "budget", "held")


@dataclass(frozen=True)
class Row:
    """One measurement and its budget, both in ``unit``; without a budget it is only reported."""

    what: str
    measured: Spread
    unit: str
    budget: float | None = None
    note: str = ""

    @property
    def held(self) -> bool:
        """Whether the median is within the budget."""
        return self.budget is None or self.measured.middle <= self.budget

    def cells(self) -> tuple[str, ...]:
        """The cells of the row in Markdown."""
        spread = self.measured
        measured = f"**{amount(spread.middle, self.unit)}**"
        if spread.count > 1:
            measured += f" ({amount(spread.low, '')} to {amount(spread.high, '')}, n = {spread.count})"
        budget = "" if self.budget is None else f"≤ {amount(self.budget, self.unit)}"
        verdict = "" if self.budget is None else "yes" if self.held else "**no**"
        return (self.what + (f"; {self.note}" if self.note else ""), measured, budget, verdict)


@dataclass(frozen=True)
class Table:
    """A table of growth: title, head and lines."""

    title: str
    head: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Part:
    """The results of one family of benchmarks."""

    rows: tuple[Row, ...] = ()
    tables: tuple[Table, ...] = ()


def amount(value: float, unit: str) -> str:
    """Three significant digits, as decimals; ``×`` for a ratio."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    text = f"{value:,.{digits}f}"
    return f"{text} {unit}" if unit and unit != "×" else f"{text}{unit}"


def markdown(parts: Sequence[Part]) -> str:
    """The complete report."""
    rows = [row for part in parts for row in part.rows]
    judged = [row for row in rows if row.budget is not None]
    missed = [row for row in judged if not row.held]
    lines = [
        "# Benchmarks",
        "",
        f"{_machine()}. {len(judged) - len(missed)} of {len(judged)} budgets are held"
        + (f"; missed: {'; '.join(row.what for row in missed)}." if missed else "."),
        "",
        *_table(HEAD, [row.cells() for row in rows]),
    ]
    for part in parts:
        for table in part.tables:
            lines += ["", f"## {table.title}", "", *_table(table.head, table.lines)]
    return "\n".join(lines) + "\n"


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> list[str]:
    written = [head, ["---"] * len(head), *lines]
    return ["| " + " | ".join(cells) + " |" for cells in written]


def _machine() -> str:
    load = os.getloadavg()[0]
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{python}, {platform.system()} {platform.machine()}, {os.cpu_count()} processors, load {load:.1f}"

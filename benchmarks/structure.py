"""The source files, their sizes, and those that one question enters: ``python -m benchmarks.structure``."""

import ast
import asyncio
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from types import FrameType

from benchmarks.catalogs import shipped
from benchmarks.charts import kidney
from benchmarks.questions import engine, question
from collectors.supplied_records import from_records
from server.explain.explain import explain
from server.explain.text import render_argument

ROOT = Path(__file__).resolve().parents[1]
DIRECTORIES = ("ontology", "collectors", "modules", "server", "fixtures", "benchmarks", "training")
SMALL = 40
"""Lines; a file with fewer is seldom an idea of its own."""
LARGE = 400
CONCEPT = "egfr"


@dataclass(frozen=True, slots=True)
class Sizes:
    """The files of some directories, without ``__init__``: the lines of each, and the lines of imports in all."""

    lines: dict[str, int]
    imports: int

    @property
    def per_thousand(self) -> float:
        """Files a thousand lines."""
        return 1000 * len(self.lines) / sum(self.lines.values())

    @property
    def import_share(self) -> float:
        """Share of all lines that belong to import statements, 0 to 1."""
        return self.imports / sum(self.lines.values())

    @property
    def small(self) -> tuple[str, ...]:
        """Files under 40 lines, by name."""
        return tuple(sorted(name for name, count in self.lines.items() if count < SMALL))

    @property
    def large(self) -> tuple[str, ...]:
        """Files over 400 lines, by name."""
        return tuple(sorted(name for name, count in self.lines.items() if count > LARGE))

    def row(self, title: str) -> str:
        """One line of the table."""
        return (
            f"{title:<12} {len(self.lines):>5} {sum(self.lines.values()):>7} {self.per_thousand:>8.2f} "
            f"{median(self.lines.values()):>7.0f} {len(self.small):>9} {len(self.large):>9} {self.import_share:>8.1%}"
        )


def python_files(directory: str) -> Iterator[Path]:
    """The Python files below a directory of the repository, without ``__init__``."""
    return (path for path in sorted((ROOT / directory).rglob("*.py")) if path.name != "__init__.py")


def sizes(directories: Sequence[str] = DIRECTORIES) -> Sizes:
    """Counts the files below these directories."""
    lines: dict[str, int] = {}
    imports = 0
    for directory in directories:
        for path in python_files(directory):
            text = path.read_text(encoding="utf-8")
            lines[path.relative_to(ROOT).as_posix()] = len(text.splitlines())
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    imports += (node.end_lineno or node.lineno) - node.lineno + 1
    return Sizes(lines, imports)


@dataclass(frozen=True, slots=True)
class Visit:
    """The files that one question enters: the calls into each, and how often a call leads from one file to another."""

    calls: Counter[str]
    changes: int


async def warm_visit() -> Visit:
    """The third question for one eGFR from supplied records: gathered, answered, explained and rendered."""
    records = list(kidney("p1"))
    types = sorted(
        {str(record["resourceType"]) for record in records} | {"Patient", "Observation", "Condition", "Procedure"}
    )
    entered: list[str] = []
    rooms = tuple(f"{room}/" for room in DIRECTORIES[:4])
    root = f"{ROOT}/"

    def enter(frame: FrameType, event: str, _: object) -> None:
        file = frame.f_code.co_filename
        if event == "call" and file.startswith(root) and file.removeprefix(root).startswith(rooms):
            entered.append(file.removeprefix(root))

    async with engine(shipped()) as opened:

        async def ask() -> list[str]:
            trace = await opened.ask(question("p1", (CONCEPT,)), from_records(records, types, "p1"))
            return [render_argument(result) for result in explain(trace)]

        await ask()
        await ask()
        # Pending writes of this answer must not count towards the next one.
        await opened.memory.store.flush()
        sys.setprofile(enter)
        try:
            answers = await ask()
        finally:
            sys.setprofile(None)
    if not answers or "mL/min" not in answers[0]:
        raise RuntimeError(f"the question was not answered: {answers}")
    return Visit(Counter(entered), sum(a != b for a, b in pairwise(entered)))


def main() -> None:
    """Print the table, then the files under 40 and over 400 lines, then what one question enters."""
    heads = ("files", "lines", "per 1000", "median", "under 40", "over 400", "imports")
    print(" " * 12, *(f"{head:>{width}}" for head, width in zip(heads, (5, 7, 8, 7, 9, 9, 8), strict=True)))
    for directory in DIRECTORIES:
        print(sizes((directory,)).row(directory))
    house = sizes(DIRECTORIES[:4])
    every = sizes()
    print(house.row("those four"))
    print(every.row("all seven"))
    print("under 40:", ", ".join(every.small) or "none")
    print("over 400:", ", ".join(every.large) or "none")
    visit = asyncio.run(warm_visit())
    print(f"one warm question ({CONCEPT}): {len(visit.calls)} files entered, {visit.changes} changes of file")
    for file, calls in sorted(visit.calls.items()):
        print(f"  {file} {calls}")


if __name__ == "__main__":
    main()

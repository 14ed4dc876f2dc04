"""``python -m benchmarks [FAMILY...]``: measures and prints the report; that of all families goes to ``report.md``."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from benchmarks import (
    attribution,
    cold_question,
    graphql_answer,
    growth,
    hooks,
    models,
    pages,
    stages,
    startup,
    token_check,
    transfers,
    waiting,
)
from benchmarks.measure import FULL, TINY, Sizes
from benchmarks.report import Part, markdown

FAMILIES: Mapping[str, Callable[[Sizes], Awaitable[Part]]] = {
    "cold": cold_question.run,
    "transfers": transfers.run,
    "telling": graphql_answer.run,
    "reading": stages.run_reading,
    "compiling": stages.run_compiling,
    "executing": stages.run_cached_execution,
    "models": models.run,
    "moving": attribution.run,
    "tokens": token_check.run,
    "waiting": waiting.run,
    "pages": pages.run,
    "hooks": hooks.run,
    "starting": startup.run,
    "growing": growth.run,
}


REPORT = Path(__file__).parent / "report.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures the named families, or all; a missed budget is reported, and is no failure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("family", nargs="*", choices=[[], *FAMILIES], help="which to measure; all if none is named")
    parser.add_argument("--tiny", action="store_true", help="the smallest sizes: to see that all of it works")
    options = parser.parse_args(arguments)
    text = markdown(asyncio.run(measure(options.family or list(FAMILIES), TINY if options.tiny else FULL)))
    print(text, end="")
    if not options.family and not options.tiny:
        REPORT.write_text(text, encoding="utf-8")
    return 0


async def measure(names: Sequence[str], sizes: Sizes) -> list[Part]:
    """Runs the families one after another, so that nothing else runs during a measurement."""
    parts = []
    for name in names:
        start = time.monotonic()
        parts.append(await FAMILIES[name](sizes))
        print(f"{name}: {time.monotonic() - start:.0f} s", file=sys.stderr)
    return parts


if __name__ == "__main__":
    sys.exit(main())

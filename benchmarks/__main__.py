"""``python -m benchmarks [FAMILY...]``: measures and prints the report; that of all families goes to ``report.md``."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.families import FAMILIES
from benchmarks.report import Part, markdown
from benchmarks.sizes import FULL, TINY, Sizes

REPORT = Path(__file__).parent / "report.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures the families named, or all; a missed budget is told in the report, and is no failure."""
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
    """The parts, one after another: nothing else runs while one measures."""
    parts = []
    for name in names:
        start = time.monotonic()
        parts.append(await FAMILIES[name](sizes))
        print(f"{name}: {time.monotonic() - start:.0f} s", file=sys.stderr)
    return parts


if __name__ == "__main__":
    sys.exit(main())

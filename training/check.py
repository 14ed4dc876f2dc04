"""Checks that the data of every model are present and unchanged; the last step of ``make training-data``."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from training.data import HOME, DataError

MODULES = Path(__file__).parent.parent / "modules"


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the data of each model; returns 1 where any are missing or changed, and prints what to do."""
    parser = argparse.ArgumentParser(description="Check the data that models are fitted to.")
    parser.add_argument("--data", type=Path, default=HOME, help="the folder of the downloaded wheels")
    folder, faults = parser.parse_args(arguments).data, 0
    for name in fitted():
        try:
            task = import_module(f"modules.{name}.train").task(folder)
        except DataError as fault:
            faults += 1
            sys.stderr.write(f"{name}: {fault}\n")
        else:
            sys.stdout.write(f"{name}: {len(task.rows)} people, {int(task.happened.sum())} events\n")
    return 1 if faults else 0


def fitted() -> list[str]:
    """The folders of the modules with a ``train.py``."""
    return sorted(each.parent.name for each in MODULES.glob("*/train.py"))


if __name__ == "__main__":
    sys.exit(main())

"""A file that the command line names, or standard input, read no further than allowed."""

import sys
from pathlib import Path


def read_given(name: str, most: int) -> bytes | None:
    """The bytes of a file, or of standard input for ``-``; None where they are more than ``most``.  Raises OSError."""
    if name == "-":
        raw = sys.stdin.buffer.read(most + 1)
    else:
        try:
            with Path(name).open("rb") as file:
                raw = file.read(most + 1)
        except ValueError:
            # No file can have such a name.
            raise FileNotFoundError from None
    return raw if len(raw) <= most else None

"""``python -m server``."""

import os
import sys
from types import TracebackType

from server.cli import main

_BROKEN_PIPE_STATUS = 141
"""What a shell reports of a program that SIGPIPE ended."""


def _print_one_line(kind: type[BaseException], _: BaseException, trace: TracebackType | None) -> None:
    """What nobody meant to raise: its type and place, not its text, which may hold anything."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" at {trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace is not None else ""
    print(f"medtwin: internal error: {kind.__name__}{place}", file=sys.stderr)  # noqa: T201 - the command line


def _run() -> int:
    """The exit status of the command; what its reader no longer takes (``| head``) is dropped without a word."""
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:
        # Python would flush once more at its end, and tell that.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE_STATUS
    finally:
        # Last, since strawberry takes the hook for itself on the way, and prints the text.
        sys.excepthook = _print_one_line
    return status


if __name__ == "__main__":
    sys.exit(_run())

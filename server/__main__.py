"""``python -m server``: runs the command line; an unexpected exception is one line, without its text."""

import os
import sys
from types import TracebackType

from server.cli import main

_BROKEN_PIPE_STATUS = 141
"""The exit status that a shell reports for a program ended by SIGPIPE."""


def _print_one_line(kind: type[BaseException], _: BaseException, trace: TracebackType | None) -> None:
    """Print an unexpected exception: its type and place, but not its text, which may contain patients' data."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" at {trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace is not None else ""
    print(f"medtwin: internal error: {kind.__name__}{place}", file=sys.stderr)  # noqa: T201 - the command line


def _run() -> int:
    """Run the command and return its exit status; a closed pipe (``| head``) is no error."""
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes once more at exit, and would report the closed pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE_STATUS
    finally:
        # Last, since strawberry replaces the hook when imported, and prints the text.
        sys.excepthook = _print_one_line
    return status


if __name__ == "__main__":
    sys.exit(_run())

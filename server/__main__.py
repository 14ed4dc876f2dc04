"""``python -m server``."""

import sys
from types import TracebackType

from server.cli import main


def _one_line(kind: type[BaseException], _: BaseException, trace: TracebackType | None) -> None:
    """What nobody meant to raise: its type and place, not its text, which may hold anything."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" at {trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace is not None else ""
    print(f"medtwin: internal error: {kind.__name__}{place}", file=sys.stderr)  # noqa: T201 - the command line


if __name__ == "__main__":
    sys.excepthook = _one_line
    sys.exit(main())

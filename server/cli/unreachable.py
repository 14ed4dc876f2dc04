"""What ``ask`` reports of a source that could not be reached: one line on stderr, before all else, and a status."""

import logging
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Self, TypeAlias

from collectors.capability import capability_cache
from server.cli.terminal import print_text

UNREACHABLE = 3
"""The exit status where a source could not be reached: the answers are printed, and lack its records."""

UnreachableSources: TypeAlias = Mapping[str, Mapping[str, str]]
"""By the source's id: the resource types that could not be retrieved, and why."""


class HeldLog(logging.Handler):
    """Holds the log back while a question is asked, so that an unreachable source is the first thing reported."""

    def __init__(self) -> None:
        super().__init__()
        self._records: list[logging.LogRecord] = []
        self._unreachable: UnreachableSources = {}
        self._handlers: list[logging.Handler] = []

    def __enter__(self) -> Self:
        root = logging.getLogger()
        self._handlers, root.handlers = root.handlers, [self]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        root = logging.getLogger()
        root.handlers = self._handlers
        for record in self._records:
            if not self._is_repeated(record):
                root.handle(record)

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps the record until the question has been answered."""
        self._records.append(record)

    def report(self, unreachable: UnreachableSources) -> None:
        """Prints one line for each source that could not be reached."""
        self._unreachable = unreachable
        for source, types in unreachable.items():
            reasons, missing = ", ".join(dict.fromkeys(types.values())), ", ".join(sorted(types))
            text = f"source {source} is unreachable: {reasons}; missing: {missing}"
            print_text(f"medtwin: {text}", file=sys.stderr)

    def exit_status(self, failed: bool) -> int:
        """1 if a module failed, else 3 if a source could not be reached, else 0."""
        # A fault of ours is reported first: it is there with or without the source.
        if failed:
            return 1
        return UNREACHABLE if self._unreachable else 0

    def _is_repeated(self, record: logging.LogRecord) -> bool:
        """Whether it says of an unreachable source that its capability could not be read either."""
        if record.name != capability_cache.__name__ or not isinstance(record.args, tuple) or not record.args:
            return False
        return record.args[0] in self._unreachable

"""The command line: ``serve``, ``ask``, ``plan``, ``card``, ``verify``, ``check`` and ``source``."""

from server.cli.main import main

__all__ = ["main"]

"""The command line: serve, ask, plan, check."""

from server.cli.main import main

__all__ = ["main"]

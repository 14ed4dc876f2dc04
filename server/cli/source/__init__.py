"""``source``: connects a FHIR source and checks it."""

from server.cli.source.command import add_arguments, run

__all__ = ["add_arguments", "run"]

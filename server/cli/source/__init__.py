"""``source``: for those who connect a FHIR source."""

from server.cli.source.command import add_arguments, run

__all__ = ["add_arguments", "run"]

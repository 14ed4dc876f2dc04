"""What goes wrong when a module is evaluated.

    ServerError
    └── KindError      a description and its implementation, or its inputs, do not fit each other

These are faults of a module or of its caller, never of a patient's data: the execution boundary makes FAILED of them.
"""

from server.errors import ServerError


class KindError(ServerError):
    """A description, its implementation and what it is given do not fit each other."""

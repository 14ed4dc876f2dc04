"""Where what was fetched may lie for a while, to be used again: the server decides where, and seals it."""

from datetime import timedelta
from typing import Protocol, TypeAlias

Name: TypeAlias = "tuple[str | Name, ...]"
"""What something on the shelf is called: texts, which may be of a patient, and tuples of texts."""


class Shelf(Protocol):
    """Holds bytes under names, for a while.  A fault of it is a miss, and never an error.

    Whoever implements it must keep neither names nor bytes so that they can be read.
    """

    async def get(self, name: Name) -> bytes | None:
        """What lies there."""

    async def put(self, name: Name, content: bytes, keep: timedelta) -> None:
        """Puts it there for a while."""

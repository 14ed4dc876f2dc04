"""How a request to a source is authorised."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


class Access(Protocol):
    """Someone's authorisation at one source.

    ``scope`` stands for whose it is, so that nothing fetched for one is shared with another.  It is never the
    credential itself.
    """

    @property
    def scope(self) -> str:
        """Whose authorisation this is."""

    async def headers(self) -> Mapping[str, str]:
        """What goes with each request.  Raises SourceRefusedError where there is no authorisation to be had."""

    async def renew(self) -> bool:
        """Called when the source answered 401: whether there is a new authorisation, worth one more try."""


@dataclass(frozen=True, slots=True)
class NoAccess:
    """The source asks for no authorisation."""

    scope: str = ""

    async def headers(self) -> Mapping[str, str]:
        """None."""
        return {}

    async def renew(self) -> bool:
        """There is none to renew."""
        return False


@dataclass(frozen=True, slots=True)
class CallerAccess:
    """The caller's own bearer token, passed on; ``scope`` is a keyed hash of it."""

    token: str = field(repr=False)
    scope: str

    async def headers(self) -> Mapping[str, str]:
        """The token as the caller gave it."""
        return {"Authorization": f"Bearer {self.token}"}

    async def renew(self) -> bool:
        """Only the caller can get a new one."""
        return False

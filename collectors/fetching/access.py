"""How a request to a source is authorised: with no token, with the caller's, or not at all.

Our own authorisation (SMART Backend Services) is ``collectors.auth.backend``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from collectors.errors import AuthorisationError
from collectors.settings import Source


class Access(Protocol):
    """Someone's authorisation at one source.

    ``scope`` stands for whose it is, so that nothing fetched for one is shared with another.  It is never the
    credential itself.
    """

    @property
    def scope(self) -> str:
        """Whose authorisation this is."""

    async def headers(self) -> Mapping[str, str]:
        """What goes with each request.

        Raises AuthorisationError where no token is available, SourceUnreachableError, SourceAnswerError.
        """

    async def renew(self, stale: Mapping[str, str]) -> bool:
        """Called when the source answered 401 to these headers: whether there are others, worth one more try.

        Raises what ``headers`` raises.
        """

    def advice(self, status: int) -> str:
        """What to do about a refusal of the source (401 or 403)."""

    def check_search(self, resource_type: str) -> None:
        """Raises SourceRefusedError where whoever asks may not search for a type, whatever the source would answer."""

    def check_read(self, resource_type: str) -> None:
        """The same for reading one record of a type, whose id is known."""


@dataclass(frozen=True, slots=True)
class NoAccess:
    """The source asks for no authorisation."""

    scope: str = ""

    async def headers(self) -> Mapping[str, str]:
        """None."""
        return {}

    async def renew(self, stale: Mapping[str, str]) -> bool:
        """There is none to renew."""
        return False

    def advice(self, status: int) -> str:
        """The settings name no way of authorising."""
        return 'it requires authorisation; set auth to "caller" or "backend"'

    def check_search(self, resource_type: str) -> None:
        """Nothing is known of the caller that would limit it."""

    def check_read(self, resource_type: str) -> None:
        """Nor here."""


@dataclass(frozen=True, slots=True)
class Target:
    """A source and our authorisation there."""

    source: Source
    access: Access = field(default_factory=NoAccess)


@dataclass(frozen=True, slots=True)
class CallerAccess:
    """The caller's own bearer token, passed on; ``scope`` is a keyed hash of it."""

    token: str = field(repr=False)
    scope: str

    async def headers(self) -> Mapping[str, str]:
        """The token as the caller gave it."""
        return {"Authorization": f"Bearer {self.token}"}

    async def renew(self, stale: Mapping[str, str]) -> bool:
        """Only the caller can get a new one."""
        return False

    def advice(self, status: int) -> str:
        """An old token is replaced by whoever holds it; rights are the source's to give."""
        if status == 401:
            return "the caller's token has expired or is not for this source; get a new one and ask again"
        return "the caller's token does not allow this; it lacks a scope, or the caller may not see this patient"

    def check_search(self, resource_type: str) -> None:
        """The source itself knows what the token is for."""

    def check_read(self, resource_type: str) -> None:
        """So it does here."""


@dataclass(frozen=True, slots=True)
class WithheldAccess:
    """A source to which nothing is sent: it wants the caller's token, which is for another, or the caller may not."""

    source: str
    scope: str
    reason: str = "it requires its own token of the caller; the token given is for the named source"

    async def headers(self) -> Mapping[str, str]:
        """Raises AuthorisationError."""
        raise AuthorisationError(f"source {self.source}: {self.advice(401)}")

    async def renew(self, stale: Mapping[str, str]) -> bool:
        """There is none to renew."""
        return False

    def advice(self, status: int) -> str:
        """Why nothing is sent."""
        return self.reason

    def check_search(self, resource_type: str) -> None:
        """Raises AuthorisationError: no type may be searched."""
        raise AuthorisationError(f"source {self.source}: {self.reason}")

    def check_read(self, resource_type: str) -> None:
        """Raises AuthorisationError: nothing may be read."""
        self.check_search(resource_type)

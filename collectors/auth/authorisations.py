"""The authorisation sent to each source: the caller's token, our own (backend), or none."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from collectors.auth.permissions import EVERYTHING, Permissions
from collectors.errors import CollectorError, ScopeError, TokenRequiredError
from collectors.fetching.access import Access, CallerAccess, NoAccess, WithheldAccess
from collectors.fetching.connections import HttpClients
from collectors.settings import Source

if TYPE_CHECKING:
    from collectors.auth.backend import BackendAccess

TOKEN_VARIABLE = "EHR_TOKEN"  # noqa: S105 - the name of the variable that holds one
"""Where the command line reads the caller's token from: arguments are visible to every user of the machine."""


# RFC 6750, 2.1
_BEARER = re.compile(r"[A-Za-z0-9\-._~+/]{1,16384}=*")


def is_token(text: str) -> bool:
    """Whether a text has the syntax of a bearer token."""
    return _BEARER.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of one question.

    ``token`` is the bearer token that is passed on (None: none was given, or none may be).  ``scope`` is a keyed hash
    of whoever it is and what they may: nothing cached by the patient is shared beyond it.  ``permissions`` limit the
    types that are searched.

    ``sources`` are the ids of those that may be asked (None: all, since no issuer vouches for the caller).  Where they
    are limited, the caller is bound to ``patient``, the id of a source and the FHIR id there, and may ask about nobody
    else; ``identity`` then holds the texts that say who asks, and is never logged or sent.

    ``call_only``: nothing but what came with one call authorises it, its own ``token`` or none at all; our own rights
    never do, and no source is asked but that of the question.  ``withheld``: why nothing is fetched for it at all.
    """

    token: str | None = field(default=None, repr=False)
    scope: str = ""
    permissions: Permissions = EVERYTHING
    sources: frozenset[str] | None = None
    patient: tuple[str, str] | None = field(default=None, repr=False)
    identity: tuple[str, ...] = field(default=(), repr=False)
    call_only: bool = False
    withheld: str | None = None

    def may_ask(self, source: str, patient: str) -> bool:
        """Whether a question about this patient (FHIR id) of this source (id) is the caller's to ask."""
        return self.sources is None or (source in self.sources and self.patient == (source, patient))

    @property
    def scope_text(self) -> str | None:
        """What ``scope`` is a keyed hash of; None for an anonymous caller."""
        if self.sources is None:
            return self.token
        parts = (*self.identity, self.permissions.canonical, *sorted(self.sources), *(self.patient or ()))
        return msgspec.json.encode((*parts, self.token)).decode()


NO_CALLER = Caller()


@dataclass(frozen=True, slots=True)
class LimitedAccess:
    """An authorisation at a source, as far as the scopes of the caller's own token go: for whatever they do not cover
    nothing is sent, and nothing that was retrieved for anybody else is used."""

    access: Access
    caller: Caller

    @property
    def scope(self) -> str:
        """The source's view of who asks, and ours."""
        return f"{self.access.scope} {self.caller.scope}"

    async def headers(self) -> Mapping[str, str]:
        """Those of the authorisation that is limited."""
        return await self.access.headers()

    async def renew(self, stale: Mapping[str, str]) -> bool:
        """As the authorisation that is limited."""
        return await self.access.renew(stale)

    def advice(self, status: int) -> str:
        """That of the authorisation that is limited."""
        return self.access.advice(status)

    def check_search(self, resource_type: str) -> None:
        """Raises ScopeError for a type that the scopes do not cover."""
        if not self.caller.permissions.may_search(resource_type):
            raise ScopeError(f"{self._whose_token()} does not permit it (scope {resource_type}.rs)")
        self.access.check_search(resource_type)

    def check_read(self, resource_type: str) -> None:
        """Raises ScopeError for a type whose records the scopes do not permit to read."""
        if not self.caller.permissions.may_read(resource_type):
            raise ScopeError(f"{self._whose_token()} does not permit it (scope {resource_type}.r)")
        self.access.check_read(resource_type)

    def _whose_token(self) -> str:
        return "the token that came with the call" if self.caller.call_only else "the app's token"


def is_of_call(access: Access) -> bool:
    """Whether it is by what came with one call, which is for nothing but that call."""
    return isinstance(access, LimitedAccess) and access.caller.call_only


class Authorisations:
    """The authorisation at each source.  Reads keys and certificates on construction (CredentialError)."""

    def __init__(
        self, sources: Sequence[Source], clients: HttpClients, environ: Mapping[str, str] | None = None
    ) -> None:
        for source in sources:
            clients.client_for(source)
        variables = os.environ if environ is None else environ
        self._backends = {
            source.id: _backend_access(source, clients, variables) for source in sources if source.auth == "backend"
        }

    async def token_faults(self) -> list[str]:
        """Why no token of our own can be obtained now, for each source where that fails."""
        found = []
        for access in self._backends.values():
            try:
                await access.headers()
            except CollectorError as error:
                found.append(str(error))
        return found

    def access_for(self, source: Source, caller: Caller) -> Access:
        """The authorisation of this caller at this source.

        Raises TokenRequiredError where the source needs the caller's token and there is none.
        """
        access = _access_of_call(source, caller) if caller.call_only else self._unlimited_access(source, caller)
        unlimited = caller.sources is None or isinstance(access, WithheldAccess)
        return access if unlimited else LimitedAccess(access, caller)

    def _unlimited_access(self, source: Source, caller: Caller) -> Access:
        if source.auth == "backend":
            return self._backends[source.id]
        if source.auth != "caller":
            return NoAccess()
        if caller.token is None:
            raise TokenRequiredError(
                f"source {source.id} answers with the caller's own token: send it as Authorization: Bearer, "
                f"or to the command line in the environment variable {TOKEN_VARIABLE}"
            )
        return CallerAccess(caller.token, caller.scope)

    def access_for_other(self, source: Source, caller: Caller) -> Access:
        """The authorisation at a source that is searched besides the one named in the question.

        A caller's token is for the named source only: another source that received it could use it there.  A source
        for whose patients the caller's issuer does not speak is not asked at all.
        """
        if caller.sources is not None and source.id not in caller.sources:
            return WithheldAccess(source.id, caller.scope, "the caller's token is not for this source")
        return WithheldAccess(source.id, caller.scope) if source.auth == "caller" else self.access_for(source, caller)


def _access_of_call(source: Source, caller: Caller) -> Access:
    """The authorisation by what came with a call alone: its token, or none where the source asks for none.

    A certificate of ours is a right of ours, too.
    """
    if caller.withheld is not None:
        return WithheldAccess(source.id, caller.scope, caller.withheld)
    if caller.token is not None:
        return CallerAccess(caller.token, caller.scope)
    if source.auth == "none" and (source.tls is None or source.tls.cert_file is None):
        return NoAccess()
    return WithheldAccess(source.id, caller.scope, "it requires authorisation, and no token came with the call")


def _backend_access(source: Source, clients: HttpClients, variables: Mapping[str, str]) -> "BackendAccess":
    # Imported only where a source needs it: signing takes a tenth of a second to import.
    from collectors.auth.backend import BackendAccess
    from collectors.auth.registration import read_registration

    return BackendAccess(clients.client_for(source), source, read_registration(source, variables))

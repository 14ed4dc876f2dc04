"""The settings of CDS Hooks: which EHRs may call the services, and how much one call may bring and show."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from server.settings.authorisation import check_file_name
from server.settings.callers import check_secure_url
from server.settings.validation import Section

PUBLIC_SANDBOX = "sandbox.cds-hooks.org"
"""The host of the public CDS Hooks Sandbox, which publishes its private key: anybody can sign as it."""
_PUBLISHED_KEY = (
    f"must not be the public CDS Hooks Sandbox ({PUBLIC_SANDBOX}): its private key is published, so that anybody can "
    "call in its name; on loopback, without hooks.clients, the Sandbox needs no token"
)


class HookClientSettings(Section):
    """An EHR that calls the services (a CDS Client), its keys, and the sources that it may name as ``fhirServer``.

    ``issuer`` is compared with the ``iss`` of a token, and ``jwks_url`` with its ``jku``, character by character.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
    issuer: str
    jwks_url: str | None = None
    jwks_file: Path | None = None
    sources: Annotated[tuple[str, ...], Field(min_length=1)]

    @field_validator("issuer")
    @classmethod
    def _check_issuer(cls, issuer: str) -> str:
        return _check_own(issuer)

    @field_validator("jwks_url")
    @classmethod
    def _check_jwks_url(cls, url: str | None) -> str | None:
        return None if url is None else _check_own(url)

    @field_validator("jwks_file")
    @classmethod
    def _check_jwks_file(cls, file: Path | None) -> Path | None:
        return check_file_name(file)

    @model_validator(mode="after")
    def _check_one_key_set(self) -> Self:
        if (self.jwks_url is None) == (self.jwks_file is None):
            raise ValueError("exactly one of jwks_url and jwks_file is required")
        return self


class HookSettings(Section):
    """Who may call the services, the largest body (bytes), the most cards, and how long an override silences a card."""

    max_bytes: int = Field(default=10 * 1024 * 1024, ge=1024, le=100 * 1024 * 1024)
    max_cards: int = Field(default=5, ge=2, le=50)
    override_for: timedelta = timedelta(days=7)
    clients: tuple[HookClientSettings, ...] = ()

    @field_validator("override_for")
    @classmethod
    def _check_override_for(cls, override_for: timedelta) -> timedelta:
        if not timedelta(minutes=1) <= override_for <= timedelta(days=90):
            raise ValueError("must be between one minute and 90 days: seconds, or an ISO 8601 duration such as P7D")
        return override_for


def check_hooks(hooks: HookSettings, sources: tuple[str, ...], public_url: str | None) -> None:
    """Raises ValueError where the clients contradict each other, the sources (their ids) or the server's settings."""
    clients = hooks.clients
    if clients and public_url is None:
        raise ValueError("hooks.clients require server.public_url: the aud of a token is the service's address there")
    if len({each.id for each in clients}) != len(clients):
        raise ValueError("the ids of hooks.clients must be distinct")
    if len({each.issuer for each in clients}) != len(clients):
        raise ValueError("two of hooks.clients have the same issuer: a call is of the one that the token's iss names")
    for each in clients:
        unknown = [source for source in each.sources if source not in sources]
        if unknown:
            known = ", ".join(sources) or "none"
            raise ValueError(f"hooks client {each.id}: sources names {', '.join(unknown)}; configured are {known}")


def _check_own(url: str) -> str:
    check_secure_url(url)
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    if host == PUBLIC_SANDBOX or host.endswith(f".{PUBLIC_SANDBOX}"):
        raise ValueError(_PUBLISHED_KEY)
    return url

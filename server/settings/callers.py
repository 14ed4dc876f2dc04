"""The settings of who may ask: the issuers of tokens, and the names and origins by which this server is reached.

They contain no credential, only where each is found.
"""

import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from collectors.fetching.addresses import may_receive_credentials
from server.settings.authorisation import check_file_name, check_variable
from server.settings.validation import Section

Algorithm = Literal[
    "ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA"
]  # fmt: skip
"""Signatures that only the holder of a private key can make (RFC 7518, RFC 8037)."""

_SECURE_URL = "must be an absolute https URL (plain http only on loopback), without user and fragment"
# RFC 1123 names, IPv4, and IPv6 in brackets; never a port, since ports are not compared.
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")


class IntrospectionSettings(Section):
    """RFC 7662: the endpoint, and our client there, identified by a secret or by a private key (private_key_jwt)."""

    url: str
    client_id: str = Field(min_length=1, max_length=512)
    key_file: Path | None = None
    secret_env: str | None = None

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        return check_secure_url(url)

    @field_validator("key_file")
    @classmethod
    def _check_key_file(cls, key_file: Path | None) -> Path | None:
        return check_file_name(key_file)

    @field_validator("secret_env")
    @classmethod
    def _check_secret_variable(cls, secret_env: str | None) -> str | None:
        return check_variable(secret_env)

    @model_validator(mode="after")
    def _check_one_credential(self) -> Self:
        if (self.key_file is None) == (self.secret_env is None):
            raise ValueError("exactly one of key_file and secret_env is required")
        return self


class IssuerSettings(Section):
    """An authorisation server whose tokens are accepted, and the sources for whose patients it speaks.

    ``issuer`` is compared with the ``iss`` of a token character by character, so it is kept as it is written.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
    issuer: str
    jwks_url: str | None = None
    introspection: IntrospectionSettings | None = None
    audience: tuple[Annotated[str, Field(min_length=1, max_length=2048)], ...] = ()
    sources: Annotated[tuple[str, ...], Field(min_length=1)]
    any_patient: bool = False
    algorithms: Annotated[tuple[Algorithm, ...], Field(min_length=1)] = ("ES384", "RS384", "ES256", "RS256")

    @field_validator("issuer")
    @classmethod
    def _check_issuer(cls, issuer: str) -> str:
        if "?" in issuer:
            raise ValueError(f"{_SECURE_URL}, and without query")
        return check_secure_url(issuer)

    @field_validator("jwks_url")
    @classmethod
    def _check_jwks_url(cls, url: str | None) -> str | None:
        return None if url is None else check_secure_url(url)

    @model_validator(mode="after")
    def _check_way_of_checking(self) -> Self:
        if (self.jwks_url is None) == (self.introspection is None):
            raise ValueError("exactly one of jwks_url and introspection is required")
        if self.jwks_url is not None and not self.audience:
            raise ValueError("jwks_url requires audience: tokens that are issued for another server must be refused")
        return self


def check_secure_url(url: str) -> str:
    """The address, checked.  Raises ValueError unless it is absolute and secure, without user and fragment."""
    try:
        _ = urlsplit(url).port
    except ValueError:
        raise ValueError(_SECURE_URL) from None
    if not url.isascii() or not url.isprintable() or " " in url or not may_receive_credentials(url):
        raise ValueError(_SECURE_URL)
    return url


def check_public_url(url: str | None) -> str | None:
    """The address by which callers reach this server, without a slash at its end.  Raises ValueError."""
    if url is None:
        return None
    if "?" in url:
        raise ValueError(f"{_SECURE_URL}, and without query")
    return check_secure_url(url).rstrip("/")


def check_origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    """Origins as browsers send them.  Raises ValueError for anything else: ``*``, a path, capitals, a usual port."""
    for origin in origins:
        try:
            parts = urlsplit(origin)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        bare = f"{parts.scheme}://{parts.netloc}"
        usual = (parts.scheme, port) in (("https", 443), ("http", 80))
        name = parts.netloc.removesuffix(f":{port}")
        if parts.scheme not in ("https", "http") or origin != bare or usual or _HOST.fullmatch(name) is None:
            raise ValueError(
                "each must be an origin as browsers send it, such as https://app.example: scheme, host in small "
                "letters, a port that is not the usual one; no path, no *"
            )
    return origins


def check_hosts(hosts: tuple[str, ...]) -> tuple[str, ...]:
    """Names without port.  Raises ValueError for anything else."""
    for host in hosts:
        if _HOST.fullmatch(host.lower()) is None:
            raise ValueError("each must be a host name or an address without scheme and port, such as cds.example")
    return tuple(host.lower() for host in hosts)


def check_issuers(issuers: tuple[IssuerSettings, ...], sources: tuple[str, ...], public_url: str | None) -> None:
    """Raises ValueError where the issuers contradict each other, the sources (their ids) or the server's settings."""
    if issuers and public_url is None:
        raise ValueError("issuers require server.public_url: the address by which callers reach this server")
    if len({each.id for each in issuers}) != len(issuers):
        raise ValueError("the ids of issuers must be distinct")
    if len({each.issuer for each in issuers}) != len(issuers):
        raise ValueError("two issuers have the same issuer: a token goes to the one that its iss names")
    if sum(each.introspection is not None for each in issuers) > 1:
        raise ValueError("at most one issuer may have introspection: an opaque token does not name its issuer")
    for each in issuers:
        unknown = [source for source in each.sources if source not in sources]
        if unknown:
            known = ", ".join(sources) or "none"
            raise ValueError(f"issuer {each.id}: sources names {', '.join(unknown)}; configured are {known}")

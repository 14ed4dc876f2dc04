"""The settings of SMART App Launch: our client at the authorisation server of a source, and who may frame the pages.

They contain no credential, only where each is found.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from server.settings.authorisation import SCOPES, check_file_name, check_variable
from server.settings.callers import check_origins
from server.settings.validation import Section

DEFAULT_SCOPE = "launch openid fhirUser online_access patient/*.rs"
LAUNCH, LAUNCH_PATIENT, OPENID = "launch", "launch/patient", "openid"


class SourceLaunchSettings(Section):
    """The client that is registered at a source's authorisation server: public, with a key, or with a secret.

    ``origins``: hosts that the source's smart-configuration may name, besides that of the source itself.
    """

    client_id: str = Field(min_length=1, max_length=512)
    scope: str = DEFAULT_SCOPE
    origins: tuple[str, ...] = ()
    key_file: Path | None = None
    key_env: str | None = None
    secret_env: str | None = None

    @field_validator("client_id")
    @classmethod
    def _check_client_id(cls, client_id: str) -> str:
        # RFC 6749, appendix A.1
        if not client_id.isascii() or not client_id.isprintable():
            raise ValueError("must be printable ASCII, as the authorisation server gave it")
        return client_id

    @field_validator("scope")
    @classmethod
    def _check_scope(cls, scope: str) -> str:
        if SCOPES.fullmatch(scope) is None:
            raise ValueError("must be scopes separated by single spaces, such as launch openid fhirUser patient/*.rs")
        named = scope.split(" ")
        if not {LAUNCH, LAUNCH_PATIENT}.intersection(named):
            raise ValueError("must contain launch: without it no patient comes with the token")
        return scope

    @field_validator("origins")
    @classmethod
    def _check_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        return check_origins(origins)

    @field_validator("key_file")
    @classmethod
    def _check_key_file(cls, key_file: Path | None) -> Path | None:
        return check_file_name(key_file)

    @field_validator("key_env", "secret_env")
    @classmethod
    def _check_variables(cls, name: str | None) -> str | None:
        return check_variable(name)

    @model_validator(mode="after")
    def _check_one_credential(self) -> Self:
        if sum(each is not None for each in (self.key_file, self.key_env, self.secret_env)) > 1:
            raise ValueError("at most one of key_file, key_env and secret_env is allowed; none for a public client")
        return self


class LaunchSettings(Section):
    """What all launches have in common: the origins of the EHRs whose pages may frame ours."""

    frame_ancestors: tuple[str, ...] = ()

    @field_validator("frame_ancestors")
    @classmethod
    def _check_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        return check_origins(origins)


class _LaunchedSource(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def base_url(self) -> str: ...
    @property
    def auth(self) -> str: ...
    @property
    def launch(self) -> SourceLaunchSettings | None: ...


def all_launched(sources: Sequence[_LaunchedSource]) -> bool:
    """Whether there are sources, and each answers with the caller's own token and has an EHR that launches us."""
    return bool(sources) and all(each.auth == "caller" and each.launch is not None for each in sources)


def check_launches(sources: Iterable[_LaunchedSource], public_url: str | None, cache_enabled: bool) -> None:
    """Raises ValueError where the launches contradict the sources or the server's settings."""
    launched = [source for source in sources if source.launch is not None]
    for source in launched:
        if source.auth != "caller":
            raise ValueError(f'sources.launch of {source.id} requires auth = "caller": its token is the one passed on')
    if launched and public_url is None:
        raise ValueError("sources.launch requires server.public_url: the redirect URI is public_url/launch/callback")
    if launched and urlsplit(public_url or "").path:
        # A browser gives such cookies to all paths of a host, and the links of the pages begin at its root.
        raise ValueError("sources.launch requires a server.public_url without path: charts need a host of their own")
    if len({source.base_url.rstrip("/") for source in launched}) != len(launched):
        raise ValueError("two sources with launch have the same base_url: a launch names its source by that")
    if launched and not cache_enabled:
        raise ValueError("sources.launch requires the cache (cache.enabled): sessions are kept there, encrypted")

"""The settings, section by section.  Each is documented in ``docs/settings.md``; a test checks that."""

import base64
import binascii
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from collectors.settings import Source
from server.settings.callers import IssuerSettings, check_hosts, check_issuers, check_origins, check_public_url
from server.settings.endpoints import SourceSettings, TerminologySettings
from server.settings.hooks import HookSettings, check_hooks
from server.settings.launch import LaunchSettings, all_launched, check_launches
from server.settings.validation import ABSENCE, UNITS, Section, SiteSetting, check_zone, warn_if_readable_by_all

KEY_BYTES = 32


class ServerSettings(Section):
    """Where the server listens, how it is reached from elsewhere, and the limits of one request.

    ``deadline`` is in seconds.  ``origins``: whose pages may ask from a browser.  ``hosts``: further names that a Host
    header may bear.  ``allow_anonymous``: without issuers, listen beyond loopback nevertheless.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    public_url: str | None = None
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    allow_anonymous: bool = False
    production: bool = False
    graphiql_dir: Path = Path("var/graphiql")
    deadline: float = Field(default=20.0, gt=0, le=600)
    max_query_bytes: int = Field(default=64 * 1024, ge=1024, le=16 * 1024 * 1024)
    max_depth: int = Field(default=12, ge=1, le=100)
    max_complexity: int = Field(default=200_000, ge=10)
    max_aliases: int = Field(default=30, ge=0)
    max_concepts: int = Field(default=50, ge=1)
    max_records: int = Field(default=100_000, ge=1)
    max_read_bytes: int = Field(default=256 * 1024 * 1024, ge=1024)
    max_executions: int = Field(default=50_000, ge=1)
    max_questions: int = Field(default=256, ge=1)
    max_questions_per_caller: int = Field(default=64, ge=1)
    max_rate: int = Field(default=100, ge=1)
    max_connections: int = Field(default=1_000, ge=1)

    @field_validator("public_url")
    @classmethod
    def _check_public_url(cls, url: str | None) -> str | None:
        return check_public_url(url)

    @field_validator("origins")
    @classmethod
    def _check_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        return check_origins(origins)

    @field_validator("hosts")
    @classmethod
    def _check_hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        return check_hosts(hosts)


class CacheSettings(Section):
    """The cache of results: its server, the key of its encryption, and the time to live (``ttl``).

    Without ``url`` the embedded server is used; without a key, a random one that ends with the process.
    """

    enabled: bool = True
    url: SecretStr | None = None
    key: SecretStr | None = None
    key_file: Path | None = None
    ttl: timedelta = timedelta(hours=12)

    @field_validator("url")
    @classmethod
    def _check_scheme(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must begin with redis://, rediss:// or unix://")
        return url

    @field_validator("ttl")
    @classmethod
    def _check_ttl(cls, ttl: timedelta) -> timedelta:
        if not timedelta(seconds=1) <= ttl <= timedelta(days=30):
            raise ValueError("must be between one second and 30 days: seconds, or an ISO 8601 duration such as PT12H")
        return ttl

    @model_validator(mode="after")
    def _check_key(self) -> Self:
        if self.key is not None and self.key_file is not None:
            raise ValueError("key and key_file exclude each other")
        if self.enabled and self.url is not None and self.key is None and self.key_file is None:
            raise ValueError("url requires key (32 bytes in hex or base64) or key_file")
        if self.key is not None:
            decode_key(self.key.get_secret_value())
        return self

    def key_bytes(self) -> bytes | None:
        """The 32 bytes of the key, None if none is set.  Raises ValueError if it cannot be read."""
        if self.key is not None:
            return decode_key(self.key.get_secret_value())
        if self.key_file is None:
            return None
        warn_if_readable_by_all(self.key_file, "cache.key_file")
        try:
            return decode_key(self.key_file.read_text(encoding="ascii").strip())
        except (OSError, UnicodeDecodeError):
            raise ValueError("key_file cannot be read") from None


class PagesSettings(Section):
    """``questions``: the concepts that the patient page shows, in this order; none: all that modules compute."""

    questions: tuple[str, ...] = ()


class Settings(BaseSettings):
    """All settings.

    ``site``: values of site concepts, by concept id, and the tables of absences and of units.  ``zone``: the time zone
    in which days begin, and in which times are shown.
    """

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, env_prefix="MEDTWIN_", env_nested_delimiter="__"
    )

    server: ServerSettings = ServerSettings()
    cache: CacheSettings = CacheSettings()
    pages: PagesSettings = PagesSettings()
    sources: tuple[SourceSettings, ...] = ()
    issuers: tuple[IssuerSettings, ...] = ()
    launch: LaunchSettings = LaunchSettings()
    hooks: HookSettings = HookSettings()
    terminology: TerminologySettings | None = None
    site: dict[str, SiteSetting] = Field(default_factory=dict)
    zone: str = "UTC"

    @field_validator("zone")
    @classmethod
    def _check_zone(cls, zone: str) -> str:
        return check_zone(zone)

    @field_validator("site", mode="before")
    @classmethod
    def _read_site(cls, site: Any) -> Any:
        # Names of environment variables contain no hyphen, and their values are text.
        if not isinstance(site, dict):
            return site
        flags = {"true": True, "false": False}
        read = {
            str(name).replace("_", "-"): flags.get(value.lower(), value) if isinstance(value, str) else value
            for name, value in site.items()
        }
        if isinstance(modules := read.get(ABSENCE), dict):
            read[ABSENCE] = {
                str(module).replace("_", "-"): {
                    slot: flags.get(value.lower(), value) if isinstance(value, str) else value
                    for slot, value in choices.items()
                }
                if isinstance(choices, dict)
                else choices
                for module, choices in modules.items()
            }
        if isinstance(units := read.get(UNITS), dict):
            read[UNITS] = {str(name).replace("_", "-"): unit for name, unit in units.items()}
        return read

    @field_validator("sources")
    @classmethod
    def _check_distinct(cls, sources: tuple[SourceSettings, ...]) -> tuple[SourceSettings, ...]:
        if len({source.id for source in sources}) != len(sources):
            raise ValueError("the ids of sources must be distinct")
        for source in sources:
            others = {base for each in sources if each is not source for base in each.bases}
            if others.intersection(source.aliases):
                raise ValueError(f"an alias of {source.id} is the base_url, or an alias, of another source")
        return sources

    @model_validator(mode="after")
    def _check_issuers(self) -> Self:
        check_issuers(self.issuers, tuple(source.id for source in self.sources), self.server.public_url)
        return self

    @model_validator(mode="after")
    def _check_launches(self) -> Self:
        check_launches(self.sources, self.server.public_url, self.cache.enabled)
        return self

    @model_validator(mode="after")
    def _check_hooks(self) -> Self:
        check_hooks(self.hooks, tuple(source.id for source in self.sources), self.server.public_url)
        return self

    @property
    def token_required(self) -> bool:
        """Whether a question needs a bearer token although there are no issuers.

        That is so where the EHRs launch us and nothing else is configured: each source then answers with the caller's
        own token only, and decides what that may read, so that whoever has none has nothing to ask.
        """
        return not self.issuers and not self.server.allow_anonymous and all_launched(self.sources)

    def endpoints(self) -> tuple[Source, ...]:
        """The sources for collectors, in the order of the settings.

        They are ranked by ``trust``, and those of equal trust by that order.
        """
        made = tuple(source.source(self.zone) for source in self.sources)
        ordered = sorted(self.sources, key=lambda source: -source.trust)
        ranks = {source.id: rank for rank, source in enumerate(ordered)}
        return tuple(replace(source, rank=ranks[source.id]) for source in made)


def decode_key(text: str) -> bytes:
    """The key of 32 bytes from its hex or base64 form.  Raises ValueError, without the text, for anything else."""
    try:
        key = bytes.fromhex(text)
    except ValueError:
        try:
            key = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("a key must be 32 bytes in hex or base64") from None
    if len(key) != KEY_BYTES:
        raise ValueError("a key must be 32 bytes in hex or base64")
    return key

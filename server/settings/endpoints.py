"""The settings of the FHIR endpoints: the sources, and the terminology server."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from collectors.settings import Backend, Source, Tls
from server.settings.authorisation import BackendSettings, TlsSettings, check_authorisation
from server.settings.launch import SourceLaunchSettings
from server.settings.validation import Section, check_address, check_zone

_MIN_FRESHNESS, _MAX_FRESHNESS = timedelta(seconds=1), timedelta(days=7)


class SourceSettings(Section):
    """One source, a FHIR R4 endpoint; ``timeout`` is for one request, in seconds, ``max_bytes`` for one page."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
    base_url: str
    allow_http: bool = False
    auth: Literal["none", "caller", "backend"] = "none"
    zone: str | None = None
    concurrency: int = Field(default=6, ge=1, le=64)
    page_size: int = Field(default=500, ge=1, le=10_000)
    max_pages: int = Field(default=200, ge=1)
    max_records: int = Field(default=50_000, ge=1)
    max_bytes: int = Field(default=32 * 1024 * 1024, ge=1024)
    timeout: float = Field(default=20.0, gt=0, le=600)
    http2: bool = True
    backend: BackendSettings | None = None
    launch: SourceLaunchSettings | None = None
    tls: TlsSettings | None = None
    folder: Path | None = None
    identifiers: tuple[str, ...] = ()
    trust: int = Field(default=0, ge=-1000, le=1000)
    collectors: tuple[str, ...] = ()
    freshness: dict[str, timedelta] = Field(default_factory=dict)
    capability_ttl: timedelta = timedelta(hours=1)
    elements: bool = False
    bare_codes: bool = False
    aliases: tuple[str, ...] = ()

    @field_validator("zone")
    @classmethod
    def _check_zone(cls, zone: str | None) -> str | None:
        return zone if zone is None else check_zone(zone)

    @field_validator("freshness")
    @classmethod
    def _check_freshness(cls, freshness: dict[str, timedelta]) -> dict[str, timedelta]:
        if not all(_MIN_FRESHNESS <= window <= _MAX_FRESHNESS for window in freshness.values()):
            raise ValueError("must be between one second and 7 days: seconds, or an ISO 8601 duration such as PT15M")
        return freshness

    @field_validator("aliases")
    @classmethod
    def _check_aliases(cls, aliases: tuple[str, ...]) -> tuple[str, ...]:
        for alias in aliases:
            try:
                check_address(alias, allow_http=False)
            except ValueError:
                raise ValueError("each alias must be a base URL without query: https, or http on loopback") from None
        return tuple(alias.rstrip("/") for alias in aliases)

    @model_validator(mode="after")
    def _check_base_url(self) -> Self:
        check_address(self.base_url, self.allow_http)
        return self

    @model_validator(mode="after")
    def _check_authorisation(self) -> Self:
        check_authorisation(self.base_url, self.auth, self.backend, self.tls)
        return self

    @property
    def bases(self) -> tuple[str, ...]:
        """All base URLs of this source: its own, and its aliases."""
        return (self.base_url.rstrip("/"), *self.aliases)

    def source(self, default_zone: str) -> Source:
        """The source for collectors; ``default_zone`` is its time zone if it has none of its own."""
        return Source(
            id=self.id,
            base_url=self.base_url.rstrip("/"),
            auth=self.auth,
            zone=ZoneInfo(self.zone or default_zone),
            concurrency=self.concurrency,
            page_size=self.page_size,
            max_pages=self.max_pages,
            max_records=self.max_records,
            max_bytes=self.max_bytes,
            timeout=self.timeout,
            http2=self.http2,
            backend=Backend(**self.backend.model_dump()) if self.backend is not None else None,
            tls=Tls(**self.tls.model_dump()) if self.tls is not None else None,
            folder=self.folder,
            identifiers=self.identifiers,
            collectors=self.collectors,
            freshness=tuple(sorted(self.freshness.items())),
            capability_ttl=self.capability_ttl,
            elements=self.elements,
            bare_codes=self.bare_codes,
            aliases=self.aliases,
        )


class TerminologySettings(Section):
    """A FHIR R4 terminology server, for value sets that no file defines.

    ``page_size`` codes are requested at once; an unversioned value set expires after ``ttl``.
    """

    base_url: str
    auth: Literal["none", "backend"] = "none"
    backend: BackendSettings | None = None
    tls: TlsSettings | None = None
    allow_http: bool = False
    page_size: int = Field(default=1_000, ge=1, le=50_000)
    concurrency: int = Field(default=4, ge=1, le=64)
    max_bytes: int = Field(default=32 * 1024 * 1024, ge=1024)
    timeout: float = Field(default=30.0, gt=0, le=600)
    ttl: timedelta = timedelta(hours=1)

    @model_validator(mode="after")
    def _check_server(self) -> Self:
        check_address(self.base_url, self.allow_http)
        if not timedelta(seconds=1) <= self.ttl <= timedelta(days=30):
            raise ValueError("ttl must be between one second and 30 days")
        check_authorisation(self.base_url, self.auth, self.backend, self.tls)
        return self

    def source(self) -> Source:
        """The server as a source, for the transport."""
        return Source(
            id="terminology",
            base_url=self.base_url.rstrip("/"),
            concurrency=self.concurrency,
            page_size=self.page_size,
            max_bytes=self.max_bytes,
            timeout=self.timeout,
            auth=self.auth,
            backend=Backend(**self.backend.model_dump()) if self.backend is not None else None,
            tls=Tls(**self.tls.model_dump()) if self.tls is not None else None,
        )

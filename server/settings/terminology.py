"""The settings of the terminology server."""

from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, model_validator

from collectors.settings import Backend, Source, Tls
from server.settings.address import check_address
from server.settings.authorisation import BackendSettings, TlsSettings, check_authorised
from server.settings.section import Section


class TerminologySettings(Section):
    """A FHIR R4 terminology server, for value sets that no file defines.

    ``page_size`` codes are asked for at once; a set of no named version is asked for again after ``ttl``.
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
    def _sound(self) -> Self:
        check_address(self.base_url, self.allow_http)
        if not timedelta(seconds=1) <= self.ttl <= timedelta(days=30):
            raise ValueError("ttl must be between one second and 30 days")
        check_authorised(self.base_url, self.auth, self.backend, self.tls)
        return self

    def source(self) -> Source:
        """The server as the transport wants it."""
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

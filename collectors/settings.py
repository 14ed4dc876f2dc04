"""The settings of a source that collectors need; the server's settings read them."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Backend:
    """SMART Backend Services: our client at the authorisation server, and where our private key is.

    The key is in ``key_file`` (PEM or JWK) or in the environment variable ``key_env``.  Without ``token_url`` the
    source's ``.well-known/smart-configuration`` names it.  ``jwks_url``: where our public keys are published.
    """

    client_id: str
    key_file: Path | None = None
    key_env: str | None = None
    key_id: str | None = None
    token_url: str | None = None
    jwks_url: str | None = None
    scope: str = "system/*.rs"


@dataclass(frozen=True, slots=True)
class Tls:
    """Our client certificate and key, and the certificate authority of the source (PEM files)."""

    cert_file: Path | None = None
    key_file: Path | None = None
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One FHIR R4 endpoint.

    ``base_url`` without a trailing slash.  ``zone`` is that of times without one.  ``concurrency`` bounds concurrent
    requests, ``page_size`` is sent as ``_count``, ``max_pages``, ``max_records`` (a search) and ``max_bytes`` (a page)
    bound responses, ``timeout`` (seconds) bounds one request.

    ``folder`` holds the ConceptMaps and ValueSets of this source.  ``identifiers`` are the identifier systems by which
    its patients are known elsewhere; ``rank`` is its place in the order of trust, 0 first.  ``collectors`` names those
    that are used only on request.  ``freshness``: for how long records may be used again, by collector id (not listed:
    never).  ``capability_ttl``: for how long its declared capability is cached.  ``aliases``: further base URLs under
    which its records refer to each other; never requested.  ``elements``: ``_elements`` was proven to keep values and
    times complete.  ``bare_codes``: codes are asked for without their system, whose name it may spell in another way.
    """

    id: str
    base_url: str
    auth: str = "none"
    zone: ZoneInfo = _UTC
    concurrency: int = 6
    page_size: int = 500
    max_pages: int = 200
    max_records: int = 50_000
    max_bytes: int = 32 * 1024 * 1024
    timeout: float = 20.0
    http2: bool = True
    backend: Backend | None = None
    tls: Tls | None = None
    folder: Path | None = None
    identifiers: tuple[str, ...] = ()
    rank: int = 0
    collectors: tuple[str, ...] = ()
    freshness: tuple[tuple[str, timedelta], ...] = ()
    capability_ttl: timedelta = timedelta(hours=1)
    elements: bool = False
    aliases: tuple[str, ...] = ()
    bare_codes: bool = False

    @property
    def bases(self) -> tuple[str, ...]:
        """All base URLs under which references mean records of this source."""
        return (self.base_url.rstrip("/"), *self.aliases)

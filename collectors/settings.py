"""What a collector needs to know of a source: read by the server's settings, used here."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Source:
    """One FHIR R4 endpoint.

    ``base_url`` without a trailing slash.  ``zone`` is taken for times that carry none.  ``concurrency`` bounds the
    requests under way at once, ``page_size`` is asked for with ``_count``, ``max_pages``, ``max_records`` (a search)
    and ``max_bytes`` (a page) end what would never end, ``timeout`` (seconds) bounds one request.
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

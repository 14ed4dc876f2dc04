"""What came of one search."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fetched:
    """The raw records of one search, all pages, and how many remarks the server made on it.

    ``more``: only the first page was read, and there are others.  ``link``: the search as the server says it took it.
    ``parts``: of several searches in one batch the first page of each, in the order asked.  ``lacking`` tells what did
    not come though it should have: then nothing may be concluded from what is not among the records.

    ``etag``, ``keepable`` and ``unchanged`` are those of an answer of one page, and ``kept_since`` (seconds since 1970)
    when records were fetched that are used again.
    """

    records: tuple[bytes, ...]
    outcomes: int
    requests: int
    more: bool = False
    link: str | None = None
    parts: "tuple[Fetched, ...]" = ()
    lacking: tuple[str, ...] = ()
    etag: str | None = None
    keepable: bool = False
    unchanged: bool = False
    kept_since: float | None = None

    @property
    def raws(self) -> tuple[bytes, ...]:
        """The records, those of the parts among them."""
        return self.records + tuple(raw for part in self.parts for raw in part.records)

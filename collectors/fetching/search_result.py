"""The result of one search: its pages (Bundles) put together, and what is missing as far as that can be known."""

from dataclasses import dataclass, field

import msgspec

from collectors.fetching.response import UnusableResponseError
from collectors.reading import fhir_types
from collectors.reading.records import exceeds_limits


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The raw records of one search, all pages, and how many OperationOutcomes the server put among them.

    ``has_more``: only the first page was read, and there are others.  ``self_link``: the search as the server
    understood it.  ``parts``: of several searches in one batch the first page of each, in the order requested.
    ``missing``: texts on what did not come though it should have; then nothing may be concluded from what is not among
    the records.

    ``etag`` and ``not_modified`` are those of a result of one page; ``storable``: every page is.  ``cached_at``: when
    records were fetched that are used again, in seconds since 1970.
    """

    records: tuple[bytes, ...]
    outcome_count: int
    requests: int
    has_more: bool = False
    self_link: str | None = None
    parts: "tuple[SearchResult, ...]" = ()
    missing: tuple[str, ...] = ()
    etag: str | None = None
    storable: bool = False
    not_modified: bool = False
    cached_at: float | None = None

    @property
    def raw_records(self) -> tuple[bytes, ...]:
        """The records, those of the parts among them."""
        return self.records + tuple(raw for part in self.parts for raw in part.records)


_BOM = b"\xef\xbb\xbf"


def decode_bundle(body: bytes) -> fhir_types.Bundle:
    """A page (UnusableResponseError)."""
    try:
        bundle = fhir_types.BUNDLE.decode(body.removeprefix(_BOM))
    except msgspec.ValidationError:
        raise UnusableResponseError("an answer is JSON, but not a FHIR Bundle") from None
    except RecursionError:
        raise UnusableResponseError("an answer nests too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UnusableResponseError(
            "an answer is empty" if not body.strip() else "an answer is not readable JSON"
        ) from None
    if bundle.resourceType != "Bundle":
        # Only this type is named: any other is content of the answer.
        what = "an OperationOutcome" if bundle.resourceType == "OperationOutcome" else "a single record"
        raise UnusableResponseError(f"an answer is {what}, not a search set")
    if bundle.type not in (None, "searchset"):
        raise UnusableResponseError("an answer is a Bundle, but not a search set")
    return bundle


def declared_total(bundle: fhir_types.Bundle) -> int | None:
    """How many records there are by the server's count; None where that cannot be read."""
    # Some write it as text, or with decimals.
    text = bytes(bundle.total).strip(b'"').removesuffix(b".0")
    return int(text) if text.isdigit() and len(text) < 20 else None


def next_link(bundle: fhir_types.Bundle) -> str | None:
    """The address of the next page.  UnusableResponseError where there are two, or one without an address."""
    links = {link.url or "" for link in bundle.link if link.relation == "next"}
    if "" in links:
        raise UnusableResponseError("an answer has a next page, and does not say where")
    if len(links) > 1:
        raise UnusableResponseError("an answer has more than one next page")
    return links.pop() if links else None


def find_link(bundle: fhir_types.Bundle, relation: str) -> str | None:
    """The address of a link, as it is written."""
    return next((link.url for link in bundle.link if link.relation == relation and link.url), None)


_HARMLESS_SEVERITIES = frozenset({"success", "information", "warning"})


class _OutcomeIssue(msgspec.Struct, gc=False):
    severity: str | None = None


class _Outcome(msgspec.Struct, gc=False):
    resourceType: str | None = None  # noqa: N815  (FHIR's own name)
    issue: list[_OutcomeIssue] = []


_OUTCOME = msgspec.json.Decoder(_Outcome)


@dataclass(slots=True)
class Pages:
    """Puts the pages of one search together, and finds what is missing from them."""

    records: dict[bytes, None] = field(default_factory=dict)
    outcome_count: int = 0
    page_count: int = 0
    match_count: int = 0
    _totals: list[int] = field(default_factory=list)
    _empty_count: int = 0
    _too_deep_count: int = 0
    _error_count: int = 0

    def add(self, bundle: fhir_types.Bundle) -> None:
        """Adds the next page.  UnusableResponseError where it only repeats entries of earlier ones."""
        matches = came = fresh = 0
        for entry in bundle.entry:
            mode = entry.search.mode if entry.search is not None else None
            raw = bytes(entry.resource)
            # What is marked as an outcome and is none is a record all the same.
            if b"OperationOutcome" in raw and self._is_outcome(raw):
                self._add_outcome(raw)
                continue
            matches += mode != "include"
            if not raw or raw == b"null":
                self._empty_count += 1
                continue
            if exceeds_limits(raw):
                self._too_deep_count += 1
                continue
            came += 1
            if raw not in self.records:
                fresh += 1
                self.records[raw] = None
        self.page_count += 1
        if came and not fresh and self.page_count > 1:
            raise UnusableResponseError("a page repeats earlier entries only")
        self.match_count += matches
        # Some servers give the size of the page for the total.
        total = declared_total(bundle)
        if total is not None and not (total == matches and next_link(bundle)):
            self._totals.append(total)

    def missing(self, first_only: bool = False) -> tuple[str, ...]:
        """What did not come, once all pages were read, or the one that was to be read."""
        found = []
        if self._error_count:
            found.append("the source reports an error among its entries")
        if self._empty_count:
            found.append(f"{self._empty_count} of its entries came without a record")
        if self._too_deep_count:
            found.append(f"{self._too_deep_count} of its records nest too deeply, or hold too much, to be read")
        if first_only:
            return tuple(found)
        if self.declares_more:
            found.append(f"the source said {self._totals[-1]} records and gave {self.match_count}")
        elif len(set(self._totals)) > 1:
            found.append("the number of records changed while its pages were read")
        return tuple(found)

    @property
    def declares_more(self) -> bool:
        """Whether there are more matches than have come, by the server's own count."""
        return bool(self._totals) and self._totals[-1] > self.match_count

    def discard_totals(self) -> None:
        """Ignores the server's count where it means something else: in the result of an operation, for one."""
        self._totals.clear()

    def _is_outcome(self, raw: bytes) -> bool:
        try:
            return fhir_types.HEAD.decode(raw).resourceType == "OperationOutcome"
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False

    def _add_outcome(self, raw: bytes) -> None:
        """One without a known severity may mean that something is missing."""
        self.outcome_count += 1
        try:
            self._error_count += not {issue.severity for issue in _OUTCOME.decode(raw).issue} <= _HARMLESS_SEVERITIES
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._error_count += 1

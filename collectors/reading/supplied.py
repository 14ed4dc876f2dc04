"""A supplied Bundle, array or single record: its records, or why it is incomplete or conflicting.

Of a history, versions that were superseded or deleted are dropped.  Bundles inside a Bundle (answers of a batch) are
read as well; where a part of it failed, its records count, and it is not complete.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from collectors.reading import fhir_types
from collectors.reading.records import same_content

_RecordKey: TypeAlias = tuple[str, str]
_DuplicateKey: TypeAlias = tuple[str, str, str]
_INSTANT = msgspec.json.Decoder(datetime)
# The end of a relative or absolute address; conditional deletions do not match.
_RECORD_URL = re.compile(r"(?:.*/)?([A-Z][a-z][A-Za-z]*)/([A-Za-z0-9\-._~]+)(?:/_history/[^/]*)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class SuppliedEntry:
    """One entry: its full URL, and its record (empty where it was deleted).

    ``request_url`` is that of the request that wrote or deleted it; ``last_modified`` and ``version`` (an ETag) are
    those of its response.
    """

    full_url: str | None
    record: bytes
    request_url: str | None = None
    last_modified: str | None = None
    version: str | None = None


def current_entries(entries: Iterable[SuppliedEntry]) -> list[SuppliedEntry]:
    """The current entries of a history, which FHIR orders newest first; entries without an identity are kept."""
    seen: set[tuple[str, str]] = set()
    found = []
    for entry in entries:
        named = _record_key(entry)
        if named is None or named not in seen:
            found.append(entry)
        if named is not None:
            seen.add(named)
    return [entry for entry in found if entry.record]


def has_unidentified_deletion(entries: Iterable[SuppliedEntry]) -> bool:
    """Whether an entry deletes an unidentified record: it may be any of the records."""
    return any(not entry.record and _record_key(entry) is None for entry in entries)


def is_out_of_order(entries: Iterable[SuppliedEntry]) -> bool:
    """Whether an older version precedes a newer one of the same record, by the entries' own times and versions."""
    last: dict[tuple[str, str], tuple[datetime | None, int | None]] = {}
    for entry in entries:
        named = _record_key(entry)
        if named is None:
            continue
        place = _entry_version(entry)
        if named in last and _is_later_version(place, last[named]):
            return True
        last[named] = place
    return False


def has_conflicting_duplicates(entries: Iterable[SuppliedEntry]) -> bool:
    """Whether one record occurs twice with different contents, or one URN names two records.

    A record without a full URL may be any of those with its type and id.
    """
    first: dict[_DuplicateKey, bytes] = {}
    named_by_url: dict[str, _RecordKey] = {}
    unplaced: dict[_RecordKey, bytes] = {}
    placed: dict[_RecordKey, list[bytes]] = {}
    for entry in entries:
        named = _record_key(entry)
        if named is None:
            continue
        url = entry.full_url or ""
        if url.startswith("urn:") and named_by_url.setdefault(url, named) != named:
            return True
        before = first.setdefault((url, *named), entry.record)
        if not same_content(before, entry.record):
            return True
        if url:
            placed.setdefault(named, []).append(entry.record)
        else:
            unplaced.setdefault(named, entry.record)
    both = unplaced.keys() & placed.keys()
    return any(not same_content(unplaced[named], other) for named in both for other in placed[named])


def _entry_version(entry: SuppliedEntry) -> tuple[datetime | None, int | None]:
    """Its time of change and version number, each None where it cannot be read."""
    head = _decode_head(entry.record)
    meta = head.meta if head is not None else None
    changed = (meta.lastUpdated if meta is not None else None) or entry.last_modified
    version = (meta.versionId if meta is not None else None) or entry.version or ""
    number = version.removeprefix("W/").strip('"')
    return _parse_instant(changed), int(number) if number.isdecimal() and len(number) < 20 else None


def _is_later_version(one: tuple[datetime | None, int | None], other: tuple[datetime | None, int | None]) -> bool:
    """Whether an entry is known to be of a later version than another."""
    if one[0] is not None and other[0] is not None and one[0] != other[0]:
        return one[0] > other[0]
    return one[1] is not None and other[1] is not None and one[1] > other[1]


def _parse_instant(text: str | None) -> datetime | None:
    try:
        found = _INSTANT.decode(msgspec.json.encode(text)) if text is not None else None
    except fhir_types.UNDECODABLE:
        return None
    return found if found is not None and found.tzinfo is not None else None


def _record_key(entry: SuppliedEntry) -> tuple[str, str] | None:
    if not entry.record:
        addresses = ((each or "").split("?", 1)[0] for each in (entry.request_url, entry.full_url))
        match = next((match for each in addresses if (match := _RECORD_URL.fullmatch(each))), None)
        return (match[1], match[2]) if match is not None else None
    head = _decode_head(entry.record)
    return (head.resourceType, head.id) if head is not None and head.resourceType and head.id else None


def _decode_head(record: bytes) -> fhir_types.ResourceHead | None:
    try:
        return fhir_types.HEAD.decode(record) if record else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


class _Request(msgspec.Struct, gc=False):
    method: str | None = None
    url: str | None = None


class _Response(msgspec.Struct, gc=False):
    status: str | None = None
    etag: str | None = None
    lastModified: str | None = None  # noqa: N815  (FHIR's own name)


class _BundleEntry(msgspec.Struct, gc=False):
    request: _Request | None = None
    response: _Response | None = None
    fullUrl: str | None = None  # noqa: N815  (FHIR's own name)
    resource: msgspec.Raw = fhir_types.MISSING_ELEMENT
    search: fhir_types.EntrySearch | None = None


class _Bundle(msgspec.Struct, gc=False):
    type: str | None = None
    total: int | None = None
    link: list[fhir_types.Link] = []
    entry: list[_BundleEntry] = []


class _Issue(msgspec.Struct, gc=False):
    severity: str | None = None


class _Outcome(msgspec.Struct, gc=False):
    issue: list[_Issue] = []


_BUNDLE = msgspec.json.Decoder(_Bundle)
_OUTCOME = msgspec.json.Decoder(_Outcome)
_CONFLICTING_DUPLICATES = "it holds conflicting versions of a record; supply the current one only"
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])


_RESPONSES = frozenset({"batch-response", "transaction-response"})
_MOST_NESTED = 4
_BOM = b"\xef\xbb\xbf"
_BOM_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class SuppliedBundle:
    """The records of one Bundle, array or record, each with its full URL, if it has one.

    ``refusal_reason``: why it is refused as incomplete, conflicting or unreadable; None where it is accepted.
    ``missing_reason``: a part of it failed, so that other records may exist; None where none did.
    """

    entries: tuple[SuppliedEntry, ...] = ()
    is_searchset: bool = False
    refusal_reason: str | None = None
    missing_reason: str | None = None

    @property
    def records(self) -> tuple[bytes, ...]:
        """The records alone."""
        return tuple(entry.record for entry in self.entries)


def read_supplied(
    value: bytes | Mapping[str, Any], entry_limit: int | None = None, allow_array: bool = False
) -> SuppliedBundle:
    """A supplied Bundle or record, in FHIR JSON.  Never raises: a fault becomes the ``refusal_reason``.

    A search set of ``entry_limit`` matches, or more without a total, may be incomplete, and is refused.
    ``allow_array``: a JSON array of records is accepted as well.
    """
    raw = (value if isinstance(value, bytes) else encode_resource(value)).removeprefix(_BOM)
    if raw.startswith(_BOM_16):
        return SuppliedBundle(refusal_reason="it begins with the byte-order mark of UTF-16; FHIR JSON is UTF-8")
    try:
        if allow_array and raw.lstrip()[:1] == b"[":
            return supplied_from_records(tuple(bytes(each) for each in _ARRAY.decode(raw)))
        kind = fhir_types.HEAD.decode(raw).resourceType
        if kind == "Bundle":
            return _read_bundle(_BUNDLE.decode(raw), entry_limit)
        if kind == "OperationOutcome":
            return SuppliedBundle(refusal_reason="it is an OperationOutcome in place of records")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return SuppliedBundle(refusal_reason="it is not readable FHIR JSON")
    if kind is None:
        return SuppliedBundle(refusal_reason="it is not a FHIR resource")
    return SuppliedBundle((SuppliedEntry(None, raw),))


def supplied_from_records(records: tuple[bytes, ...]) -> SuppliedBundle:
    """Records without a Bundle, those of Bundles among them; refused where two versions of one conflict."""
    return _with_nested([SuppliedEntry(None, raw) for raw in records], False, None, 0)


def _read_bundle(bundle: _Bundle, entry_limit: int | None, level: int = 0) -> SuppliedBundle:
    """The Bundle's records, if it is one complete response; else the reason why it is refused.

    Of the responses to a batch or a transaction, and of a Bundle inside another, the rest counts where a part failed.
    """
    every = [_to_supplied_entry(each) for each in bundle.entry]
    history = bundle.type == "history"
    failure: str | None = None
    if bundle.type in _RESPONSES:
        failure = next((text for each in bundle.entry if (text := _failed_part(each))), None)
        every = [each for each in every if not _is_error_outcome(each.record)]
    entries = current_entries(every) if history else [entry for entry in every if entry.record]
    fault = _completeness_fault(bundle, entries, entry_limit)
    if fault is not None and level == 0:
        return SuppliedBundle(refusal_reason=fault)
    if fault is not None:
        failure = failure or f"a Bundle inside it is not complete: {fault}"
        entries = [each for each in entries if not _is_error_outcome(each.record)]
    if history and has_unidentified_deletion(every):
        return SuppliedBundle(refusal_reason="it is a history in which something was deleted, and does not say what")
    if history and is_out_of_order(every):
        return SuppliedBundle(refusal_reason="it is a history whose newest versions do not come first")
    return _with_nested(entries, bundle.type == "searchset", failure, level)


def _completeness_fault(bundle: _Bundle, entries: Sequence[SuppliedEntry], entry_limit: int | None) -> str | None:
    """Why a Bundle is not one complete response; None where nothing speaks against it."""
    if any(_is_missing_resource(each, bundle.type) for each in bundle.entry):
        return "it has an entry without its record"
    if any(link.relation == "next" for link in bundle.link):
        return "it is one page of several"
    # A history counts its versions, and has no matches.
    history = bundle.type == "history"
    modes = [
        each.search.mode if each.search is not None else None for each in bundle.entry if history or _has_resource(each)
    ]
    matches = sum(mode in (None, "match") for mode in modes)
    if bundle.total is not None and bundle.total > matches:
        return "it holds fewer records than its total"
    # Some servers give the size of the page for the total.
    unsure = bundle.total is None or matches == entry_limit
    if bundle.type == "searchset" and unsure and entry_limit is not None and matches >= entry_limit:
        return "it is as long as a page may be, so it may be truncated"
    if any(_is_error_outcome(entry.record) for entry in entries):
        return "it holds an OperationOutcome that reports an error"
    return None


def _failed_part(each: _BundleEntry) -> str | None:
    """Why a part of a batch or a transaction has no result; None where it has one, or was no search or read."""
    status = (each.response.status if each.response is not None else None) or ""
    if status and status[:1] != "2":
        return f"a part of it failed (status {fhir_types.printable_text(status[:3])})"
    if _has_resource(each) and _is_error_outcome(bytes(each.resource)):
        return "a part of it failed (an OperationOutcome that reports an error)"
    return "a part of it has no result" if status[:3] == "200" and not _has_resource(each) else None


def _with_nested(entries: list[SuppliedEntry], is_searchset: bool, failure: str | None, level: int) -> SuppliedBundle:
    """The records, with those of the Bundles among them in their place; refused where two versions of one conflict."""
    found: list[SuppliedEntry] = []
    for entry in entries:
        head = _decode_head(entry.record)
        if head is None or head.resourceType != "Bundle":
            found.append(entry)
            continue
        if level == _MOST_NESTED:
            return SuppliedBundle(refusal_reason=f"it has Bundles inside one another, over {_MOST_NESTED} levels deep")
        try:
            inner = _read_bundle(_BUNDLE.decode(entry.record), None, level + 1)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            inner = SuppliedBundle(missing_reason="a Bundle inside it cannot be read")
        if inner.refusal_reason is not None:
            return inner
        failure = failure or inner.missing_reason
        found += inner.entries
    if has_conflicting_duplicates(found):
        return SuppliedBundle(refusal_reason=_CONFLICTING_DUPLICATES)
    return SuppliedBundle(tuple(found), is_searchset, missing_reason=failure)


def _to_supplied_entry(each: _BundleEntry) -> SuppliedEntry:
    response = each.response or _Response()
    request_url = each.request.url if each.request is not None else None
    record = bytes(each.resource) if _has_resource(each) else b""
    return SuppliedEntry(each.fullUrl, record, request_url, response.lastModified, response.etag)


def _has_resource(each: _BundleEntry) -> bool:
    return bytes(each.resource) not in (b"", b"null")


def _is_missing_resource(each: _BundleEntry, kind: str | None) -> bool:
    """Whether an entry should have a record and has none: which record is missing is then unknown."""
    if _has_resource(each):
        return False
    if kind == "history":
        return each.request is None or each.request.method != "DELETE"
    return kind == "searchset" or (each.request is None and each.response is None)


def _is_error_outcome(raw: bytes) -> bool:
    """Whether an entry is an OperationOutcome that reports an error, or one that cannot be read."""
    try:
        if fhir_types.HEAD.decode(raw).resourceType != "OperationOutcome":
            return False
        return any(issue.severity in (None, "error", "fatal") for issue in _OUTCOME.decode(raw).issue)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return b"OperationOutcome" in raw


def encode_resource(resource: Mapping[str, Any]) -> bytes:
    """The JSON of a record; decimals keep their digits."""
    return _ENCODER.encode(resource)


_ENCODER = msgspec.json.Encoder(decimal_format="number")

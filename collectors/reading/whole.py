"""A Bundle, array or single record that was handed in: its records, and why it is not whole, if it is not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from collectors.reading import wire
from collectors.reading.versions import Entry, disordered, nameless, newest, repeated


class _Request(msgspec.Struct, gc=False):
    method: str | None = None
    url: str | None = None


class _Response(msgspec.Struct, gc=False):
    etag: str | None = None
    lastModified: str | None = None  # noqa: N815  (FHIR's own name)


class _Entry(msgspec.Struct, gc=False):
    request: _Request | None = None
    response: _Response | None = None
    fullUrl: str | None = None  # noqa: N815  (FHIR's own name)
    resource: msgspec.Raw = wire.NONE
    search: wire.EntrySearch | None = None


class _Bundle(msgspec.Struct, gc=False):
    type: str | None = None
    total: int | None = None
    link: list[wire.Link] = []
    entry: list[_Entry] = []


class _Issue(msgspec.Struct, gc=False):
    severity: str | None = None


class _Outcome(msgspec.Struct, gc=False):
    issue: list[_Issue] = []


_BUNDLE = msgspec.json.Decoder(_Bundle)
_OUTCOME = msgspec.json.Decoder(_Outcome)
_REPEATED = "it holds a record in several versions; hand in the one that holds"
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Whole:
    """The records of one Bundle, array or record; ``urls`` are their full URLs.  ``fault``: why it is not whole."""

    records: tuple[bytes, ...] = ()
    urls: tuple[tuple[str, bytes], ...] = ()
    searchset: bool = False
    fault: str | None = None


def read_whole(value: bytes | Mapping[str, Any], most: int | None = None, array: bool = False) -> Whole:
    """What was handed in as one, in FHIR JSON.  Never raises.

    A search set of ``most`` records or more that does not say how many there are may lack some.  ``array``: a JSON
    array of records is one as well.
    """
    raw = value if isinstance(value, bytes) else encode(value)
    try:
        if array and raw.lstrip()[:1] == b"[":
            return of_records(tuple(bytes(each) for each in _ARRAY.decode(raw)))
        kind = wire.HEAD.decode(raw).resourceType
        if kind == "Bundle":
            return _whole(_BUNDLE.decode(raw), most)
        if kind == "OperationOutcome":
            return Whole(fault="it is an OperationOutcome in place of records")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Whole(fault="it is not readable FHIR JSON")
    return Whole(fault="it is not a FHIR resource") if kind is None else Whole((raw,))


def of_records(records: tuple[bytes, ...]) -> Whole:
    """Records that no Bundle holds."""
    twice = repeated(Entry(None, raw) for raw in records)
    return Whole(fault=_REPEATED) if twice else Whole(records)


def _whole(bundle: _Bundle, most: int | None) -> Whole:
    """The Bundle, if it is one answer from its first to its last record."""
    every = [_entry(each) for each in bundle.entry]
    history = bundle.type == "history"
    entries = newest(every) if history else [entry for entry in every if entry.record]
    if any(_lacks(each, bundle.type) for each in bundle.entry):
        return Whole(fault="it has an entry without its record")
    if any(link.relation == "next" for link in bundle.link):
        return Whole(fault="it is one page of several")
    # A history counts its versions, and has no matches.
    modes = [each.search.mode if each.search is not None else None for each in bundle.entry if history or _has(each)]
    matches = sum(mode in (None, "match") for mode in modes)
    if bundle.total is not None and bundle.total > matches:
        return Whole(fault="it holds fewer records than it says there are")
    if bundle.type == "searchset" and bundle.total is None and most is not None and matches >= most:
        return Whole(fault="it is as long as an answer may be, so there may be more")
    if any(_failed(entry.record) for entry in entries):
        return Whole(fault="it holds an OperationOutcome that tells an error")
    if history and nameless(every):
        return Whole(fault="it is a history in which something was deleted, and does not say what")
    if history and disordered(every):
        return Whole(fault="it is a history whose newest versions do not stand first")
    if repeated(entries):
        return Whole(fault=_REPEATED)
    urls = tuple((entry.url, entry.record) for entry in entries if entry.url)
    return Whole(tuple(entry.record for entry in entries), urls, bundle.type == "searchset")


def _entry(each: _Entry) -> Entry:
    response = each.response or _Response()
    requested = each.request.url if each.request is not None else None
    record = bytes(each.resource) if _has(each) else b""
    return Entry(each.fullUrl, record, requested, response.lastModified, response.etag)


def _has(each: _Entry) -> bool:
    return bytes(each.resource) not in (b"", b"null")


def _lacks(each: _Entry, kind: str | None) -> bool:
    """Whether an entry should have a record and has none: what it is of is then not known."""
    if _has(each):
        return False
    if kind == "history":
        return each.request is None or each.request.method != "DELETE"
    return kind == "searchset" or (each.request is None and each.response is None)


def _failed(raw: bytes) -> bool:
    """Whether an entry is an OperationOutcome that tells an error; one that cannot be read may."""
    try:
        if wire.HEAD.decode(raw).resourceType != "OperationOutcome":
            return False
        return any(issue.severity in (None, "error", "fatal") for issue in _OUTCOME.decode(raw).issue)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return b"OperationOutcome" in raw


def encode(resource: Mapping[str, Any]) -> bytes:
    """JSON of a record; decimals keep their digits."""
    return _ENCODER.encode(resource)


_ENCODER = msgspec.json.Encoder(decimal_format="number")

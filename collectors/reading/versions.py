"""One record in several versions, as a history has it: what has been superseded or deleted is no record of today."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import msgspec

from collectors.reading import wire

Key: TypeAlias = tuple[str, str, str]
_INSTANT = msgspec.json.Decoder(datetime)
# The end of an address, within the server or of it: conditional deletions have none of this.
_OWN = re.compile(r"(?:.*/)?([A-Z][a-z][A-Za-z]*)/([A-Za-z0-9\-._~]+)(?:/_history/[^/]*)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its full URL, and its record (none where it was deleted).

    ``requested`` is the address of the request that made it so, ``changed`` and ``version`` what the answer to that
    said of when, and as which version.
    """

    url: str | None
    record: bytes
    requested: str | None = None
    changed: str | None = None
    version: str | None = None


def newest(entries: Iterable[Entry]) -> list[Entry]:
    """Of a history, newest version first as FHIR has it, the entries that still hold; what cannot be named stays."""
    seen: set[tuple[str, str]] = set()
    found = []
    for entry in entries:
        named = _named(entry)
        if named is None or named not in seen:
            found.append(entry)
        if named is not None:
            seen.add(named)
    return [entry for entry in found if entry.record]


def nameless(entries: Iterable[Entry]) -> bool:
    """Whether something was deleted of which it is not said what: it may be any of the records."""
    return any(not entry.record and _named(entry) is None for entry in entries)


def disordered(entries: Iterable[Entry]) -> bool:
    """Whether an older version stands before a newer one of the same record, by what the entries themselves say."""
    last: dict[tuple[str, str], tuple[datetime | None, int | None]] = {}
    for entry in entries:
        named = _named(entry)
        if named is None:
            continue
        place = _place(entry)
        if named in last and _later(place, last[named]):
            return True
        last[named] = place
    return False


def repeated(entries: Iterable[Entry]) -> bool:
    """Whether one record is there twice with different contents, so that one of them is not what holds."""
    first: dict[Key, bytes] = {}
    for entry in entries:
        named = _named(entry)
        if named is None:
            continue
        before = first.setdefault((entry.url or "", *named), entry.record)
        if before != entry.record and not _alike(before, entry.record):
            return True
    return False


def _alike(one: bytes, other: bytes) -> bool:
    """Whether two records differ in how they are written only; what cannot be read may differ in anything."""
    try:
        return bool(msgspec.json.decode(one) == msgspec.json.decode(other))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def _place(entry: Entry) -> tuple[datetime | None, int | None]:
    """When it was changed, and as which version, as far as that can be read."""
    head = _head(entry.record)
    meta = head.meta if head is not None else None
    changed = (meta.lastUpdated if meta is not None else None) or entry.changed
    version = (meta.versionId if meta is not None else None) or entry.version or ""
    number = version.removeprefix("W/").strip('"')
    return _instant(changed), int(number) if number.isdecimal() and len(number) < 20 else None


def _later(one: tuple[datetime | None, int | None], other: tuple[datetime | None, int | None]) -> bool:
    """Whether an entry is of a later version than another; where neither tells, it is not known to be."""
    if one[0] is not None and other[0] is not None and one[0] != other[0]:
        return one[0] > other[0]
    return one[1] is not None and other[1] is not None and one[1] > other[1]


def _instant(text: str | None) -> datetime | None:
    try:
        found = _INSTANT.decode(msgspec.json.encode(text)) if text is not None else None
    except msgspec.DecodeError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def _named(entry: Entry) -> tuple[str, str] | None:
    if not entry.record:
        addresses = ((each or "").split("?", 1)[0] for each in (entry.requested, entry.url))
        met = next((met for each in addresses if (met := _OWN.fullmatch(each))), None)
        return (met[1], met[2]) if met is not None else None
    head = _head(entry.record)
    return (head.resourceType, head.id) if head is not None and head.resourceType and head.id else None


def _head(record: bytes) -> wire.Head | None:
    try:
        return wire.HEAD.decode(record) if record else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None

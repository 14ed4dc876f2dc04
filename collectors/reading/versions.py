"""One record in several versions, as a history has it: what has been superseded or deleted is no record of today."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import msgspec

from collectors.reading import wire

Key: TypeAlias = tuple[str, str, str]
_INSTANT = msgspec.json.Decoder(datetime)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its full URL, its record (none where it was deleted), and the request that made it so ("Type/id")."""

    url: str | None
    record: bytes
    requested: str | None = None


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


def disordered(entries: Iterable[Entry]) -> bool:
    """Whether an older version stands before a newer one of the same record, by what the records themselves say."""
    last: dict[tuple[str, str], str] = {}
    for entry in entries:
        named, head = _named(entry), _head(entry.record)
        changed = head.meta.lastUpdated if head is not None and head.meta is not None else None
        if named is None or changed is None:
            continue
        if named in last and _later(changed, last[named]):
            return True
        last[named] = changed
    return False


def repeated(entries: Iterable[Entry]) -> bool:
    """Whether one record is there twice with different contents, so that one of them is not what holds."""
    first: dict[Key, bytes] = {}
    for entry in entries:
        named = _named(entry)
        if named is None:
            continue
        before = first.setdefault((entry.url or "", *named), entry.record)
        if before != entry.record and msgspec.json.decode(before) != msgspec.json.decode(entry.record):
            return True
    return False


def _later(one: str, other: str) -> bool:
    """Whether an instant is after another; where that cannot be read, it is not known to be."""
    try:
        return _INSTANT.decode(f'"{one}"') > _INSTANT.decode(f'"{other}"')
    except (msgspec.DecodeError, TypeError):
        return False


def _named(entry: Entry) -> tuple[str, str] | None:
    if not entry.record:
        parts = (entry.requested or "").split("?", 1)[0].split("/")
        return (parts[0], parts[1]) if len(parts) >= 2 and all(parts[:2]) else None
    head = _head(entry.record)
    return (head.resourceType, head.id) if head is not None and head.resourceType and head.id else None


def _head(record: bytes) -> wire.Head | None:
    try:
        return wire.HEAD.decode(record) if record else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None

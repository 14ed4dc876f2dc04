"""Records as they were fetched, and the facts read from them: what selection works on.  Never leaves this room."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec

from ontology.evaluation import Issue
from ontology.resources import RecordRef, Resource
from ontology.times import Span
from ontology.values import Quantity

OUR_TAG = ("https://medtwin.example/tags", "medtwin-result")
OUR_SYSTEMS = frozenset({"https://medtwin.example/concepts", "https://medtwin.example/modules"})
"""Code systems in which only what we wrote is coded: our names for what a result is of, and for what made it."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record as it was sent: a resource type, its reference, and its JSON.

    ``joined``: it lies among records of other sources, so that its name needs its source.
    """

    ref: RecordRef
    raw: bytes
    updated: str | None = None
    joined: bool = False

    @property
    def name(self) -> str:
        """Type and id, for the reader of the answer (never for logs)."""
        return f"{self.ref.type}/{self.ref.id}" + (f" ({self.ref.source})" if self.joined else "")

    def json(self) -> Mapping[str, Any]:
        """The record as plain JSON values, decimals as written."""
        decoded: Mapping[str, Any] = json.loads(self.raw, parse_float=Decimal)
        return decoded


Sample: TypeAlias = tuple[timedelta, Quantity, tuple[Decimal, str]]
"""One of many samples: how long after the first, its value in the concept's unit, and number and unit as written."""


class Fact(msgspec.Struct, frozen=True, gc=False):
    """A fact with what selection needs beside it.

    ``written`` is the number and the UCUM unit as recorded, from which any slot's unit is converted.  ``rank`` is
    that of the accepted code.  ``issues`` are told whenever the fact is used.  ``preliminary`` yields to final.
    Of what was so or was done: ``over`` says from when it no longer holds, ``ended`` that it does not hold now,
    ``doubted`` in which word the record itself doubts it, ``negated`` in which word it denies it (then it does not
    count, and is only told); ``recorded_from`` is the start of the day or instant on which it was recorded, whose end
    is the resource's ``issued``. ``lasting``: a window asks whether it was so at any time in it, not whether it began
    there. ``trust`` is the place of its source in the order of trust, 0 first, where there are several.
    ``samples`` are those of a course that is no single value; they fill a series.  What goes on without an end counts
    until ``presumed`` (None: for ever), after which it is unknown whether it does; ``supplied``: what was to be
    supplied lasts until then.  ``pending``: a result that is not there yet, which is only told.
    """

    resource: Resource
    record: Record
    written: tuple[Decimal, str] | None = None
    rank: int = 0
    preliminary: bool = False
    issues: tuple[Issue, ...] = ()
    over: Span | None = None
    ended: bool = False
    doubted: str | None = None
    recorded_from: datetime | None = None
    trust: int = 0
    samples: tuple[Sample, ...] = ()
    negated: str | None = None
    lasting: bool = False
    presumed: datetime | None = None
    supplied: datetime | None = None
    pending: bool = False


class CodedEntry(msgspec.Struct, frozen=True):
    """In which code systems one entry of a list is coded, and from when it is on record (None: not known).

    ``why``: it is no entry, but says that the list is not complete, and why.  ``name`` names the record of what is not
    over, and ``concepts`` (ids) are those that it was read as: a statement that there are none is at odds with others.
    """

    systems: frozenset[str]
    since: datetime | None
    why: str | None = None
    name: str | None = None
    concepts: frozenset[str] = frozenset()


def newest(records: list[Record]) -> list[Record]:
    """Each record once, in the order first met; of several versions the newest."""
    kept: dict[tuple[str, str], Record] = {}
    for record in records:
        key = (record.ref.type, record.ref.id)
        known = kept.get(key)
        if known is None or supersedes(record, known):
            kept[key] = record
    return list(kept.values())


def supersedes(one: Record, other: Record) -> bool:
    """Whether ``one`` supersedes ``other``: by version where both count, else by update time, else as met later."""
    first, second = one.ref.version or "", other.ref.version or ""
    if first.isdecimal() and second.isdecimal() and first != second:
        return int(first) > int(second)
    if one.updated and other.updated:
        try:
            return datetime.fromisoformat(one.updated) >= datetime.fromisoformat(other.updated)
        except (ValueError, TypeError):
            return True
    return True

"""Records as retrieved, the facts read from them, and their merging: the newest version, none that was withdrawn.

FHIR forbids duplicate names in an object, and parsers differ in which of the two counts.  What nests deeper or holds
more than any honest record is left out before it is decoded.  Selection works on facts.
None of these ever leaves ``collectors``.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec

from ontology.evaluation import Issue, Severity
from ontology.resources import RecordRef, Resource, Span
from ontology.values import Quantity


class DuplicateNameError(ValueError):
    """A name that occurs twice in one object."""

    def __init__(self, name: str) -> None:
        super().__init__("a name occurs twice in one object")
        self.name = name


def decode_strict(raw: bytes) -> dict[str, Any]:
    """A record as plain JSON values, decimals as written (DuplicateNameError, ValueError)."""
    decoded: dict[str, Any] = json.loads(raw, parse_float=Decimal, object_pairs_hook=_object_of_unique_names)
    return decoded


def _object_of_unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        raise DuplicateNameError(next(name for name in names if names.count(name) > 1))
    return made


MAX_DEPTH = 100
"""Objects and arrays within each other; a questionnaire of thirty levels needs fewer."""

MAX_OBJECTS = 20_000
"""Objects in one record: to hold so many against FHIR's rules takes half a second, in which nobody else is served."""

_MARKS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


def exceeds_limits(raw: bytes, max_depth: int = MAX_DEPTH) -> bool:
    """Whether JSON nests deeper than ``deepest``, or holds too many objects; brackets within texts do not count."""
    if raw.count(b"{") + raw.count(b"[") <= max_depth:
        return False
    depth = objects = 0
    for mark in _MARKS.finditer(raw):
        sign = mark[0]
        if sign in b"[{":
            depth += 1
            objects += sign == b"{"
            if depth > max_depth or objects > MAX_OBJECTS:
                return True
        elif sign in b"]}":
            depth -= 1
    return False


OUR_TAG = ("https://medtwin.example/tags", "medtwin-result")
OUR_SYSTEMS = frozenset({"https://medtwin.example/concepts", "https://medtwin.example/modules"})
"""Code systems in which only what we wrote is coded: our names for what a result is of, and for what made it."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record as it was sent: a resource type, its reference, and its JSON.

    ``joined``: it lies among records of other sources, so that its name needs its source.
    """

    ref: RecordRef
    raw: bytes
    last_updated: str | None = None
    shows_source: bool = False

    @property
    def name(self) -> str:
        """Type and id, for the reader of the answer (never for logs)."""
        return f"{self.ref.type}/{self.ref.id}" + (f" ({self.ref.source})" if self.shows_source else "")

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
    recorded_quantity: tuple[Decimal, str] | None = None
    rank: int = 0
    preliminary: bool = False
    issues: tuple[Issue, ...] = ()
    end: Span | None = None
    ended_undated: bool = False
    doubted: str | None = None
    recorded_from: datetime | None = None
    trust: int = 0
    samples: tuple[Sample, ...] = ()
    negated: str | None = None
    lasting: bool = False
    presumed_until: datetime | None = None
    supply_end: datetime | None = None
    pending: bool = False


class CodedEntry(msgspec.Struct, frozen=True):
    """In which code systems one entry of a list is coded, and from when it is on record (None: not known).

    ``why``: it is no entry, but says that the list is not complete, and why.  ``name`` names the record of what is not
    over, and ``concepts`` (ids) are those that it was read as: a statement that there are none is at odds with others.
    """

    systems: frozenset[str]
    since: datetime | None
    incomplete_reason: str | None = None
    record_name: str | None = None
    concepts: frozenset[str] = frozenset()


def newest_versions(records: list[Record]) -> list[Record]:
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
    if one.last_updated and other.last_updated:
        try:
            return datetime.fromisoformat(one.last_updated) >= datetime.fromisoformat(other.last_updated)
        except (ValueError, TypeError):
            return True
    return True


Withdrawn: TypeAlias = Mapping[tuple[str, str], str]
"""Records, by type and id, that do not count by what another record says; each with a text for readers."""


def merge_facts(held: list[Fact], read: Sequence[Fact]) -> None:
    """Adds facts to those held.

    One record may come by two ways: by a search of its own, and as the result of a report.  Then its newer version
    counts, and of one version the reading that is preliminary.
    """
    if not held:
        held.extend(read)
        return
    known = {_fact_key(fact): position for position, fact in enumerate(held)}
    for fact in read:
        position = known.get(_fact_key(fact))
        if position is None:
            held.append(fact)
            continue
        other = held[position]
        same = fact.record.ref.version == other.record.ref.version
        if (fact.preliminary and not other.preliminary) if same else supersedes(fact.record, other.record):
            held[position] = fact


def _fact_key(fact: Fact) -> tuple[str, str, str]:
    """The record, and where in it."""
    ref = fact.record.ref
    return ref.type, ref.id, fact.resource.iri.partition("#")[2]


def drop_withdrawn(facts: Mapping[str, list[Fact]], withdrawn: Withdrawn) -> tuple[dict[str, list[Fact]], list[Issue]]:
    """The facts, by concept, without those whose record was withdrawn, and what is to be told of that."""
    kept: dict[str, list[Fact]] = {}
    gone: set[tuple[str, str]] = set()
    for concept, those in facts.items():
        kept[concept] = []
        for fact in those:
            key = (fact.record.ref.type, fact.record.ref.id)
            if key in withdrawn:
                gone.add(key)
            else:
                kept[concept].append(fact)
    return kept, [Issue(Severity.WARNING, "withdrawn", withdrawn[each]) for each in sorted(gone)]

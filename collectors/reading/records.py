"""Records as retrieved, the facts read from them, and their merging: newest versions, without withdrawn records.

FHIR forbids duplicate names in an object, and parsers differ in which of the two counts.  What nests deeper or holds
more than any honest record is left out before it is decoded.  Selection works on facts.
None of these ever leaves ``collectors``.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

import msgspec

from ontology.evaluation import Issue, Severity
from ontology.resources import RecordRef, Resource, Span
from ontology.values import Absent, AbsentReason, Quantity


class DuplicateNameError(ValueError):
    """A name that occurs twice in one object."""

    def __init__(self, name: str) -> None:
        super().__init__("a name occurs twice in one object")
        self.name = name


def decode_strict(raw: bytes) -> dict[str, Any]:
    """A record as plain JSON values, decimals as written.  Raises DuplicateNameError, ValueError, RecursionError."""
    decoded: dict[str, Any] = decode_plain(raw, _object_of_unique_names)
    return decoded


def decode_plain(raw: bytes, pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """JSON as plain values, decimals as written.

    Raises RecursionError, and ValueError where it is no JSON, no UTF-8, or has a number whose exponent cannot be held.
    """
    # Of bytes, json.loads would also take halves of surrogate pairs, which cannot be written again.
    return json.loads(
        raw.decode(), parse_float=_parse_decimal, parse_constant=_refuse_constant, object_pairs_hook=pairs_hook
    )


def same_content(one: bytes, other: bytes) -> bool:
    """Whether two records are equal as JSON; False where one cannot be decoded."""
    if one == other:
        return True
    try:
        return bool(msgspec.json.decode(one) == msgspec.json.decode(other))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def _refuse_constant(_: str) -> None:
    raise ValueError("NaN and Infinity are no JSON")


_MAX_EXPONENT = 9_999


def _parse_decimal(text: str) -> Decimal:
    """ValueError for an exponent that Decimal does not have; one beyond _MAX_EXPONENT is cut to it.

    Where FHIR says integer, validation makes an integer of it: of 1e5000000 in ten seconds, of 1e99999999 in hours.
    """
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError("a number whose exponent cannot be held") from None
    exponent = number.adjusted()
    if abs(exponent) <= _MAX_EXPONENT:
        return number
    if not number:
        return Decimal()
    return Decimal((number.as_tuple().sign, (1,), _MAX_EXPONENT if exponent > 0 else -_MAX_EXPONENT))


def _object_of_unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        names = [name for name, _ in pairs]
        raise DuplicateNameError(next(name for name in names if names.count(name) > 1))
    return unique


MAX_DEPTH = 100
"""Nested objects and arrays; a questionnaire of thirty levels needs fewer."""

MAX_OBJECTS = 20_000
"""Objects in one record: validating so many takes half a second, during which no other request is served."""

_MARKS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


def exceeds_limits(raw: bytes, max_depth: int = MAX_DEPTH) -> bool:
    """Whether JSON nests deeper than ``max_depth``, or has over MAX_OBJECTS objects; strings are skipped."""
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
"""Our own code systems: records coded in them are results that we wrote (by concept, or by module as method)."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record as received: its reference and its JSON.

    ``shows_source``: its name includes the source, since several sources are combined.  ``conflicting``: the source
    gave the record twice, with different contents, and which of them holds is unknown.
    """

    ref: RecordRef
    raw: bytes
    last_updated: str | None = None
    shows_source: bool = False
    conflicting: bool = False

    @property
    def name(self) -> str:
        """Type and id, for the reader of the answer (never for logs)."""
        return f"{self.ref.type}/{self.ref.id}" + (f" ({self.ref.source})" if self.shows_source else "")

    def json(self) -> Mapping[str, Any]:
        """The record as plain JSON values, decimals as written.  Raises ValueError where they cannot be decoded."""
        decoded: Mapping[str, Any] = decode_plain(self.raw)
        return decoded


Sample: TypeAlias = tuple[timedelta, Quantity, tuple[Decimal, str]]
"""One of many samples: offset from the first, value in the concept's unit, and (number, unit) as written."""


class Fact(msgspec.Struct, frozen=True, gc=False):
    """A fact, and what selection needs with it.

    ``recorded_quantity``: number and UCUM unit as recorded; a slot's unit is converted from these.
    ``rank``: that of the accepted code; lower is preferred.  ``trust``: rank of its source, 0 first.
    ``preliminary``: a final fact is preferred.  ``pending``: the result is not available yet; only reported.
    ``issues`` are reported whenever the fact is used.  ``excluded``: why it is not of its concept, by its codes; it is
    only reported then, and the value is Absent: CONFLICTING where it may be of it, all the same.
    ``samples`` are those of SampledData, which has no single value; they fill a series.

    Of events and states: ``end`` is from when it no longer holds; ``ended_undated``: it has ended, date unknown.
    ``doubted``, ``negated``: the record's own status word that doubts or negates it; it is only reported then.
    ``recorded_from`` is the start of the day or instant of recording, whose end is the resource's ``issued``.
    ``confirmed``: that it ever was so is certain, though it has no value, since it is unclear whether it goes on.
    ``dated_by_encounter``: it has no date of its own.
    ``begun``: by when an event over a period, or in progress, had begun; until the end of its time it goes on.
    ``lasting``: a window includes it if it held at any time in the window, not only if it began there.
    Without an end it counts until ``presumed_until`` (None: indefinitely), then it is unknown whether it continues;
    ``supply_end``: until when the supply that was ordered lasts.  ``probable``: why it is only probably the concept.
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
    probable: str | None = None
    excluded: str | None = None
    begun: datetime | None = None
    dated_by_encounter: bool = False
    confirmed: bool = False


class CodedPart(msgspec.Struct, frozen=True):
    """The codes of an entry, or of one of the parts that it consists of (an ingredient).

    ``codes`` are those recorded that say what it is, and those that the source's maps translate them to.
    ``named``: one of them is a code of a concept that is known here, so that what it means is known.
    """

    codes: frozenset[tuple[str, str]] = frozenset()
    named: bool = False

    def is_understood(self, systems: frozenset[str], wider: frozenset[tuple[str, str]] = frozenset()) -> bool:
        """Whether it is known what it is, for a concept that these code systems decide, but for its ``wider`` codes."""
        return self.codes.isdisjoint(wider) and (self.named or any(system in systems for system, _ in self.codes))


class CodedEntry(msgspec.Struct, frozen=True):
    """An entry of a list (of conditions, of medications), and since when it is on record (None: unknown).

    ``whole`` has its own codes, ``parts`` those of what it consists of.  ``words``: the entry as it is written.
    ``concepts`` (ids): what it was read as, of what was searched.  ``ended``: it says that it is over; ``until``: from
    when on, where that is dated.  ``window``: how far back anything of it was asked for (None: at any time).
    ``incomplete_reason``: not an entry, but the reason why the list is incomplete.
    """

    whole: CodedPart
    since: datetime | None
    incomplete_reason: str | None = None
    record_name: str | None = None
    concepts: frozenset[str] = frozenset()
    words: str | None = None
    parts: tuple[CodedPart, ...] = ()
    ended: bool = False
    until: datetime | None = None
    window: timedelta | None = None

    def is_understood(self, systems: frozenset[str], wider: frozenset[tuple[str, str]] = frozenset()) -> bool:
        """Whether it is known what it is, for a concept that these systems decide: by its codes, or all its parts.

        ``wider`` are the codes of these systems that say too little for the concept.
        """
        if self.whole.is_understood(systems, wider):
            return True
        return bool(self.parts) and all(part.is_understood(systems, wider) for part in self.parts)

    @property
    def label(self) -> str:
        """The entry in its own words, with its record, for readers: ``"Metformin 500 mg" (MedicationRequest/m1)``."""
        name = self.record_name or "a record"
        return f'"{self.words}" ({name})' if self.words else name

    def has_begun(self, as_of: datetime) -> bool:
        """Whether it may have begun by a time, and not longer before than anything of it was asked for."""
        if self.since is None:
            return True
        return self.since <= as_of and (self.window is None or as_of - self.since <= self.window)

    def is_current(self, as_of: datetime) -> bool:
        """Whether it may go on as of a time: begun by then, and not said to be over."""
        return self.has_begun(as_of) and (self.until > as_of if self.until is not None else not self.ended)


def newest_versions(records: list[Record], of_one_search: bool = False) -> list[Record]:
    """The newest version of each record, in the order of first appearance.

    ``of_one_search``: contents that differ, where neither is known to be newer, conflict: both are kept.  Of several
    searches the later one counts: they may have asked for different elements.
    """
    kept: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        known = kept.setdefault((record.ref.type, record.ref.id), [record])
        if known[0] is record:
            continue
        newer = is_newer(record, known[0])
        conflicting = any(each.conflicting for each in (record, *known))
        if newer is None and (conflicting or (of_one_search and not same_content(record.raw, known[0].raw))):
            versions = {each.raw: each for each in (*known, record)}.values()
            known[:] = [msgspec.structs.replace(each, conflicting=True) for each in versions]
        elif newer is not False:
            known[:] = [record]
    return [each for those in kept.values() for each in those]


def is_newer(one: Record, other: Record) -> bool | None:
    """Whether ``one`` is the newer version, by numeric version, else by update time; None where neither tells."""
    first, second = one.ref.version or "", other.ref.version or ""
    if first.isdecimal() and second.isdecimal() and first != second:
        return int(first) > int(second)
    if one.last_updated and other.last_updated:
        try:
            updated = datetime.fromisoformat(one.last_updated), datetime.fromisoformat(other.last_updated)
            return None if updated[0] == updated[1] else updated[0] > updated[1]
        except (ValueError, TypeError):
            return None
    return None


Withdrawn: TypeAlias = Mapping[tuple[str, str], str]
"""Records, by (type, id), that another record withdraws or replaces; each with a text for readers."""


def merge_facts(merged: list[Fact], read: Sequence[Fact]) -> None:
    """Adds facts to ``merged``.

    A record may be retrieved twice: by a search, and as the result of a report.  Then its newer version counts, or the
    later one where that is unknown; of the same version, the preliminary reading.
    """
    if not merged:
        merged.extend(read)
        return
    known = {_fact_key(fact): position for position, fact in enumerate(merged)}
    for fact in read:
        position = known.get(_fact_key(fact))
        if position is None:
            merged.append(fact)
            continue
        other = merged[position]
        same = fact.record.ref.version == other.record.ref.version
        newer = is_newer(fact.record, other.record) is not False
        if (fact.preliminary and not other.preliminary) if same else newer:
            merged[position] = fact


def refuse_conflicting(fact: Fact) -> Fact:
    """The fact without its value, where the source gave its record twice with different contents."""
    if not fact.record.conflicting:
        return fact
    problem = "the source gave this record twice, with different contents"
    resource = replace(fact.resource, value=Absent(AbsentReason.CONFLICTING), problem=problem)
    return msgspec.structs.replace(
        fact, resource=resource, recorded_quantity=None, samples=(), doubted=None, negated=None
    )


def _fact_key(fact: Fact) -> tuple[str, str, str]:
    """The record's type and id, and the part of it."""
    ref = fact.record.ref
    return ref.type, ref.id, fact.resource.iri.partition("#")[2]


def drop_withdrawn(facts: Mapping[str, list[Fact]], withdrawn: Withdrawn) -> tuple[dict[str, list[Fact]], list[Issue]]:
    """The facts, by concept, whose records were not withdrawn; and a warning for each record that was."""
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

"""One measurement that is on record twice: it is told once, and its record names the other.

Recorded twice is what has the same identifier, and what is both a component of a panel and a record of its own, with
one concept, time and value.  Other records that say the same are two measurements.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace

import msgspec

from collectors.reading.records import Fact, Record
from ontology.resources import RecordRef

_NOTHING: Mapping[RecordRef, int] = {}


class _Identifier(msgspec.Struct, gc=False):
    system: str | None = None
    value: str | None = None


class _Identified(msgspec.Struct, gc=False):
    identifier: list[_Identifier] = []


_IDENTIFIED = msgspec.json.Decoder(_Identified)


def once(facts: Sequence[Fact]) -> list[Fact]:
    """Facts of one time that say the same, each measurement once: the first of each, with the others in its notes."""
    if len(facts) < 2:
        return list(facts)
    kept: list[Fact] = []
    twins: dict[int, list[Fact]] = {}
    # Where in ``kept`` the first two records stand that say the same under one mark: one of them is another record.
    firsts: dict[Hashable, dict[RecordRef, int]] = {}
    known: dict[RecordRef, frozenset[tuple[str, str]]] = {}
    for fact in facts:
        ref, part = fact.record.ref, _is_part(fact)
        if ref not in known:
            known[ref] = _identifiers(fact.record)
        said = (ref.source, fact.resource.value, fact.issues, fact.rank)
        others = (
            next((at for other, at in firsts.get((said, mark), _NOTHING).items() if other != ref), None)
            for mark in (not part, *known[ref])
        )
        position = min((at for at in others if at is not None), default=None)
        if position is not None:
            twins.setdefault(position, []).append(fact)
            continue
        for mark in (part, *known[ref]):
            met = firsts.setdefault((said, mark), {})
            if len(met) < 2:
                met.setdefault(ref, len(kept))
        kept.append(fact)
    for position, same in twins.items():
        fact = kept[position]
        names = ", ".join(sorted({other.record.name for other in same}))
        notes = (*fact.resource.notes, f"The same measurement is also on record as {names}.")
        kept[position] = msgspec.structs.replace(fact, resource=replace(fact.resource, notes=notes))
    return kept


def _is_part(fact: Fact) -> bool:
    """Whether the fact is a component of its record."""
    return "#" in fact.resource.iri


def _identifiers(record: Record) -> frozenset[tuple[str, str]]:
    try:
        found = _IDENTIFIED.decode(record.raw).identifier
    except (msgspec.DecodeError, UnicodeDecodeError):
        return frozenset()
    return frozenset((each.system, each.value) for each in found if each.system and each.value)

"""One measurement that is on record twice: it is told once, and its record names the other.

Recorded twice is what has the same identifier, and what is both a component of a panel and a record of its own, with
one concept, time and value.  Other records that say the same are two measurements.
"""

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from collectors.reading.records import Fact, Record


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
    for fact in facts:
        position = next((at for at, other in enumerate(kept) if _one_measurement(fact, other)), None)
        if position is None:
            kept.append(fact)
        else:
            twins.setdefault(position, []).append(fact)
    for position, others in twins.items():
        fact = kept[position]
        names = ", ".join(sorted({other.record.name for other in others}))
        notes = (*fact.resource.notes, f"The same measurement is also on record as {names}.")
        kept[position] = msgspec.structs.replace(fact, resource=replace(fact.resource, notes=notes))
    return kept


def _one_measurement(one: Fact, other: Fact) -> bool:
    if one.record.ref == other.record.ref or one.record.ref.source != other.record.ref.source:
        return False
    if one.resource.value != other.resource.value or one.issues != other.issues or one.rank != other.rank:
        return False
    if _is_part(one) != _is_part(other):
        return True
    return bool(_identifiers(one.record) & _identifiers(other.record))


def _is_part(fact: Fact) -> bool:
    """Whether the fact is a component of its record."""
    return "#" in fact.resource.iri


def _identifiers(record: Record) -> frozenset[tuple[str, str]]:
    try:
        found = _IDENTIFIED.decode(record.raw).identifier
    except (msgspec.DecodeError, UnicodeDecodeError):
        return frozenset()
    return frozenset((each.system, each.value) for each in found if each.system and each.value)

"""Fills a group of slots from one specimen: a recorded result, and the parts from which it can be computed.

Facts are of one specimen if they are of one source and of one record, else if they name the same specimen, else, where
they do not name two, if they were made at one time.  A urine collected over hours and a spot sample are never one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any

from collectors.facts import SlotSelection
from collectors.reading.records import Fact
from collectors.selection.pool import Pool, clip_same_day, span_of
from collectors.selection.slot_selection import select_for_slot
from ontology.concepts import Concept
from ontology.slots import Slot
from ontology.values import Absent, AbsentReason

_INSTANT = timedelta(minutes=1)
# A sample that took longer was collected over time.
_COLLECTION = timedelta(hours=2)
_NOTHING = SlotSelection(Absent(AbsentReason.NOT_FOUND))


@dataclass(frozen=True, slots=True)
class _Sample:
    """A fact with what identifies its specimen; ``specimen`` None: the record names none."""

    fact: Fact
    timed: bool
    specimen: str | None

    def is_same(self, other: "_Sample") -> bool:
        """Whether both are of one specimen."""
        mine, its = self.fact.record.ref, other.fact.record.ref
        if mine.source != its.source or self.timed is not other.timed:
            return False
        if (mine.type, mine.id) == (its.type, its.id):
            return True
        if self.specimen is not None and other.specimen is not None:
            return self.specimen == other.specimen
        span = span_of(self.fact)
        return span == span_of(other.fact) and (self.timed or span.end - span.start < _INSTANT)

    @property
    def end(self) -> datetime:
        """When it was made, at the latest."""
        return span_of(self.fact).end


def select_specimen(
    result: Slot, parts: Sequence[Slot], pools: Mapping[str, Pool], as_of: datetime, known_at: datetime
) -> dict[str, SlotSelection]:
    """What fills the slots, by name, as of a time: from the newest specimen that has the result, or all parts.

    ``pools`` are by concept id.  Of a specimen with both, both are filled, so that they can be compared.  A part of
    another specimen is never used: its slot is then empty.
    """
    recorded = select_for_slot(result, pools[result.concept.id], as_of, known_at)
    nothing = dict.fromkeys((slot.name for slot in parts), _NOTHING)
    found = [_samples(slot, pools[slot.concept.id], as_of, known_at) for slot in parts]
    if not all(pools[slot.concept.id].answered for slot in parts):
        failed = {slot.name: select_for_slot(slot, pools[slot.concept.id], as_of, known_at) for slot in parts}
        return {result.name: recorded, **failed}
    used = {resource.iri for resource in recorded.resources}
    own = [
        each for each in _samples(result, pools[result.concept.id], as_of, known_at) if each.fact.resource.iri in used
    ]
    complete = [group for group in product(*found) if all(group[0].is_same(each) for each in group[1:])]
    newest = max((max(each.end for each in group) for group in complete), default=None)
    group = [g for g in complete if newest is not None and max(each.end for each in g) == newest]
    with_result = [g for g in complete if any(each.is_same(g[0]) for each in own)]
    later = newest is not None and not any(g in with_result for g in group)
    if own and later and newest is not None and max(each.end for each in own) < newest:
        recorded, with_result = replace(_NOTHING), group
    elif not own:
        with_result = group
    if not with_result:
        return {result.name: recorded, **nothing}
    filled = {
        slot.name: _select_among(slot, [g[place].fact for g in with_result], pools[slot.concept.id], as_of, known_at)
        for place, slot in enumerate(parts)
    }
    return {result.name: recorded, **filled}


def _select_among(slot: Slot, facts: Sequence[Fact], pool: Pool, as_of: datetime, known_at: datetime) -> SlotSelection:
    chosen = tuple({fact.resource.iri: fact for fact in facts}.values())
    return select_for_slot(slot, replace(pool, facts=chosen), as_of, known_at)


def _samples(slot: Slot, pool: Pool, as_of: datetime, known_at: datetime) -> list[_Sample]:
    """The facts inside the slot's window, readable or not, each with its specimen."""
    timeline = pool.timeline(known_at)
    inside, _ = timeline.facts_until(as_of, slot.window)
    known = [clip_same_day(fact, as_of) for fact in timeline.possibly_later(as_of)]
    facts = [*inside, *(fact for fact in known if span_of(fact).end <= as_of)]
    return [_sample(fact, slot.concept) for fact in facts if pool.invalid_element(fact.record) is None]


def _sample(fact: Fact, concept: Concept) -> _Sample:
    try:
        record = fact.record.json()
    except ValueError:
        record = {}
    specimen = record.get("specimen")
    reference = specimen.get("reference") if isinstance(specimen, Mapping) else None
    period = isinstance(record.get("effectivePeriod"), Mapping)
    span = span_of(fact)
    timed = (period and span.end - span.start >= _COLLECTION) or _is_timed(record, concept)
    return _Sample(fact, timed, reference if isinstance(reference, str) else None)


def _is_timed(record: Mapping[str, Any], concept: Concept) -> bool:
    """Whether a code of the record, or of a component, says that the concept was measured in a timed collection."""
    components = record.get("component")
    holders = [record, *(components if isinstance(components, list) else ())]
    codes = {
        (coding.get("system"), coding.get("code"))
        for holder in holders
        for coding in (holder.get("code") or {}).get("coding") or ()
    }
    return any(each.timed and (each.coding.system, each.coding.code) in codes for each in concept.accepted)

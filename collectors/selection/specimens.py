"""Fills a group of slots from one specimen: a recorded result, and the parts from which it can be computed.

Facts are of one specimen if they are of one source and of one record, else if they name the same specimen, else, where
they do not name two, if they were made at one time.  A urine collected over hours and a spot sample are never one.
A name is a reference or an identifier; that of a contained specimen (``#s``) has no meaning outside its record.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from heapq import merge
from typing import Any, TypeAlias

from collectors.facts import SlotSelection
from collectors.reading.records import Fact
from collectors.selection.messages import slot_issue
from collectors.selection.pool import Pool, clip_same_day, list_facts, span_of
from collectors.selection.slot_selection import select_for_slot
from ontology.concepts import Concept
from ontology.evaluation import Issue
from ontology.slots import Slot
from ontology.values import Absent, AbsentReason

_INSTANT = timedelta(minutes=1)
_LATEST = datetime.max.replace(tzinfo=UTC)
# A sample that took longer was collected over time.
_COLLECTION = timedelta(hours=2)
_NOTHING = SlotSelection(Absent(AbsentReason.NOT_FOUND))


# How a record names its specimen (by reference or by identifier), and the name.
_Name: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Sample:
    """A fact with what identifies its specimen; ``specimen`` None: the record names none."""

    fact: Fact
    timed: bool
    specimen: _Name | None

    def is_same(self, other: "_Sample") -> bool:
        """Whether both are of one specimen."""
        mine, its = self.fact.record.ref, other.fact.record.ref
        if mine.source != its.source or self.timed is not other.timed:
            return False
        if (mine.type, mine.id) == (its.type, its.id):
            return True
        if self.specimen is not None and other.specimen is not None and self.specimen[0] == other.specimen[0]:
            return self.specimen == other.specimen
        span = span_of(self.fact)
        return span == span_of(other.fact) and (self.timed or span.end - span.start < _INSTANT)

    @property
    def end(self) -> datetime:
        """When it was made, at the latest."""
        return span_of(self.fact).end

    @property
    def keys(self) -> Iterator[Hashable]:
        """What samples of one specimen share at least one of."""
        ref, span = self.fact.record.ref, span_of(self.fact)
        yield ref.source, ref.type, ref.id
        yield ref.source, span
        if self.specimen is not None:
            yield ref.source, self.specimen


@dataclass(frozen=True, slots=True)
class _Samples:
    """The samples of one slot that were known then, newest first, and those by each of their keys."""

    slot: Slot
    pool: Pool
    as_of: datetime
    newest_first: Sequence[_Sample]
    by_key: Mapping[Hashable, Sequence[_Sample]]

    def usable(self, sample: _Sample) -> bool:
        """Whether the sample lies in the slot's window, as of the time, in a valid record."""
        span = span_of(clip_same_day(sample.fact, self.as_of))
        inside = self.slot.window is None or self.as_of - span.start <= self.slot.window
        return span.end <= self.as_of and inside and self.pool.invalid_element(sample.fact.record) is None

    def of_specimen(self, sample: _Sample) -> list[_Sample]:
        """The usable samples of the same specimen, each once."""
        near = {each.fact.resource.iri: each for key in sample.keys for each in self.by_key.get(key, ())}
        return [each for each in near.values() if each.is_same(sample) and self.usable(each)]


def select_specimen(
    result: Slot, parts: Sequence[Slot], pools: Mapping[str, Pool], as_of: datetime, known_at: datetime
) -> dict[str, SlotSelection]:
    """What fills the slots, by name, as of a time: from the newest specimen that has the result, or all parts.

    ``pools`` are by concept id.  Of a specimen with both, both are filled, so that they can be compared.  A part of
    another specimen is never used: its slot is then empty.
    """
    recorded = select_for_slot(result, pools[result.concept.id], as_of, known_at)
    if not all(pools[slot.concept.id].answered for slot in parts):
        failed = {slot.name: select_for_slot(slot, pools[slot.concept.id], as_of, known_at) for slot in parts}
        return {result.name: recorded, **failed}
    samples = [_samples(slot, pools[slot.concept.id], as_of, known_at) for slot in parts]
    used = {resource.iri for resource in recorded.resources}
    known = _samples(result, pools[result.concept.id], as_of, known_at).newest_first if used else ()
    own = [each for each in known if each.fact.resource.iri in used]
    newest = _newest_specimen(samples)

    def fill(group: Sequence[Sequence[_Sample]] | None) -> dict[str, SlotSelection]:
        return {
            slot.name: _NOTHING
            if group is None
            else _select_among(slot, [each.fact for each in group[place]], pools[slot.concept.id], as_of, known_at)
            for place, slot in enumerate(parts)
        }

    if not own:
        return {result.name: recorded, **fill(newest)}
    if newest is not None and _is_later(newest, own):
        filled = fill(newest)
        unusable = {name: each for name, each in filled.items() if isinstance(each.value, Absent)}
        if not unusable:
            return {result.name: _NOTHING, **filled}
        # The ratio is the newest that there is: what is newer gives none.
        recorded = replace(recorded, issues=(*recorded.issues, _stepped_back(result, newest)))
        left_out = {name: replace(each, resources=()) for name, each in unusable.items()}
        return {result.name: recorded, **fill(None), **left_out}
    found = [[part for each in own for part in of_slot.of_specimen(each)] for of_slot in samples]
    return {result.name: recorded, **fill(found if all(found) else None)}


def _is_later(specimen: Sequence[Sequence[_Sample]], own: Sequence[_Sample]) -> bool:
    """Whether a specimen is another than that of the recorded result, and later."""
    if any(part.is_same(each) for part in specimen[0] for each in own):
        return False
    return max(each.end for part in specimen for each in part) > max(each.end for each in own)


def _stepped_back(result: Slot, specimen: Sequence[Sequence[_Sample]]) -> Issue:
    names = list_facts([each.fact for part in specimen for each in part])
    return slot_issue(
        result, "stepped-back", f"A newer specimen cannot be used ({names}); an earlier record was used instead."
    )


def _newest_specimen(samples: Sequence[_Samples]) -> list[list[_Sample]] | None:
    """The samples of each part of the newest specimen that has every part."""
    if not all(each.newest_first for each in samples):
        return None
    for sample in merge(*(each.newest_first for each in samples), key=lambda each: each.end, reverse=True):
        if any(each.usable(sample) for each in samples):
            group = [each.of_specimen(sample) for each in samples]
            if all(group):
                return group
    return None


def _select_among(slot: Slot, facts: Sequence[Fact], pool: Pool, as_of: datetime, known_at: datetime) -> SlotSelection:
    chosen = tuple({fact.resource.iri: fact for fact in facts}.values())
    return select_for_slot(slot, replace(pool, facts=chosen), as_of, known_at)


def _samples(slot: Slot, pool: Pool, as_of: datetime, known_at: datetime) -> _Samples:
    """The dated facts, readable or not, each with its specimen; read from the records once."""
    found = pool.specimens.get(known_at)
    if found is None:
        facts, _ = pool.timeline(known_at).facts_until(_LATEST, None)
        newest_first = [_sample(fact, slot.concept) for fact in reversed(facts)]
        by_key: dict[Hashable, list[_Sample]] = {}
        for sample in newest_first:
            for key in sample.keys:
                by_key.setdefault(key, []).append(sample)
        found = pool.specimens[known_at] = (newest_first, by_key)
    return _Samples(slot, pool, as_of, *found)


def _sample(fact: Fact, concept: Concept) -> _Sample:
    try:
        record = fact.record.json()
    except ValueError:
        record = {}
    period = isinstance(record.get("effectivePeriod"), Mapping)
    span = span_of(fact)
    timed = (period and span.end - span.start >= _COLLECTION) or _is_timed(record, concept)
    return _Sample(fact, timed, _specimen_name(record.get("specimen")))


def _specimen_name(specimen: object) -> _Name | None:
    """What names the specimen beyond its record; None where nothing does."""
    if not isinstance(specimen, Mapping):
        return None
    reference, identifier = specimen.get("reference"), specimen.get("identifier")
    if isinstance(reference, str) and not reference.startswith("#"):
        return "reference", reference
    if isinstance(identifier, Mapping) and isinstance(value := identifier.get("value"), str):
        return "identifier", str(identifier.get("system")), value
    return None


def _is_timed(record: Mapping[str, Any], concept: Concept) -> bool:
    """Whether a code of the record, or of a component, says that the concept was measured in a timed collection."""
    components = record.get("component")
    holders = [record, *(components if isinstance(components, list) else ())]
    aliases = concept.system_aliases
    codes = {
        (aliases.get(coding.get("system"), coding.get("system")), coding.get("code"))
        for holder in holders
        for coding in (holder.get("code") or {}).get("coding") or ()
    }
    return any(each.timed and (each.coding.system, each.coding.code) in codes for each in concept.accepted)

"""The facts of one patient, of one source or several: what the executor selects from.  Live as long as the question."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from collectors.facts import Failure, GatheredFacts, SlotSelection
from collectors.reading.list_entries import ListReview
from collectors.reading.r4_validation import invalid_element
from collectors.reading.records import CodedEntry, Fact, Record
from collectors.selection.pool import Pool, clip_same_day
from collectors.selection.slot_selection import select_for_slot
from collectors.selection.specimens import select_specimen
from ontology.concepts import Concept, Origin
from ontology.evaluation import Issue
from ontology.resources import RecordRef, Span
from ontology.slots import Slot
from ontology.values import Absent, AbsentReason, Bound

_NOT_QUERIED = "It was not asked of the source."
_NO_DRAFTS = "No draft order is part of this question."


def _accept_any(record: Record) -> str | None:
    """No element of it is invalid."""
    return None


@dataclass(slots=True)
class SourceFacts:
    """Implements ``collectors.facts.Facts``.

    ``facts`` has every searched concept by id, ``answered`` those for which a search succeeded; ``failures`` why
    others did not, which may concern the same concept (two types of medication record, two sources).
    ``patient_failure``: why the patient's own record is unavailable, so that it is unknown whether the patient exists.
    ``entry_reviews``: in which outpatient visits entries of an origin were recorded or changed.
    ``unreachable``: the sources (by id) that could not be reached, for which types, and why.
    """

    facts: Mapping[str, tuple[Fact, ...]]
    failures: Mapping[str, tuple[Failure, ...]]
    answered: frozenset[str]
    issues: tuple[Issue, ...] = ()
    death: Span | None = None
    requests: int = 0
    coded: Mapping[Origin, tuple[CodedEntry, ...]] = field(default_factory=dict)
    undecoded: Mapping[Origin, int] = field(default_factory=dict)
    systems: Mapping[str, frozenset[str]] = field(default_factory=dict)
    patient_failure: Failure | None = None
    unreachable: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    entry_reviews: Mapping[Origin, tuple[ListReview, ...]] = field(default_factory=dict)
    _validation_faults: dict[RecordRef, str | None] = field(default_factory=dict)
    _pools: dict[str, Pool] = field(default_factory=dict)
    # By the slot itself, which is held so that its identity stays its own.
    _patient_selections: dict[int, tuple[Slot, SlotSelection]] = field(default_factory=dict)

    def select(self, slot: Slot, as_of: datetime, known_at: datetime) -> SlotSelection:
        """Fill a slot from facts effective by ``as_of`` and, where an issue time is given, issued by ``known_at``."""
        pool = self._pool_of(slot.concept)
        if slot.concept.origin is not Origin.PATIENT:
            return select_for_slot(slot, pool, as_of, known_at)
        # What the patient's own record says has no time: it is the same for each point of a series.
        known = self._patient_selections.get(id(slot))
        if known is None or known[0] is not slot:
            known = self._patient_selections[id(slot)] = (slot, select_for_slot(slot, pool, as_of, known_at))
        return known[1]

    def select_specimen(
        self, result: Slot, parts: tuple[Slot, ...], as_of: datetime, known_at: datetime
    ) -> Mapping[str, SlotSelection]:
        """Fill slots from one specimen: that of a recorded result, and those from which it can be computed."""
        pools = {slot.concept.id: self._pool_of(slot.concept) for slot in (result, *parts)}
        return select_specimen(result, parts, pools, as_of, known_at)

    def _pool_of(self, concept: Concept) -> Pool:
        pool = self._pools.get(concept.id)
        if pool is None:
            pool = self._pools[concept.id] = self._pool(concept)
        return pool

    def _pool(self, concept: Concept) -> Pool:
        failures, answered = self.failures.get(concept.id, ()), concept.id in self.answered
        if not failures and not answered:
            text = _NO_DRAFTS if concept.origin is Origin.DRAFT_ORDER else _NOT_QUERIED
            failures = (Failure(AbsentReason.NOT_QUERIED, text),)
        return Pool(
            self.facts.get(concept.id, ()),
            # A draft may lack what a finished order needs.
            _accept_any if concept.origin is Origin.DRAFT_ORDER else self._validation_fault,
            failures,
            answered,
            self.coded.get(concept.origin, ()),
            self.undecoded.get(concept.origin, 0),
            self.systems.get(concept.id),
            self.patient_failure,
            self.facts,
            self.entry_reviews.get(concept.origin, ()),
        )

    def times(self, concepts: tuple[Concept, ...], since: datetime | None, until: datetime) -> tuple[datetime, ...]:
        """The distinct times, oldest first, at which usable facts of these concepts were made."""
        found: set[datetime] = set()
        for concept in concepts:
            for fact in self.facts.get(concept.id, ()):
                span = fact.resource.effective
                if span is None or isinstance(fact.resource.value, Absent | Bound) or span.start > until:
                    continue
                if span.end > until and (span := clip_same_day(fact, until).resource.effective or span).end > until:
                    continue
                if since is None or span.start >= since:
                    found.add(span.end)
        return tuple(sorted(found))

    def record(self, ref: RecordRef) -> Mapping[str, Any] | None:
        """The original of a fact as plain JSON values, for its RDF; None if it was not fetched, or is damaged."""
        wanted = (ref.source, ref.type, ref.id)
        for facts in self.facts.values():
            for fact in facts:
                known = fact.record.ref
                if (known.source, known.type, known.id) == wanted:
                    with suppress(ValueError):
                        return fact.record.json()
        return None

    @property
    def gathered_facts(self) -> GatheredFacts:
        """Every fact by concept id, not yet selected."""
        resources = {
            concept: tuple(fact.resource for fact in facts if not fact.pending) for concept, facts in self.facts.items()
        }
        failed = {concept: first for concept, (first, *_) in self.failures.items() if concept not in self.answered}
        return GatheredFacts(resources, failed, self.issues, self.death, self.requests)

    def _validation_fault(self, record: Record) -> str | None:
        """A record is judged once in a question."""
        key = record.ref
        if key not in self._validation_faults:
            self._validation_faults[key] = invalid_element(record)
        return self._validation_faults[key]

"""The facts of one patient from one source: what the executor selects from.  Lives as long as the question."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from collectors.facts import Failure, Gathered, Selected
from collectors.reading.records import CodedCondition, Fact, Record
from collectors.reading.validity import fault
from collectors.selection.pool import Pool
from collectors.selection.select import select
from ontology.concepts import Concept
from ontology.evaluation import Issue
from ontology.resources import RecordRef
from ontology.slots import Slot
from ontology.times import Span
from ontology.values import Absent, AbsentReason, Bound

_NOT_QUERIED = "It was not asked of the source."


@dataclass(slots=True)
class SourceFacts:
    """Implements ``collectors.facts.Facts``.

    ``facts`` has every searched concept by id (a concept that no search asked for is not among the keys);
    ``failures`` those whose search failed.
    """

    facts: Mapping[str, tuple[Fact, ...]]
    failures: Mapping[str, Failure]
    issues: tuple[Issue, ...] = ()
    death: Span | None = None
    requests: int = 0
    coded: tuple[CodedCondition, ...] = ()
    undecoded: int = 0
    _faults: dict[tuple[str, str, str | None], str | None] = field(default_factory=dict)
    _pools: dict[str, Pool] = field(default_factory=dict)

    def select(self, slot: Slot, as_of: datetime, known_at: datetime) -> Selected:
        """Fill a slot from facts effective by ``as_of`` and, where an issue time is given, issued by ``known_at``."""
        pool = self._pools.get(slot.concept.id)
        if pool is None:
            pool = self._pools[slot.concept.id] = self._pool(slot.concept.id)
        return select(slot, pool, as_of, known_at)

    def _pool(self, concept: str) -> Pool:
        failure = self.failures.get(concept)
        if failure is None and concept not in self.facts:
            failure = Failure(AbsentReason.NOT_QUERIED, _NOT_QUERIED)
        return Pool(self.facts.get(concept, ()), self._fault, failure, self.coded, self.undecoded)

    def times(self, concepts: tuple[Concept, ...], since: datetime | None, until: datetime) -> tuple[datetime, ...]:
        """The distinct times, oldest first, at which usable facts of these concepts were made."""
        found: set[datetime] = set()
        for concept in concepts:
            for fact in self.facts.get(concept.id, ()):
                span = fact.resource.effective
                if span is None or isinstance(fact.resource.value, Absent | Bound) or span.end > until:
                    continue
                if since is None or span.start >= since:
                    found.add(span.end)
        return tuple(sorted(found))

    def record(self, ref: RecordRef) -> Mapping[str, Any] | None:
        """The original of a fact as plain JSON values, for its RDF; None if it was not fetched."""
        wanted = (ref.type, ref.id)
        for facts in self.facts.values():
            for fact in facts:
                if (fact.record.ref.type, fact.record.ref.id) == wanted:
                    return fact.record.json()
        return None

    @property
    def gathered(self) -> Gathered:
        """Every fact by concept id, not yet selected."""
        resources = {concept: tuple(fact.resource for fact in facts) for concept, facts in self.facts.items()}
        return Gathered(resources, self.failures, self.issues, self.death, self.requests)

    def _fault(self, record: Record) -> str | None:
        """A record is judged once in a question."""
        key = (record.ref.type, record.ref.id, record.ref.version)
        if key not in self._faults:
            self._faults[key] = fault(record)
        return self._faults[key]

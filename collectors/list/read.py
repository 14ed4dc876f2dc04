"""Lists into facts: when each was dated, and when its Provenance says that it was made, changed or confirmed."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import msgspec

from collectors.collector import NeededReferences, ReadingInProgress, ReferencedRecords
from collectors.described import read as described
from collectors.described.read import UNDATED
from collectors.reading.fhir_types import Reference, read_time
from collectors.reading.readout import PatientContext, Readout, local_id
from collectors.reading.records import Fact, Record
from collectors.search import Search
from ontology.resources import Span
from ontology.values import Date


class Provenance(msgspec.Struct, gc=False):
    """A Provenance: what it is about, and when it was recorded."""

    target: list[Reference] = []
    recorded: str | None = None


_PROVENANCE = msgspec.json.Decoder(Provenance)


@dataclass(frozen=True, slots=True)
class _ReadingInProgress:
    lists: ReadingInProgress
    ids: frozenset[str]
    context: PatientContext

    @property
    def needed_references(self) -> NeededReferences:
        """The Provenance of the lists, by the ids of these."""
        return {"Provenance": self.ids} if self.ids else {}

    def finish(self, references: ReferencedRecords) -> Readout:
        readout = self.lists.finish(references)
        times = _times_by_list(references.records.get("Provenance", ()), self.context)
        for facts in readout.facts.values():
            facts.extend([more for fact in facts for more in _confirmed(fact, times.get(fact.record.ref.id, ()))])
        return readout


def begin(records: list[Record], search: Search, context: PatientContext) -> ReadingInProgress:
    """Parses the records as their layout describes them; their Provenance may date them."""
    ids = frozenset(record.ref.id for record in records)
    return _ReadingInProgress(described.begin(records, search, context), ids, context)


def _times_by_list(records: Iterable[Record], context: PatientContext) -> dict[str, list[tuple[Span, Record]]]:
    found: dict[str, list[tuple[Span, Record]]] = {}
    for record in records:
        try:
            provenance = _PROVENANCE.decode(record.raw)
            when = read_time(provenance.recorded or "", context.source.zone)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError, OverflowError):
            continue
        for each in provenance.target:
            if (target := local_id(each.reference, "List", context.source.bases)) is not None:
                found.setdefault(target, []).append((when, record))
    return found


def _confirmed(fact: Fact, times: Iterable[tuple[Span, Record]]) -> Iterable[Fact]:
    """The fact as of each time of its Provenance; one that its own record leaves unclear stays so.

    An undated list is no more unclear than that.
    """
    if fact.resource.problem not in (None, UNDATED):
        return
    for when, provenance in times:
        resource = replace(
            fact.resource,
            iri=f"{fact.resource.iri}#{provenance.ref.id}",
            value=Date(when.start.date(), when.end.date()),
            effective=when,
            problem=None,
        )
        yield msgspec.structs.replace(fact, resource=resource)

"""Records into facts as their collector's layout describes them: which count, for which concepts, from when to when."""

from collections.abc import Mapping
from dataclasses import dataclass

from collectors.collector import NeededReferences, ReadingInProgress, ReferencedRecords
from collectors.described.facts import RecordDates, add_facts, read_dates
from collectors.described.record import (
    DescribedRecord,
    code_record_id,
    decode_object,
    is_ours,
    parse_described,
    reference_at,
    referenced_code,
    subject_reference,
)
from collectors.reading.codes import CodeIndex
from collectors.reading.fhir_types import CodeableConcept
from collectors.reading.readout import PatientContext, Readout, encounter_periods
from collectors.reading.records import CodedEntry, Record
from collectors.search import Layout, Meaning, Search


def begin(records: list[Record], search: Search, context: PatientContext) -> ReadingInProgress:
    """Parses the records.  Raises ValueError for a collector without a layout, which the catalog refuses."""
    layout = search.description.layout
    if layout is None:
        raise ValueError(f"the collector {search.description.id} has neither a layout nor code of its own")
    readout = Readout()
    entries = []
    for record in records:
        content = decode_object(record.raw)
        if content is None:
            readout.unreadable_count += 1
            continue
        entry = parse_described(record, content, layout)
        if entry.meaning is Meaning.NEVER or is_ours(content):
            continue
        if not context.refers_to_patient(subject := subject_reference(content, layout)):
            readout.exclude_subject(subject, context)
            continue
        entries.append((entry, read_dates(entry, layout, context)))
    return _ReadingInProgress(entries, layout, search, context, readout)


@dataclass(frozen=True, slots=True)
class _ReadingInProgress:
    entries: list[tuple[DescribedRecord, RecordDates]]
    layout: Layout
    search: Search
    context: PatientContext
    readout: Readout

    @property
    def needed_references(self) -> NeededReferences:
        """Encounters, where only they can date an entry; and the records that hold codes of entries."""
        wanted: dict[str, frozenset[str] | None] = {}
        if any(self._is_dated_by_encounter(entry, when) for entry, when in self.entries):
            wanted["Encounter"] = None
        named = self.layout.referenced_code
        if named is not None:
            bases = self.context.source.bases
            ids = frozenset(id_ for entry, _ in self.entries if (id_ := code_record_id(entry, self.layout, bases)))
            if ids:
                wanted[named.resource_type] = ids
        return wanted

    def _is_dated_by_encounter(self, entry: DescribedRecord, when: RecordDates) -> bool:
        path = self.layout.encounter
        return when.needs_encounter and path is not None and reference_at(entry.content, path) is not None

    def finish(self, references: ReferencedRecords) -> Readout:
        """A fact for each concept that a record is coded as, and the code systems of all records."""
        source, readout = self.context.source, self.readout
        index = CodeIndex(self.search.concepts)
        periods = encounter_periods(references.records.get("Encounter", ()), source.zone)
        fetched: Mapping[str, Record] = {}
        if self.layout.referenced_code is not None:
            fetched = {
                record.ref.id: record
                for record in references.records.get(self.layout.referenced_code.resource_type, ())
            }
        for entry, when in self.entries:
            named, malformed = referenced_code(entry, self.layout, fetched, source.bases)
            code = CodeableConcept([*entry.code.coding, *named.coding], entry.code.text or named.text)
            if self._is_dated_by_encounter(entry, when):
                when = when.within_encounter(entry, self.layout, periods, source.bases)
            if entry.has_malformed_code or malformed:
                # Without readable codes it may mean any concept.
                readout.unreadable_count += 1
            elif entry.meaning not in (Meaning.DOUBTED, Meaning.NEGATED):
                systems = self.context.code_systems(code)
                since = when.start.start if when.start is not None else None
                concepts = frozenset(known.concept.id for known, _ in index.find(code))
                name = entry.record.name if entry.meaning is not Meaning.ENDED else None
                readout.coded_entries.append(CodedEntry(systems, since, None, name, concepts))
            add_facts(entry, code, when, index, self.layout, self.context, readout)
        return readout

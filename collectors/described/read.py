"""Records into facts as their collector's layout describes them: which count, for which concepts, from when to when."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import msgspec

from collectors.collector import NeededReferences, ReadingInProgress, ReferencedRecords
from collectors.described.facts import RecordDates, add_facts, read_dates
from collectors.described.record import (
    DescribedRecord,
    EntryCodes,
    code_record_id,
    decode_object,
    entry_codes,
    is_ours,
    parse_described,
    reference_at,
    subject_reference,
)
from collectors.reading.codes import CodeIndex, ConceptReader, coded_part, deciding_systems
from collectors.reading.ingredient_names import named_ingredient
from collectors.reading.readout import PatientContext, Readout, encounter_periods
from collectors.reading.records import CodedEntry, Record
from collectors.search import Layout, Meaning, Search
from ontology.concepts import AcceptedCode
from ontology.values import Coding


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
            codes = entry_codes(entry, self.layout, fetched, source.bases)
            if self._is_dated_by_encounter(entry, when):
                when = when.within_encounter(entry, self.layout, periods, source.bases)
            found = index.find(codes.all)
            if codes.malformed:
                # Without readable codes it may mean any concept.
                readout.unreadable_count += 1
            else:
                coded = self._coded_entry(entry, codes, when)
                found += _find_by_name(coded, codes, {known.concept.id for known, _ in found}, index)
                if entry.meaning not in (Meaning.DOUBTED, Meaning.NEGATED):
                    concepts = frozenset(known.concept.id for known, _ in found)
                    readout.coded_entries.append(msgspec.structs.replace(coded, concepts=concepts))
            add_facts(entry, codes, when, found, self.layout, self.context, readout)
        return readout

    def _coded_entry(self, entry: DescribedRecord, codes: EntryCodes, when: RecordDates) -> CodedEntry:
        """The record as an entry of the list, whatever it is read as."""
        whole, *parts = (
            coded_part(self.context.equivalent_codes(each), self.search.named) for each in (codes.whole, *codes.parts)
        )
        return CodedEntry(
            whole,
            when.start.start if when.start is not None else None,
            record_name=entry.record.name,
            words=codes.words,
            parts=tuple(parts),
            ended=entry.meaning is Meaning.ENDED or when.ended_undated,
            until=when.end.end if when.end is not None else None,
        )


def _find_by_name(
    coded: CodedEntry, codes: EntryCodes, known_by_code: Collection[str], index: CodeIndex
) -> Iterator[tuple[ConceptReader, AcceptedCode]]:
    """The concepts of which an entry whose codes do not say what it is names an ingredient."""
    for known in index.readers:
        if known.concept.id in known_by_code or coded.is_understood(deciding_systems(known.concept)):
            continue
        if (name := named_ingredient(known.concept, codes.names)) is not None:
            yield known, AcceptedCode(Coding("", "", name), probable=True)

"""Records into facts as their collector's layout describes them: which count, for which concepts, from when to when."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Self, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from collectors.collector import NeededReferences, ReadingInProgress, ReferencedRecords
from collectors.described.record import (
    DescribedRecord,
    EntryCodes,
    JsonObject,
    changes_meaning,
    code_record_id,
    coded_values,
    decode_object,
    entry_codes,
    is_ours,
    parse_described,
    reference_at,
    subject_reference,
    values_at,
)
from collectors.described.times import OngoingLimits, end_span, is_open_ended, ongoing_limits, start_span
from collectors.reading.codes import CodeIndex, CodeKey, ConceptReader, coded_part, deciding_systems, wider_codes
from collectors.reading.fhir_types import printable_text
from collectors.reading.ingredient_names import named_ingredient
from collectors.reading.readout import PatientContext, Readout, encounter_period, encounter_periods, record_iri
from collectors.reading.records import CodedEntry, Fact, Record
from collectors.search import Layout, Meaning, Search
from ontology.concepts import AcceptedCode, Concept, ValueType
from ontology.evaluation import Issue, Severity
from ontology.resources import Resource, Span
from ontology.values import Absent, AbsentReason, Coding, Date, Value
from ontology.words.time import exact_span_words

UNDATED = "it has no date"
"""The problem of a record without a date."""
IN_PROGRESS = "in-progress"
"""Of FHIR's event-status: it has begun, and without an end it may be going on still (continuous dialysis)."""
_UNREADABLE = Absent(AbsentReason.UNCONVERTIBLE)


@dataclass(frozen=True, slots=True)
class RecordDates:
    """Start and end of an event or state, and when it was recorded, each None where the record does not say.

    ``ended_undated``: it has ended, date unknown.  ``needs_encounter``: only its encounter may date it.
    ``problem``: why the dates cannot be read.  ``note``: how it was dated, for readers.  ``going_on``: an event that is
    in progress, without an end.  ``in_progress``: so its status says.  ``begun``: by when an event over a period had
    begun.
    """

    start: Span | None = None
    end: Span | None = None
    ended_undated: bool = False
    recorded: Span | None = None
    needs_encounter: bool = False
    problem: str | None = None
    note: str | None = None
    going_on: bool = False
    in_progress: bool = False
    begun: datetime | None = None

    def within_encounter(
        self, entry: DescribedRecord, layout: Layout, periods: Mapping[str, Span], bases: tuple[str, ...]
    ) -> Self:
        """These dates with the period of its encounter as start, if that has ended; else unchanged."""
        period = encounter_period(reference_at(entry.content, layout.encounter or ""), periods, bases)
        if period is None:
            return self
        return replace(self, start=period, note=f"Dated by its encounter ({exact_span_words(period)}).")


def read_dates(entry: DescribedRecord, layout: Layout, context: PatientContext) -> RecordDates:
    """The dates of a record; faults become its ``problem``.  Of what came with the question none are read."""
    if layout.of_question:
        return RecordDates()
    zone, content = context.source.zone, entry.content
    try:
        start, datable = start_span(content, layout.start_paths, layout.lasting, zone)
        recorded, _ = start_span(content, (layout.recorded,) if layout.recorded else (), True, zone)
        in_progress = going_on = IN_PROGRESS in entry.states and not layout.lasting
        if in_progress:
            going_on = end_span(content, layout.start_paths, False, start, zone, layout.start_paths)[0] is None
        begun = _begun_by(content, layout, start, going_on, zone)
    except (ValueError, OverflowError):
        return RecordDates(problem="a date of the record is not a date")
    if layout.begun_when_recorded and start and recorded and start.start <= recorded.end < start.end:
        start = Span(start.start, recorded.end)
    if not layout.lasting:
        needs_encounter = start is None and datable
        return RecordDates(
            start,
            recorded=recorded,
            needs_encounter=needs_encounter,
            going_on=going_on,
            in_progress=in_progress,
            begun=begun,
        )
    past = entry.meaning is Meaning.ENDED
    try:
        end, undated = end_span(content, layout.end_paths, past, start, zone, layout.start_paths)
        if end is None and not past:
            end, _ = end_span(content, layout.intended_end_paths, False, start, zone, layout.intended_end_paths)
        if layout.presumed is not None and not past and is_open_ended(start, end):
            end = None
    except (ValueError, OverflowError):
        return RecordDates(start, recorded=recorded, problem="its end cannot be read")
    if start is not None and end is not None and end.end < start.start:
        return RecordDates(start, recorded=recorded, problem="it ends before it begins")
    return RecordDates(start, end, end is None and (past or undated), recorded, start is None and datable)


def _begun_by(
    content: JsonObject, layout: Layout, start: Span | None, going_on: bool, zone: ZoneInfo
) -> datetime | None:
    """By when an event that goes on, or is recorded over a period, had begun; None for any other."""
    if start is None or layout.lasting:
        return None
    first, _ = start_span(content, layout.start_paths, True, zone)
    over_period = first is not None and first.start == start.start and first.end < start.end
    return first.end if first is not None and (over_period or going_on) else None


def add_facts(
    entry: DescribedRecord,
    codes: EntryCodes,
    when: RecordDates,
    found: Iterable[tuple[ConceptReader, AcceptedCode]],
    layout: Layout,
    context: PatientContext,
    readout: Readout,
) -> None:
    """Adds a fact for each concept that the record was found to be, certainly or probably."""
    problem = when.problem
    if changes_meaning(entry.content):
        problem = "modifierExtension or implicitRules change its meaning in an unknown way"
    elif entry.meaning is Meaning.UNCLEAR:
        problem = f"its state ({entry.gravest_state}) is neither present nor absent"
    elif problem is None and when.start is None and not layout.of_question:
        problem = UNDATED
    notes = _record_notes(entry, layout, when)
    limits = OngoingLimits()
    if when.start is not None and when.end is None and not when.ended_undated:
        limits = ongoing_limits(entry.content, layout, when.start, when.recorded, context.source.zone)
    for known, accepted in found:
        value = _fact_value(known.concept, accepted, when)
        if value is None:
            continue
        repeated = accepted.holds_for is not None
        # What is done again and again and is in progress goes on today, whenever it began.
        fault = None if problem == UNDATED and repeated and when.in_progress else problem
        if fault is not None or accepted.probable:
            value = _UNREADABLE
        issues = (Issue(Severity.WARNING, "code-caution", accepted.caution),) if accepted.caution else ()
        resource = Resource(
            record_iri(entry.record.ref),
            known.concept.id,
            value,
            when.start,
            context.subject,
            entry.record.ref,
            status=", ".join(entry.states) or None,
            issued=when.recorded.end if when.recorded is not None else None,
            recorded=codes.words,
            problem=fault,
            notes=(*(issue.text for issue in issues), *notes),
        )
        readout.add(
            Fact(
                resource,
                entry.record,
                rank=accepted.rank,
                issues=issues,
                end=None if accepted.ever else when.end,
                # The code of "history of" says that it has ended, whatever the state of the entry.
                ended_undated=accepted.ever or when.ended_undated,
                doubted=entry.gravest_state if entry.meaning is Meaning.DOUBTED else None,
                recorded_from=_span_start(when.recorded),
                negated=entry.gravest_state if entry.meaning is Meaning.NEGATED else None,
                lasting=layout.lasting and not layout.window_by_start,
                presumed_until=_session_until(accepted, when) or limits.presumed_until,
                supply_end=limits.supply_end,
                probable=_probable_by(accepted) if accepted.probable and problem is None else None,
                confirmed=_is_confirmed(entry, accepted, when),
                dated_by_encounter=when.note is not None,
                begun=when.begun if repeated or known.concept.value_type is ValueType.DATE else None,
            )
        )


def _is_confirmed(entry: DescribedRecord, accepted: AcceptedCode, when: RecordDates) -> bool:
    """Whether a dated record says for certain that it ever was so, though not whether it goes on."""
    dated = when.problem is None and when.start is not None
    certain = accepted.asserts is not False and not accepted.probable
    return entry.confirmed and dated and certain and not changes_meaning(entry.content)


def _probable_by(accepted: AcceptedCode) -> str:
    """Why a record is only probably the concept."""
    coding = accepted.coding
    if not coding.code:
        return f"by the name {coding.display}"
    return f"by the code {coding.code} of {coding.system} ({coding.display})"


def _fact_value(concept: Concept, accepted: AcceptedCode, when: RecordDates) -> Value | None:
    """The record's value for a concept: true or false, or the days of the event; None where it states neither."""
    begin = when.start
    if concept.value_type is ValueType.FLAG:
        return accepted.asserts is not False
    if concept.value_type is not ValueType.DATE or accepted.asserts is False:
        return None
    if begin is None:
        return _UNREADABLE
    return Date(begin.start.date(), date.max if when.going_on else begin.end.date())


def _session_until(accepted: AcceptedCode, when: RecordDates) -> datetime | None:
    """Until when what was done counts as going on, since it is done again and again (a session of dialysis).

    None where it is in progress without an end: it goes on until a record says otherwise.
    """
    if when.start is None or accepted.holds_for is None or when.going_on:
        return None
    return when.start.end + accepted.holds_for


def _span_start(span: Span | None) -> datetime | None:
    return span.start if span is not None else None


def _record_notes(entry: DescribedRecord, layout: Layout, when: RecordDates) -> list[str]:
    """The notes for readers on a record that is used."""
    notes = list(layout.notes)
    for element in layout.reported_elements:
        values = sorted(
            {each for value in values_at(entry.content, element.path) for each in coded_values(value) if each}
        )
        if element.equals is None and values:
            notes.append(printable_text(f"{element.label}: {', '.join(values)}"))
        elif element.equals in values:
            notes.append(element.label)
    if when.note is not None:
        notes.append(when.note)
    return notes


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
        # What is being ordered is ordered, whoever proposed it.
        if entry.meaning is Meaning.NEVER or (is_ours(content) and not layout.of_question):
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
        by_name = _readers_by_name(index)
        periods = encounter_periods(references.records.get("Encounter", ()), source.zone)
        fetched: Mapping[str, Record] = {}
        if self.layout.referenced_code is not None:
            fetched = {
                record.ref.id: record
                for record in references.records.get(self.layout.referenced_code.resource_type, ())
                if not record.conflicting
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
                found += _find_by_name(coded, codes, {known.concept.id for known, _ in found}, by_name)
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


_ReaderByName: TypeAlias = tuple[ConceptReader, frozenset[str], frozenset[CodeKey]]
"""A concept that has names of ingredients, the code systems that decide it, and their codes that say too little."""


def _readers_by_name(index: CodeIndex) -> tuple[_ReaderByName, ...]:
    return tuple(
        (known, deciding_systems(known.concept), wider_codes(known.concept))
        for known in index.readers
        if known.concept.ingredient_names
    )


def _find_by_name(
    coded: CodedEntry, codes: EntryCodes, known_by_code: Collection[str], readers: Iterable[_ReaderByName]
) -> Iterator[tuple[ConceptReader, AcceptedCode]]:
    """The concepts of which an entry whose codes do not say what it is names an ingredient."""
    for known, systems, wider in readers:
        if known.concept.id in known_by_code or coded.is_understood(systems, wider):
            continue
        if (name := named_ingredient(known.concept, codes.names)) is not None:
            yield known, AcceptedCode(Coding("", "", name), probable=True)

"""The facts of one record: its start and end, its value for each concept, and the notes for readers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from collectors.described.record import (
    DescribedRecord,
    EntryCodes,
    changes_meaning,
    coded_values,
    reference_at,
    values_at,
)
from collectors.described.times import OngoingLimits, end_span, is_open_ended, ongoing_limits, start_span
from collectors.reading.codes import ConceptReader
from collectors.reading.fhir_types import printable_text
from collectors.reading.readout import PatientContext, Readout, encounter_period, record_iri
from collectors.reading.records import Fact
from collectors.search import Layout, Meaning
from ontology.concepts import AcceptedCode, Concept, ValueType
from ontology.evaluation import Issue, Severity
from ontology.resources import Resource, Span
from ontology.values import Absent, AbsentReason, Date, Value
from ontology.words.time import exact_span_words

UNDATED = "nothing places it in time"
"""The problem of a record without a date."""
_UNREADABLE = Absent(AbsentReason.UNCONVERTIBLE)


@dataclass(frozen=True, slots=True)
class RecordDates:
    """Start and end of an event or state, and when it was recorded, each None where the record does not say.

    ``ended_undated``: it has ended, date unknown.  ``needs_encounter``: only its encounter may date it.
    ``problem``: why the dates cannot be read.  ``note``: how it was dated, for readers.
    """

    start: Span | None = None
    end: Span | None = None
    ended_undated: bool = False
    recorded: Span | None = None
    needs_encounter: bool = False
    problem: str | None = None
    note: str | None = None

    def within_encounter(
        self, entry: DescribedRecord, layout: Layout, periods: Mapping[str, Span], bases: tuple[str, ...]
    ) -> Self:
        """These dates with the period of its encounter as start, if that has ended; else unchanged."""
        period = encounter_period(reference_at(entry.content, layout.encounter or ""), periods, bases)
        if period is None:
            return self
        return replace(self, start=period, note=f"Dated by its encounter ({exact_span_words(period)}).")


def read_dates(entry: DescribedRecord, layout: Layout, context: PatientContext) -> RecordDates:
    """The dates of a record; faults become its ``problem``."""
    zone, content = context.source.zone, entry.content
    try:
        start, datable = start_span(content, layout.start_paths, layout.lasting, zone)
        recorded, _ = start_span(content, (layout.recorded,) if layout.recorded else (), True, zone)
    except (ValueError, OverflowError):
        return RecordDates(problem="a date of the record is not a date")
    if not layout.lasting:
        return RecordDates(start, recorded=recorded, needs_encounter=start is None and datable)
    past = entry.meaning is Meaning.ENDED
    try:
        end, undated = end_span(content, layout.end_paths, past, start, zone)
        if end is None and not past:
            end, _ = end_span(content, layout.intended_end_paths, False, start, zone)
        if layout.presumed is not None and not past and is_open_ended(start, end):
            end = None
    except (ValueError, OverflowError):
        return RecordDates(start, recorded=recorded, problem="the time until which it goes on cannot be read")
    if start is not None and end is not None and end.end < start.start:
        return RecordDates(start, recorded=recorded, problem="it ends before it begins")
    return RecordDates(start, end, end is None and (past or undated), recorded, start is None and datable)


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
        problem = "modifierExtension or implicitRules change the meaning in a way that is not known here"
    elif entry.meaning is Meaning.UNCLEAR:
        problem = f"its state ({entry.gravest_state}) says neither yes nor no"
    elif problem is None and when.start is None:
        problem = UNDATED
    notes = _record_notes(entry, layout, when)
    limits = OngoingLimits()
    if when.start is not None and when.end is None and not when.ended_undated:
        limits = ongoing_limits(entry.content, layout, when.start, when.recorded, context.source.zone)
    for known, accepted in found:
        value = _fact_value(known.concept, accepted, when.start)
        if value is None:
            continue
        if problem is not None or accepted.probable:
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
            problem=problem,
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
                lasting=layout.lasting,
                presumed_until=limits.presumed_until,
                supply_end=limits.supply_end,
                probable=_probable_by(accepted) if accepted.probable and problem is None else None,
            )
        )


def _probable_by(accepted: AcceptedCode) -> str:
    """Why a record is only probably the concept."""
    coding = accepted.coding
    if not coding.code:
        return f"by the name {coding.display}"
    return f"by the code {coding.code} of {coding.system} ({coding.display})"


def _fact_value(concept: Concept, accepted: AcceptedCode, begin: Span | None) -> Value | None:
    """The record's value for a concept: true or false, or the days of the event; None where it states neither."""
    if concept.value_type is ValueType.FLAG:
        return accepted.asserts is not False
    if concept.value_type is not ValueType.DATE or accepted.asserts is False:
        return None
    return Date(begin.start.date(), begin.end.date()) if begin is not None else _UNREADABLE


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

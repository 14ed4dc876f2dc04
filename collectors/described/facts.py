"""The facts of one record: when it was so, and what is to be told of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from collectors.described.entry import Entry, changes_meaning, reference_at
from collectors.described.paths import values, words
from collectors.described.supply import Current, current, endless
from collectors.described.times import began, ended
from collectors.layout import Layout, Meaning
from collectors.reading.codes import CodeIndex
from collectors.reading.readout import Readout, Setting, record_iri
from collectors.reading.records import Fact
from collectors.reading.references import period_of
from collectors.reading.timing import in_words
from collectors.reading.wire import CodeableConcept, plain
from ontology.concepts import Accepted, Concept, ValueType
from ontology.evaluation import Issue, Severity
from ontology.resources import Resource
from ontology.times import Span
from ontology.values import Absent, AbsentReason, Date, Value

_UNREADABLE = Absent(AbsentReason.UNCONVERTIBLE)


@dataclass(frozen=True, slots=True)
class Dated:
    """From when to when something was so, and since when that is on record, as far as the record says.

    ``ceased``: it is over, on no known date.  ``by_encounter``: its encounter may date it.
    """

    begin: Span | None = None
    over: Span | None = None
    ceased: bool = False
    recorded: Span | None = None
    by_encounter: bool = False
    problem: str | None = None
    note: str | None = None

    def within_encounter(
        self, entry: Entry, layout: Layout, periods: Mapping[str, Span], bases: tuple[str, ...]
    ) -> Self:
        """The same, within the period of its encounter, if that is over."""
        period = period_of(reference_at(entry.content, layout.encounter or ""), periods, bases)
        if period is None:
            return self
        return replace(self, begin=period, note=f"Dated by its encounter ({in_words(period)}).")


def dated(entry: Entry, layout: Layout, setting: Setting) -> Dated:
    """The times of a record."""
    zone, content = setting.source.zone, entry.content
    try:
        begin, open_ = began(content, layout.begins, layout.lasting, zone)
        recorded, _ = began(content, (layout.recorded,) if layout.recorded else (), True, zone)
    except (ValueError, OverflowError):
        return Dated(problem="a date of the record is not a date")
    if not layout.lasting:
        return Dated(begin, recorded=recorded, by_encounter=begin is None and open_)
    past = entry.meaning is Meaning.ENDED
    try:
        over, undated = ended(content, layout.ends, past, begin, zone)
        if over is None and not past:
            over, _ = ended(content, layout.intended_ends, False, begin, zone)
        if layout.presumed is not None and not past and endless(begin, over):
            over = None
    except (ValueError, OverflowError):
        return Dated(begin, recorded=recorded, problem="the time until which it goes on cannot be read")
    if begin is not None and over is not None and over.end < begin.start:
        return Dated(begin, recorded=recorded, problem="it ends before it begins")
    return Dated(begin, over, over is None and (past or undated), recorded, begin is None and open_)


def add_facts(
    entry: Entry,
    code: CodeableConcept,
    when: Dated,
    index: CodeIndex,
    layout: Layout,
    setting: Setting,
    readout: Readout,
) -> None:
    """Adds a fact for each concept that the record is coded as."""
    problem = when.problem
    if changes_meaning(entry.content):
        problem = "modifierExtension or implicitRules change the meaning in a way that is not known here"
    elif entry.meaning is Meaning.UNCLEAR:
        problem = f"its state ({entry.word}) says neither yes nor no"
    elif problem is None and when.begin is None:
        problem = "nothing places it in time"
    notes = _notes(entry, layout, when)
    goes_on = Current()
    if when.begin is not None and when.over is None and not when.ceased:
        goes_on = current(entry.content, layout, when.begin, when.recorded, setting.source.zone)
    for known, accepted in index.find(code):
        value = _value(known.concept, accepted, when.begin)
        if value is None:
            continue
        if problem is not None:
            value = _UNREADABLE
        issues = (Issue(Severity.WARNING, "code-caution", accepted.caution),) if accepted.caution else ()
        resource = Resource(
            record_iri(entry.record.ref),
            known.concept.id,
            value,
            when.begin,
            setting.subject,
            entry.record.ref,
            status=", ".join(entry.states) or None,
            issued=when.recorded.end if when.recorded is not None else None,
            recorded=code.text,
            problem=problem,
            notes=(*(issue.text for issue in issues), *notes),
        )
        readout.add(
            Fact(
                resource,
                entry.record,
                rank=accepted.rank,
                issues=issues,
                over=None if accepted.ever else when.over,
                # "History of" says by its code that it is over, whatever the state of the entry.
                ended=accepted.ever or when.ceased,
                doubted=entry.word if entry.meaning is Meaning.DOUBTED else None,
                recorded_from=_start(when.recorded),
                negated=entry.word if entry.meaning is Meaning.NEGATED else None,
                lasting=layout.lasting,
                presumed=goes_on.presumed,
                supplied=goes_on.supplied,
            )
        )


def _value(concept: Concept, accepted: Accepted, begin: Span | None) -> Value | None:
    """What the record says of a concept: yes or no, or the days on which it was; None where it says nothing."""
    if concept.value_type is ValueType.FLAG:
        return accepted.asserts is not False
    if concept.value_type is not ValueType.DATE or accepted.asserts is False:
        return None
    return Date(begin.start.date(), begin.end.date()) if begin is not None else _UNREADABLE


def _start(span: Span | None) -> datetime | None:
    return span.start if span is not None else None


def _notes(entry: Entry, layout: Layout, when: Dated) -> list[str]:
    """What readers are told of a record that is used."""
    notes = list(layout.notes)
    for told in layout.tells:
        met = sorted({each for value in values(entry.content, told.path) for each in words(value) if each})
        if told.equals is None and met:
            notes.append(plain(f"{told.label}: {', '.join(met)}"))
        elif told.equals in met:
            notes.append(told.label)
    if when.note is not None:
        notes.append(when.note)
    return notes

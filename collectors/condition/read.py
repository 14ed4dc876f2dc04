"""Conditions into facts: which count, for which concepts, and from when to when, by the record or its encounter."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from collectors.collector import NeededReferences, ReadingInProgress, ReferencedRecords
from collectors.reading.codes import CodeIndex, coded_part
from collectors.reading.fhir_types import (
    MISSING_ELEMENT,
    CodeableConcept,
    Meta,
    Period,
    Reference,
    concept_text,
    entry_words,
    read_time,
)
from collectors.reading.readout import PatientContext, Readout, encounter_period, encounter_periods, record_iri
from collectors.reading.records import OUR_TAG, CodedEntry, Fact, Record
from collectors.search import NO_NAMED_CODES, NamedCodes, Search
from ontology.evaluation import Issue, Severity
from ontology.resources import Resource, Span
from ontology.values import Absent, AbsentReason, Value


class Condition(msgspec.Struct, gc=False):
    """A Condition."""

    resourceType: str | None = None  # noqa: N815  (FHIR's own names, here and below)
    id: str | None = None
    meta: Meta | None = None
    implicitRules: str | None = None  # noqa: N815
    modifierExtension: msgspec.Raw = MISSING_ELEMENT  # noqa: N815
    clinicalStatus: CodeableConcept | None = None  # noqa: N815
    verificationStatus: CodeableConcept | None = None  # noqa: N815
    code: CodeableConcept | None = None
    subject: Reference | None = None
    encounter: Reference | None = None
    onsetDateTime: str | None = None  # noqa: N815
    onsetPeriod: Period | None = None  # noqa: N815
    abatementDateTime: str | None = None  # noqa: N815
    abatementPeriod: Period | None = None  # noqa: N815
    abatementAge: msgspec.Raw = MISSING_ELEMENT  # noqa: N815
    abatementRange: msgspec.Raw = MISSING_ELEMENT  # noqa: N815
    abatementString: str | None = None  # noqa: N815
    recordedDate: str | None = None  # noqa: N815


CONDITION = msgspec.json.Decoder(Condition)


def status_codes(concept: CodeableConcept | None) -> frozenset[str]:
    """The codes of a status, of any code system."""
    return frozenset(coding.code for coding in concept.coding if coding.code) if concept is not None else frozenset()


def needs_encounter(condition: Condition) -> bool:
    """Whether only its encounter can date this condition."""
    return (
        condition.encounter is not None
        and condition.recordedDate is None
        and condition.onsetDateTime is None
        and (condition.onsetPeriod is None or condition.onsetPeriod.start is None)
    )


def onset_span(
    condition: Condition, periods: Mapping[str, Span], zone: ZoneInfo, bases: tuple[str, ...]
) -> Span | None:
    """When it began: by onset, else by recordedDate, else the period of its encounter; None where undated.

    It is known to hold at the end of the span.  An onset span that contains the recordedDate ends there.
    Raises ValueError or OverflowError for a malformed date.
    """
    recorded = read_time(condition.recordedDate, zone) if condition.recordedDate is not None else None
    onset = _stated_onset(condition, zone)
    if onset is not None:
        if recorded is not None and onset.start <= recorded.end < onset.end:
            return Span(onset.start, recorded.end)
        return onset
    if recorded is not None:
        return recorded
    reference = condition.encounter.reference if condition.encounter is not None else None
    return encounter_period(reference, periods, bases)


def _stated_onset(condition: Condition, zone: ZoneInfo) -> Span | None:
    if condition.onsetDateTime is not None:
        return read_time(condition.onsetDateTime, zone)
    period = condition.onsetPeriod
    if period is not None and period.start is not None:
        return read_time(period.start, zone)
    return None


def abatement_span(condition: Condition, zone: ZoneInfo) -> Span | None:
    """When it ended; None where that is undated.  Raises ValueError or OverflowError for a malformed date."""
    if condition.abatementDateTime is not None:
        return read_time(condition.abatementDateTime, zone)
    period: Period | None = condition.abatementPeriod
    if period is not None and (text := period.end or period.start) is not None:
        return read_time(text, zone)
    return None


def has_undated_abatement(condition: Condition) -> bool:
    """Whether it states that it ended, without a date."""
    return bool(condition.abatementAge) or bool(condition.abatementRange) or condition.abatementString is not None


ENTERED_IN_ERROR = "entered-in-error"
REFUTED = "refuted"
DOUBTED_STATUSES = frozenset({"unconfirmed", "provisional", "differential"})
INACTIVE_STATUSES = frozenset({"inactive", "remission", "resolved"})


@dataclass(frozen=True, slots=True)
class ParsedCondition:
    """A condition of this patient that may count, with its record."""

    record: Record
    condition: Condition


@dataclass(frozen=True, slots=True)
class _ReadingInProgress:
    parsed: list[ParsedCondition]
    readout: Readout
    search: Search
    context: PatientContext

    @property
    def needed_references(self) -> NeededReferences:
        return {"Encounter": None} if need_encounters(self.parsed) else {}

    def finish(self, references: ReferencedRecords) -> Readout:
        periods = encounter_periods(references.records.get("Encounter", ()), self.context.source.zone)
        add_facts(self.parsed, periods, CodeIndex(self.search.concepts), self.context, self.readout, self.search.named)
        return self.readout


def begin(records: list[Record], search: Search, context: PatientContext) -> ReadingInProgress:
    """Parses the records; encounters are needed where only they date a condition."""
    readout = Readout()
    return _ReadingInProgress(parse_conditions(records, context, readout), readout, search, context)


def parse_conditions(records: Iterable[Record], context: PatientContext, readout: Readout) -> list[ParsedCondition]:
    """The conditions of this patient, without those entered in error or written by us.

    One that cannot be decoded may be any diagnosis: it is counted as unreadable, and nothing is ruled out then.
    """
    parsed: list[ParsedCondition] = []
    for record in records:
        try:
            condition = CONDITION.decode(record.raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            readout.unreadable_count += 1
            continue
        tags = condition.meta.tag if condition.meta is not None else ()
        if ENTERED_IN_ERROR in status_codes(condition.verificationStatus) or any(
            (tag.system, tag.code) == OUR_TAG for tag in tags
        ):
            continue
        if not context.refers_to_patient(condition.subject):
            readout.exclude_subject(condition.subject, context)
            continue
        parsed.append(ParsedCondition(record, condition))
    return parsed


def need_encounters(parsed: Iterable[ParsedCondition]) -> bool:
    """Whether one of them can be dated only by its encounter."""
    return any(needs_encounter(each.condition) and not _is_refuted(each.condition) for each in parsed)


def _is_refuted(condition: Condition) -> bool:
    """Whether it was ruled out: it does not count, and is reported."""
    return REFUTED in status_codes(condition.verificationStatus)


def add_facts(
    parsed: Iterable[ParsedCondition],
    periods: Mapping[str, Span],
    index: CodeIndex,
    context: PatientContext,
    readout: Readout,
    named: NamedCodes = NO_NAMED_CODES,
) -> None:
    """Adds a fact for each concept that a condition is coded as, and an entry for each condition."""
    for each in parsed:
        condition = each.condition
        problem: str | None = None
        effective: Span | None = None
        over: Span | None = None
        try:
            effective = onset_span(condition, periods, context.source.zone, context.source.bases)
            over = abatement_span(condition, context.source.zone)
            recorded = read_time(condition.recordedDate, context.source.zone) if condition.recordedDate else None
        except (ValueError, OverflowError):
            problem, recorded = "a date of the condition is not a date", None
        doubted = next(iter(status_codes(condition.verificationStatus) & DOUBTED_STATUSES), None)
        negated = REFUTED if _is_refuted(condition) else None
        if doubted is None and negated is None:
            since = effective.start if effective is not None else None
            readout.coded_entries.append(_coded_entry(each, since, over, index, context, named))
        if condition.implicitRules is not None or condition.modifierExtension:
            problem = "modifierExtension or implicitRules change the meaning in a way that is not known here"
        elif problem is None and effective is None:
            problem = "neither onset[x], recordedDate nor an encounter that is over places it in time"
        ceased = has_undated_abatement(condition) or bool(status_codes(condition.clinicalStatus) & INACTIVE_STATUSES)
        # It is on record, so the absence must not be one that reads as "not found".
        value: Value = True if problem is None else Absent(AbsentReason.UNCONVERTIBLE)
        for known, accepted in index.find(condition.code):
            issues = (Issue(Severity.WARNING, "code-caution", accepted.caution),) if accepted.caution else ()
            resource = Resource(
                record_iri(each.record.ref),
                known.concept.id,
                value,
                effective,
                context.subject,
                each.record.ref,
                status=_status_text(condition),
                issued=recorded.end if recorded is not None else None,
                recorded=concept_text(condition.code),
                problem=problem,
                notes=tuple(issue.text for issue in issues),
            )
            readout.add(
                Fact(
                    resource,
                    each.record,
                    None,
                    accepted.rank,
                    False,
                    issues,
                    None if accepted.ever else over,
                    # "History of" says by its code that it is over, whatever the status of the entry.
                    accepted.ever or (over is None and ceased),
                    doubted,
                    recorded.start if recorded is not None else None,
                    negated=negated,
                )
            )


def _coded_entry(
    parsed: ParsedCondition,
    since: datetime | None,
    over: Span | None,
    index: CodeIndex,
    context: PatientContext,
    named: NamedCodes,
) -> CodedEntry:
    """The condition as an entry of the list, whatever it is read as."""
    condition = parsed.condition
    ended = has_undated_abatement(condition) or bool(status_codes(condition.clinicalStatus) & INACTIVE_STATUSES)
    return CodedEntry(
        coded_part(context.equivalent_codes(condition.code), named),
        since,
        record_name=parsed.record.name,
        concepts=frozenset(known.concept.id for known, _ in index.find(condition.code)),
        words=entry_words(condition.code),
        ended=ended or over is not None,
        until=over.end if over is not None else None,
    )


def _status_text(condition: Condition) -> str | None:
    """Clinical and verification status as one text."""
    codes = sorted(status_codes(condition.clinicalStatus)) + sorted(status_codes(condition.verificationStatus))
    return ", ".join(codes) or None

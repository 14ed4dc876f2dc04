"""Family histories into facts: the conditions of relatives, and whether the history is complete."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from collectors.collector import NO_REFERENCES, NeededReferences, ReadingInProgress, ReferencedRecords
from collectors.observation.elements import format_quantity
from collectors.reading.codes import CodeIndex, coded_part
from collectors.reading.fhir_types import (
    MISSING_ELEMENT,
    CodeableConcept,
    Meta,
    Period,
    Quantity,
    Reference,
    concept_text,
    printable_text,
    read_time,
)
from collectors.reading.readout import PatientContext, Readout, record_iri
from collectors.reading.records import OUR_TAG, CodedEntry, CodedPart, Fact, Record
from collectors.search import NamedCodes, Search
from ontology.concepts import Concept
from ontology.evaluation import Issue, Severity
from ontology.resources import Resource, Span
from ontology.values import Absent, AbsentReason, Value


class RelativeCondition(msgspec.Struct, gc=False):
    """A condition that the relative had."""

    code: CodeableConcept | None = None
    onsetAge: Quantity | None = None  # noqa: N815  (FHIR's own names, here and below)
    onsetString: str | None = None  # noqa: N815
    onsetPeriod: Period | None = None  # noqa: N815
    modifierExtension: msgspec.Raw = MISSING_ELEMENT  # noqa: N815


class FamilyMemberHistory(msgspec.Struct, gc=False):
    """A FamilyMemberHistory: one relative of the patient."""

    meta: Meta | None = None
    implicitRules: str | None = None  # noqa: N815
    modifierExtension: msgspec.Raw = MISSING_ELEMENT  # noqa: N815
    status: str | None = None
    patient: Reference | None = None
    date: str | None = None
    relationship: CodeableConcept | None = None
    condition: list[RelativeCondition] = []


HISTORY = msgspec.json.Decoder(FamilyMemberHistory)


ROLE_CODES = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
_PARENTS = frozenset({"PRN", "FTH", "MTH", "NPRN", "NFTH", "NMTH"})
_CHILDREN = frozenset({"CHILD", "SON", "DAU", "NCHILD", "SONC", "DAUC"})
_SIBLINGS = frozenset(
    {"SIB", "BRO", "SIS", "NSIB", "NBRO", "NSIS", "TWIN", "TWINBRO", "TWINSIS"}
    | {f"{kind}TWIN{sex}" for kind in "FI" for sex in ("", "BRO", "SIS")}
)
_FIRST_DEGREE = _PARENTS | _CHILDREN | _SIBLINGS
VAGUE_ROLES: Mapping[str, frozenset[str]] = {
    "FAMMEMB": frozenset(),
    **dict.fromkeys(("EXT", "GRPRN", "GGRPRN", "GRNDCHILD", "HSIB"), _FIRST_DEGREE),
    **dict.fromkeys(("PRN", "NPRN"), _CHILDREN | _SIBLINGS),
    **dict.fromkeys(("CHILD", "NCHILD"), _PARENTS | _SIBLINGS),
    **dict.fromkeys(("SIB", "NSIB"), _PARENTS | _CHILDREN),
}
"""Roles that cover several, each with the roles that it certainly excludes: a grandparent is no parent.

Whether a vague role counts is unknown for a concept that counts other roles than the excluded ones.
"""
_ROLES_WITH_SIDES = frozenset({"AUNT", "COUSN", "GGRFTH", "GGRMTH", "GGRPRN", "GRFTH", "GRMTH", "GRPRN", "UNCLE"})
"""Roles that do not state the maternal (MGRMTH) or paternal (PGRMTH) side."""


def is_counted_relative(concept: Concept, relationship: CodeableConcept | None) -> bool | None:
    """Whether the concept counts this relative; None where the coded relationship leaves that unknown."""
    if not concept.relationships:
        return True
    codings = relationship.coding if relationship is not None else []
    roles = {each.code for each in codings if each.system == ROLE_CODES and each.code is not None}
    counted = set(concept.relationships)
    if roles & counted:
        return True
    if any(f"{side}{role}" in counted for role in roles & _ROLES_WITH_SIDES for side in "MP"):
        return None
    return None if not roles or any(counted - VAGUE_ROLES[role] for role in roles & VAGUE_ROLES.keys()) else False


COMPLETE_STATUS = "completed"
INCOMPLETE_STATUSES = {
    "partial": "a family history is recorded as incomplete",
    "health-unknown": "the health of a relative is recorded as unknown",
}
NO_COMPLETE_HISTORY = "no family history is recorded as complete"


@dataclass(frozen=True, slots=True)
class _ReadingInProgress:
    readout: Readout
    needed_references: NeededReferences = field(default_factory=lambda: NO_REFERENCES)

    def finish(self, references: ReferencedRecords) -> Readout:
        return self.readout


def begin(records: list[Record], search: Search, context: PatientContext) -> ReadingInProgress:
    """Reads the records; no referenced records are needed."""
    readout = Readout()
    index = CodeIndex(search.concepts)
    complete = False
    for record in records:
        try:
            history = HISTORY.decode(record.raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            readout.unreadable_count += 1
            continue
        tags = history.meta.tag if history.meta is not None else ()
        if history.status not in (COMPLETE_STATUS, *INCOMPLETE_STATUSES) or any(
            (tag.system, tag.code) == OUR_TAG for tag in tags
        ):
            continue
        if not context.refers_to_patient(history.patient):
            readout.exclude_subject(history.patient, context)
            continue
        complete = complete or history.status == COMPLETE_STATUS
        if history.status in INCOMPLETE_STATUSES:
            readout.coded_entries.append(CodedEntry(CodedPart(), None, INCOMPLETE_STATUSES[history.status]))
        _add_facts(record, history, index, search.named, context, readout)
    if not complete:
        readout.coded_entries.append(CodedEntry(CodedPart(), None, NO_COMPLETE_HISTORY))
    return _ReadingInProgress(readout)


def _add_facts(
    record: Record,
    history: FamilyMemberHistory,
    index: CodeIndex,
    named: NamedCodes,
    context: PatientContext,
    readout: Readout,
) -> None:
    """Adds a fact for each concept that a condition of the relative is coded as."""
    when, note = _recorded_span(record, history, context)
    for position, disease in enumerate(history.condition):
        since = when.start if when is not None else None
        whole, read = coded_part(context.equivalent_codes(disease.code), named), index.find(disease.code)
        concepts = frozenset(known.concept.id for known, _ in read)
        words = _recorded_text(history, disease)
        readout.coded_entries.append(CodedEntry(whole, since, record_name=record.name, concepts=concepts, words=words))
        for known, accepted in read:
            counted = is_counted_relative(known.concept, history.relationship)
            if counted is False:
                continue
            problem = _problem(history, disease, counted)
            value: Value = True if problem is None else Absent(AbsentReason.UNCONVERTIBLE)
            issues = (Issue(Severity.WARNING, "code-caution", accepted.caution),) if accepted.caution else ()
            notes = (*(issue.text for issue in issues), *_onset_notes(disease), *([note] if note else []))
            resource = Resource(
                record_iri(record.ref, f"condition-{position}" if position else None),
                known.concept.id,
                value,
                when,
                context.subject,
                record.ref,
                status=history.status,
                issued=when.end if when is not None else None,
                recorded=_recorded_text(history, disease),
                problem=problem or ("nothing says when it was recorded" if when is None else None),
                notes=notes,
            )
            readout.add(Fact(resource, record, rank=accepted.rank, issues=issues, recorded_from=since))


def _problem(history: FamilyMemberHistory, disease: RelativeCondition, counted: bool | None) -> str | None:
    if history.implicitRules is not None or history.modifierExtension or disease.modifierExtension:
        return "modifierExtension or implicitRules change its meaning in an unknown way"
    if counted is None:
        return "its relationship cannot be read, so whether this relative counts is unknown"
    return None


def _recorded_span(
    record: Record, history: FamilyMemberHistory, context: PatientContext
) -> tuple[Span | None, str | None]:
    """When it was recorded, by its date, else by the record's last update; and a note for the latter, or None."""
    for text, note in ((history.date, None), (record.last_updated, "Dated by when the record was last changed.")):
        if text is not None:
            try:
                return read_time(text, context.source.zone), note
            except (ValueError, OverflowError):
                return None, None
    return None, None


def _recorded_text(history: FamilyMemberHistory, disease: RelativeCondition) -> str | None:
    """The relative and the condition in one line."""
    parts = (concept_text(history.relationship), concept_text(disease.code))
    return ": ".join(part for part in parts if part) or None


def _onset_notes(disease: RelativeCondition) -> tuple[str, ...]:
    """A note with the age or date of onset as written; empty where there is none."""
    text = format_quantity(disease.onsetAge) or (printable_text(disease.onsetString) if disease.onsetString else None)
    period = disease.onsetPeriod
    if text is None and period is not None and period.start is not None:
        text = printable_text(period.start)
    return (f"Onset in the relative: {text}.",) if text else ()

"""Family histories into facts: which condition which relative had, and whether the history is complete at all."""

from dataclasses import dataclass, field

import msgspec

from collectors.collector import NOTHING, Begun, Beside, Wants
from collectors.family_member_history.relatives import counts
from collectors.family_member_history.shape import HISTORY, Disease, FamilyMemberHistory
from collectors.needs import Search
from collectors.observation.written import amount_text
from collectors.reading.codes import CodeIndex
from collectors.reading.readout import Readout, Setting, record_iri
from collectors.reading.records import OUR_TAG, CodedEntry, Fact, Record
from collectors.reading.timing import read_time
from collectors.reading.wire import plain, text_of
from ontology.evaluation import Issue, Severity
from ontology.resources import Resource
from ontology.times import Span
from ontology.values import Absent, AbsentReason, Value

COMPLETE = "completed"
OPEN = {
    "partial": "a family history is recorded as not complete",
    "health-unknown": "the health of a relative is recorded as not known",
}
NONE_COMPLETE = "no family history is recorded as complete"


@dataclass(frozen=True, slots=True)
class _Begun:
    readout: Readout
    wants: Wants = field(default_factory=lambda: NOTHING)

    def finish(self, beside: Beside) -> Readout:
        return self.readout


def begin(records: list[Record], search: Search, setting: Setting) -> Begun:
    """Nothing else is needed."""
    readout = Readout()
    index = CodeIndex(search.concepts)
    complete = False
    for record in records:
        try:
            history = HISTORY.decode(record.raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            readout.unnamed += 1
            continue
        tags = history.meta.tag if history.meta is not None else ()
        if history.status not in (COMPLETE, *OPEN) or any((tag.system, tag.code) == OUR_TAG for tag in tags):
            continue
        if not setting.concerns(history.patient):
            readout.leave_out(history.patient, setting)
            continue
        complete = complete or history.status == COMPLETE
        if history.status in OPEN:
            readout.coded.append(CodedEntry(frozenset(), None, OPEN[history.status]))
        _facts(record, history, index, setting, readout)
    if not complete:
        readout.coded.append(CodedEntry(frozenset(), None, NONE_COMPLETE))
    return _Begun(readout)


def _facts(record: Record, history: FamilyMemberHistory, index: CodeIndex, setting: Setting, readout: Readout) -> None:
    """Adds a fact for each concept that a condition of the relative is coded as."""
    when, note = _known_since(record, history, setting)
    for position, disease in enumerate(history.condition):
        since = when.start if when is not None else None
        readout.coded.append(CodedEntry(setting.systems(disease.code), since))
        for known, accepted in index.find(disease.code):
            counted = counts(known.concept, history.relationship)
            if counted is False:
                continue
            problem = _problem(history, disease, counted)
            value: Value = True if problem is None else Absent(AbsentReason.UNCONVERTIBLE)
            issues = (Issue(Severity.WARNING, "code-caution", accepted.caution),) if accepted.caution else ()
            notes = (*(issue.text for issue in issues), *_onset(disease), *([note] if note else []))
            resource = Resource(
                record_iri(record.ref, f"condition-{position}" if position else None),
                known.concept.id,
                value,
                when,
                setting.subject,
                record.ref,
                status=history.status,
                issued=when.end if when is not None else None,
                recorded=_told(history, disease),
                problem=problem or ("nothing says when it was recorded" if when is None else None),
                notes=notes,
            )
            readout.add(Fact(resource, record, rank=accepted.rank, issues=issues, recorded_from=since))


def _problem(history: FamilyMemberHistory, disease: Disease, counted: bool | None) -> str | None:
    if history.implicitRules is not None or history.modifierExtension or disease.modifierExtension:
        return "modifierExtension or implicitRules change the meaning in a way that is not known here"
    if counted is None:
        return "its relationship is not coded so that it can be told whether this relative counts"
    return None


def _known_since(record: Record, history: FamilyMemberHistory, setting: Setting) -> tuple[Span | None, str | None]:
    """When it was recorded: as it says, or at the latest when the record was last changed."""
    for text, note in ((history.date, None), (record.updated, "Dated by when the record was last changed.")):
        if text is not None:
            try:
                return read_time(text, setting.source.zone), note
            except (ValueError, OverflowError):
                return None, None
    return None, None


def _told(history: FamilyMemberHistory, disease: Disease) -> str | None:
    """The relative and the condition in one line."""
    parts = (text_of(history.relationship), text_of(disease.code))
    return ": ".join(part for part in parts if part) or None


def _onset(disease: Disease) -> tuple[str, ...]:
    """How old the relative was, as it is written."""
    text = amount_text(disease.onsetAge) or (plain(disease.onsetString) if disease.onsetString else None)
    period = disease.onsetPeriod
    if text is None and period is not None and period.start is not None:
        text = plain(period.start)
    return (f"Onset in the relative: {text}.",) if text else ()

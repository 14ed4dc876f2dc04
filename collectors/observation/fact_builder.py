"""Builds the facts of one Observation from what they share: time, status, subject, and why it is unusable."""

from datetime import datetime

from collectors.observation.acceptance import Exclusion, has_unclear_status
from collectors.observation.elements import Observation, ValueElements
from collectors.observation.sampled_data import date_samples
from collectors.observation.values import interpretation_text, reference_range_text
from collectors.reading.codes import ConceptReader
from collectors.reading.fhir_types import printable_text, read_time
from collectors.reading.quantities import ReadValue, unreadable_value
from collectors.reading.readout import PatientContext, record_iri
from collectors.reading.records import Fact, Record
from ontology.concepts import AcceptedCode, ValueType
from ontology.evaluation import Issue, Severity
from ontology.resources import Resource, Span
from ontology.values import Absent, AbsentReason, Value

_NO_END = "effectivePeriod.end is missing"
_UNKNOWN = Absent(AbsentReason.RECORDED_UNKNOWN)
_PRELIMINARY = "The result is preliminary."


class FactBuilder:
    """One record's time, status and subject; ``unusable`` is set where no value of the record can be used.

    ``since`` is the start of a period without an end or a time of issue: it dates a state, and no measurement.
    """

    __slots__ = (
        "context",
        "effective",
        "from_period",
        "issued",
        "record",
        "since",
        "status",
        "unclear_status",
        "unusable",
    )

    def __init__(self, record: Record, observation: Observation, context: PatientContext) -> None:
        self.record = record
        self.context = context
        self.status = observation.status
        self.unusable: ReadValue | None = None
        self.issued: datetime | None = None
        if observation.issued is not None:
            try:
                self.issued = read_time(observation.issued, context.source.zone).end
            except ValueError:
                self.unusable = unreadable_value("issued is not a time")
        self.from_period = observation.effectivePeriod is not None
        self.effective, problem = _effective_span(observation, context, self.issued)
        self.since = _open_start(observation, context) if problem == _NO_END else None
        if problem is not None:
            self.unusable = unreadable_value(problem)
        elif observation.implicitRules is not None:
            self.unusable = unreadable_value("implicitRules change its meaning in an unknown way")
        elif observation.modifierExtension:
            self.unusable = unreadable_value("modifierExtension changes its meaning in an unknown way")
        self.unclear_status: str | None = None
        if has_unclear_status(observation):
            found = f'its status "{printable_text(self.status)}"' if self.status else "its missing status"
            self.unclear_status = f"{found} does not say whether it counts"

    def why_unusable(self, known: ConceptReader) -> ReadValue | None:
        """Why a value of this concept cannot be used, whatever it is; None where it can."""
        if self.since is not None and known.concept.value_type is not ValueType.QUANTITY:
            return None
        return self.unusable

    def build(
        self,
        known: ConceptReader,
        accepted: AcceptedCode | None,
        reading: ReadValue,
        holder: ValueElements,
        part: str | None,
        exclusion: Exclusion | None = None,
    ) -> Fact:
        """The fact of a value as read; ``part`` names its component (None: the record itself)."""
        if self.unclear_status is not None and reading.value != _UNKNOWN:
            reading = unreadable_value(self.unclear_status, reading.recorded)
        excluded = exclusion.text if exclusion is not None else None
        if excluded is not None and exclusion is not None:
            reason = AbsentReason.CONFLICTING if exclusion.uncertain else AbsentReason.UNCONVERTIBLE
            reading = ReadValue(Absent(reason), reading.recorded, None, excluded.rstrip("."))
        effective = self.effective
        if self.since is not None and known.concept.value_type is not ValueType.QUANTITY:
            # A state goes on until its end: it was so at its start, at least.
            effective = self.since
        if reading.samples:
            reading, effective = date_samples(reading, effective, self.from_period)
        caution = accepted.caution if accepted is not None else None
        if exclusion is not None and exclusion.caution is not None:
            caution = exclusion.caution if caution is None else f"{caution}; {exclusion.caution}"
        preliminary = self.status == "preliminary"
        notes: tuple[str, ...] = ()
        issues: tuple[Issue, ...] = ()
        if caution is not None or preliminary or reading.note is not None:
            notes, issues = _notes_and_issues(caution, preliminary, reading.note)
        return Fact(
            Resource(
                record_iri(self.record.ref, part),
                known.concept.id,
                reading.value,
                effective,
                self.context.subject,
                self.record.ref,
                (),
                self.status,
                self.issued,
                reading.recorded,
                reference_range_text(holder) if holder.referenceRange else None,
                interpretation_text(holder) if holder.interpretation else None,
                reading.problem,
                notes,
            ),
            self.record,
            reading.recorded_quantity,
            accepted.rank if accepted is not None else 0,
            preliminary,
            issues,
            samples=reading.samples,
            excluded=excluded,
            presumed_until=_presumed_until(accepted, reading.value, effective),
        )


def _presumed_until(accepted: AcceptedCode | None, value: Value, effective: Span | None) -> datetime | None:
    """Until when a status that was observed counts as still so (None: without limit)."""
    if accepted is None or effective is None or not isinstance(value, bool):
        return None
    limit = accepted.holds_for if value else accepted.denied_for
    return effective.end + limit if limit is not None else None


def _notes_and_issues(
    caution: str | None, preliminary: bool, note: str | None
) -> tuple[tuple[str, ...], tuple[Issue, ...]]:
    issues = []
    if preliminary:
        issues.append(Issue(Severity.WARNING, "preliminary", _PRELIMINARY))
    if caution is not None:
        issues.append(Issue(Severity.WARNING, "code-caution", caution))
    if note is not None:
        issues.append(Issue(Severity.WARNING, "answer-translated", note))
    return tuple(issue.text for issue in issues), tuple(issues)


def _open_start(observation: Observation, context: PatientContext) -> Span | None:
    """The start of a period that has no end; None where another element makes the record unusable."""
    period = observation.effectivePeriod
    if period is None or period.start is None or observation.implicitRules is not None or observation.modifierExtension:
        return None
    return read_time(period.start, context.source.zone)


def _effective_span(
    observation: Observation, context: PatientContext, issued: datetime | None
) -> tuple[Span | None, str | None]:
    """The effective span, or the reason why there is none, as (span, problem)."""
    zone = context.source.zone
    text = observation.effectiveDateTime or observation.effectiveInstant
    try:
        if text is not None:
            return read_time(text, zone), None
        period = observation.effectivePeriod
        if period is None:
            if observation.effectiveTiming:
                return None, "effectiveTiming is not read"
            return None, "effective[x] is missing, so its time is unknown"
        if period.start is None:
            return None, "effectivePeriod.start is missing"
        start = read_time(period.start, zone).start
        if period.end is None:
            if issued is None or issued < start:
                return None, _NO_END
            return Span(start, issued), None
        end = read_time(period.end, zone).end
    except (ValueError, OverflowError):
        return None, "effective[x] is not a time"
    if end < start:
        return None, "effectivePeriod ends before it starts"
    return Span(start, end), None

"""What all facts of one Observation share: its time, status and subject, and what makes all of it unreadable."""

from datetime import datetime

from collectors.observation.sampled import placed
from collectors.observation.shape import Observation, Valued
from collectors.observation.values import flag, own_range
from collectors.reading.codes import Reader
from collectors.reading.quantities import Reading, unreadable
from collectors.reading.readout import Setting, record_iri
from collectors.reading.records import Fact, Record
from collectors.reading.timing import read_time
from ontology.concepts import Accepted
from ontology.evaluation import Issue, Severity
from ontology.resources import Resource
from ontology.times import Span

_PRELIMINARY = "The result is preliminary."


class Frame:
    """One record's time, status and subject; ``hindered`` is set where nothing in the record can be used."""

    __slots__ = ("effective", "from_period", "hindered", "issued", "record", "setting", "status")

    def __init__(self, record: Record, observation: Observation, setting: Setting) -> None:
        self.record = record
        self.setting = setting
        self.status = observation.status
        self.hindered: Reading | None = None
        self.issued: datetime | None = None
        if observation.issued is not None:
            try:
                self.issued = read_time(observation.issued, setting.source.zone).end
            except ValueError:
                self.hindered = unreadable("issued is not a time")
        self.from_period = observation.effectivePeriod is not None
        self.effective, problem = _effective(observation, setting, self.issued)
        if problem is not None:
            self.hindered = unreadable(problem)
        elif observation.implicitRules is not None:
            self.hindered = unreadable("implicitRules change the meaning in a way that is not known here")
        elif observation.modifierExtension:
            self.hindered = unreadable("modifierExtension changes the meaning in a way that is not known here")

    def fact(
        self, known: Reader, accepted: Accepted | None, reading: Reading, holder: Valued, part: str | None
    ) -> Fact:
        """The fact that a reading gives; ``part`` names the component that it is from."""
        effective = self.effective
        if reading.samples:
            reading, effective = placed(reading, effective, self.from_period)
        caution = accepted.caution if accepted is not None else None
        preliminary = self.status == "preliminary"
        notes: tuple[str, ...] = ()
        issues: tuple[Issue, ...] = ()
        if caution is not None or preliminary or reading.note is not None:
            notes, issues = _remarks(caution, preliminary, reading.note)
        return Fact(
            Resource(
                record_iri(self.record.ref, part),
                known.concept.id,
                reading.value,
                effective,
                self.setting.subject,
                self.record.ref,
                (),
                self.status,
                self.issued,
                reading.recorded,
                own_range(holder) if holder.referenceRange else None,
                flag(holder) if holder.interpretation else None,
                reading.problem,
                notes,
            ),
            self.record,
            reading.written,
            accepted.rank if accepted is not None else 0,
            preliminary,
            issues,
            samples=reading.samples,
        )


def _remarks(caution: str | None, preliminary: bool, note: str | None) -> tuple[tuple[str, ...], tuple[Issue, ...]]:
    told = []
    if preliminary:
        told.append(Issue(Severity.WARNING, "preliminary", _PRELIMINARY))
    if caution is not None:
        told.append(Issue(Severity.WARNING, "code-caution", caution))
    if note is not None:
        told.append(Issue(Severity.WARNING, "answer-translated", note))
    return tuple(issue.text for issue in told), tuple(told)


def _effective(observation: Observation, setting: Setting, issued: datetime | None) -> tuple[Span | None, str | None]:
    """When the observation holds, or why that cannot be told."""
    zone = setting.source.zone
    text = observation.effectiveDateTime or observation.effectiveInstant
    try:
        if text is not None:
            return read_time(text, zone), None
        period = observation.effectivePeriod
        if period is None:
            if observation.effectiveTiming:
                return None, "effectiveTiming is not read"
            return None, "effective[x] is missing, so it cannot be placed in time"
        if period.start is None:
            return None, "effectivePeriod.start is missing"
        start = read_time(period.start, zone).start
        if period.end is None:
            if issued is None or issued < start:
                return None, "effectivePeriod.end is missing"
            return Span(start, issued), None
        end = read_time(period.end, zone).end
    except (ValueError, OverflowError):
        return None, "effective[x] is not a time"
    if end < start:
        return None, "effectivePeriod ends before it starts"
    return Span(start, end), None

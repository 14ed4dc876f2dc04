"""Observations into facts: status, subject, time, and a fact for each concept in the record or its components."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from collectors.codes import CodeIndex, Reader
from collectors.observation.shape import CODED, OBSERVATION, Coded, Observation, Valued
from collectors.observation.values import flag, own_range, read_value
from collectors.quantities import Reading, unreadable
from collectors.readout import Readout, Setting, record_iri
from collectors.records import OUR_TAG, Fact, Record
from collectors.timing import read_time
from collectors.wire import element_path
from ontology.concepts import Accepted
from ontology.evaluation import Issue, Severity
from ontology.resources import Resource
from ontology.times import Span
from ontology.values import Absent, AbsentReason

COUNTED = frozenset({"final", "amended", "corrected", "preliminary"})
_PRELIMINARY = "The result is preliminary."


def read(records: Iterable[Record], index: CodeIndex, setting: Setting) -> Readout:
    """Every fact in these Observations about the concepts of the index, readable or not."""
    readout = Readout()
    for record in records:
        try:
            observation = OBSERVATION.decode(record.raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            _broken(record, error, index, setting, readout)
            continue
        if not counts(observation):
            continue
        if not setting.concerns(observation.subject):
            readout.strangers += 1
            continue
        _facts(record, observation, index, setting, readout)
    return readout


def counts(observation: Observation | Coded) -> bool:
    """Whether a record is one of results about the patient, not of someone or something else, and not our own."""
    if observation.status not in COUNTED or observation.focus:
        return False
    tags = observation.meta.tag if observation.meta is not None else ()
    return all((tag.system, tag.code) != OUR_TAG for tag in tags)


def _facts(record: Record, observation: Observation, index: CodeIndex, setting: Setting, readout: Readout) -> None:
    top = index.find(observation.code)
    parts = [
        (position, component, known, accepted)
        for position, component in enumerate(observation.component)
        for known, accepted in index.find(component.code)
    ]
    silent = []
    if observation.dataAbsentReason is not None and not observation.hasMember:
        held = {known.concept.id for _, _, known, _ in parts}
        silent = [known for known in index.panels(observation.code) if known.concept.id not in held]
    if not (top or parts or silent):
        return
    frame = _Frame(record, observation, setting)
    for known, accepted in top:
        reading = frame.hindered or read_value(observation, known, accepted.needs_unit)
        readout.add(frame.fact(known, accepted, reading, observation, None))
    for position, component, known, accepted in parts:
        reading = frame.hindered or read_value(component, known, accepted.needs_unit, f"component[{position}].")
        readout.add(frame.fact(known, accepted, reading, component, accepted.coding.code))
    for known in silent:
        reading = frame.hindered or read_value(observation, known, False)
        readout.add(frame.fact(known, None, reading, observation, known.concept.id))


class _Frame:
    """What all facts of one record share: time, status, subject, and what makes all of it unreadable."""

    __slots__ = ("effective", "hindered", "issued", "record", "setting", "status")

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
        caution = accepted.caution if accepted is not None else None
        preliminary = self.status == "preliminary"
        notes: tuple[str, ...] = ()
        issues: tuple[Issue, ...] = ()
        if caution is not None or preliminary:
            notes, issues = _remarks(caution, preliminary)
        return Fact(
            Resource(
                record_iri(self.record.ref, part),
                known.concept.id,
                reading.value,
                self.effective,
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
        )


def _remarks(caution: str | None, preliminary: bool) -> tuple[tuple[str, ...], tuple[Issue, ...]]:
    told = []
    if preliminary:
        told.append(Issue(Severity.WARNING, "preliminary", _PRELIMINARY))
    if caution is not None:
        told.append(Issue(Severity.WARNING, "code-caution", caution))
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


def _broken(record: Record, error: Exception, index: CodeIndex, setting: Setting, readout: Readout) -> None:
    """A record with an element of the wrong type: unreadable for the concepts that it names, if it names any."""
    try:
        coded = CODED.decode(record.raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        readout.unnamed += 1
        return
    if not counts(coded):
        return
    if not setting.concerns(coded.subject):
        readout.strangers += 1
        return
    where = element_path(error) if isinstance(error, msgspec.ValidationError) else "the record itself"
    shell = Observation(status=coded.status, code=coded.code)
    frame = _Frame(record, shell, setting)
    frame.effective = _own_time(record, setting)
    hindered = Reading(Absent(AbsentReason.UNCONVERTIBLE), None, None, f"{where} is not of the type that FHIR says")
    found = index.find(coded.code)
    for known, accepted in found:
        readout.add(frame.fact(known, accepted, hindered, shell, None))
    named = {known.concept.id for known, _ in found}
    for known in index.panels(coded.code):
        if known.concept.id not in named:
            readout.add(frame.fact(known, None, hindered, shell, known.concept.id))


class _Times(msgspec.Struct):
    effectiveDateTime: str | None = None  # noqa: N815
    effectiveInstant: str | None = None  # noqa: N815


_TIMES = msgspec.json.Decoder(_Times)


def _own_time(record: Record, setting: Setting) -> Span | None:
    """The time of a record whose other elements cannot be decoded, if that one can."""
    try:
        times = _TIMES.decode(record.raw)
        text = times.effectiveDateTime or times.effectiveInstant
        return None if text is None else read_time(text, setting.source.zone)
    except (msgspec.DecodeError, ValueError):
        return None

"""Observations into facts: status, subject, time, and a fact for each concept in the record or its components.

One that cannot be decoded gives unreadable facts of the concepts that it names, so that none is passed over.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from collectors.collector import NeededReferences, ReadingInProgress, ReferencedRecords
from collectors.observation.acceptance import DeviceLookup, is_accepted, is_pending, replaced_ids
from collectors.observation.elements import OBSERVATION, OBSERVATION_HEAD, Observation, ValueElements
from collectors.observation.fact_builder import FactBuilder
from collectors.observation.values import read_value
from collectors.reading.codes import CodeIndex, ConceptReader
from collectors.reading.fhir_types import element_path, read_time
from collectors.reading.quantities import ReadValue, unreadable_value
from collectors.reading.readout import PatientContext, Readout
from collectors.reading.records import Record
from collectors.search import Search
from ontology.concepts import AcceptedCode
from ontology.resources import Span
from ontology.values import Absent, AbsentReason


def add_undecodable(
    record: Record, error: Exception, index: CodeIndex, setting: PatientContext, readout: Readout
) -> None:
    """A record with an element of the wrong type: unreadable for the concepts that it names, if it names any."""
    try:
        coded = OBSERVATION_HEAD.decode(record.raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        readout.unreadable_count += 1
        return
    if not is_accepted(coded):
        return
    if not setting.refers_to_patient(coded.subject):
        readout.exclude_subject(coded.subject, setting)
        return
    where = element_path(error) if isinstance(error, msgspec.ValidationError) else "the record itself"
    shell = Observation(status=coded.status, code=coded.code, issued=_decode_issued(record))
    frame = FactBuilder(record, shell, setting)
    frame.effective = _decode_effective(record, setting)
    hindered = ReadValue(Absent(AbsentReason.UNCONVERTIBLE), None, None, f"{where} is not of the type that FHIR says")
    found = index.find(coded.code)
    for known, accepted in found:
        readout.add(frame.build(known, accepted, hindered, shell, None))
    named = {known.concept.id for known, _ in found}
    for known in index.panels(coded.code):
        if known.concept.id not in named:
            readout.add(frame.build(known, None, hindered, shell, known.concept.id))


class _Issued(msgspec.Struct):
    issued: str | None = None


_ISSUED = msgspec.json.Decoder(_Issued)


def _decode_issued(record: Record) -> str | None:
    try:
        return _ISSUED.decode(record.raw).issued
    except msgspec.DecodeError:
        return None


class _Times(msgspec.Struct):
    effectiveDateTime: str | None = None  # noqa: N815
    effectiveInstant: str | None = None  # noqa: N815


_TIMES = msgspec.json.Decoder(_Times)


def _decode_effective(record: Record, setting: PatientContext) -> Span | None:
    """The time of a record whose other elements cannot be decoded, if that one can."""
    try:
        times = _TIMES.decode(record.raw)
        text = times.effectiveDateTime or times.effectiveInstant
        return None if text is None else read_time(text, setting.source.zone)
    except (msgspec.DecodeError, ValueError):
        return None


MAX_SAMPLES_IN_SEARCH = 50_000
"""Samples of courses in one search: more would take seconds, in which nobody else is served, and a gigabyte."""


@dataclass(frozen=True, slots=True)
class _ReadingInProgress:
    readout: Readout
    devices: DeviceLookup

    @property
    def needed_references(self) -> NeededReferences:
        return self.devices.needed_references

    def finish(self, references: ReferencedRecords) -> Readout:
        self.devices.apply_to(self.readout, references.records)
        return self.readout


def begin(records: list[Record], search: Search, setting: PatientContext) -> ReadingInProgress:
    """Devices are needed where the records of facts name them."""
    devices = DeviceLookup(setting)
    return _ReadingInProgress(read_observations(records, CodeIndex(search.concepts), setting, devices), devices)


def read_observations(
    records: Iterable[Record], index: CodeIndex, setting: PatientContext, devices: DeviceLookup | None = None
) -> Readout:
    """Every fact in these Observations about the concepts of the index, readable or not.

    ``devices`` is told which devices measured them.
    """
    readout = Readout()
    for record in records:
        try:
            observation = OBSERVATION.decode(record.raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            add_undecodable(record, error, index, setting, readout)
            continue
        if not is_accepted(observation):
            if is_pending(observation) and setting.refers_to_patient(observation.subject):
                _add_pending(record, observation, index, setting, readout)
            continue
        if not setting.refers_to_patient(observation.subject):
            readout.exclude_subject(observation.subject, setting)
            continue
        for each in replaced_ids(record, observation, setting) if observation.extension else ():
            text = f"Observation/{each} was left out, since {record.name} replaces it."
            readout.withdrawn["Observation", each] = text
        if _add_facts(record, observation, index, setting, readout) and devices is not None and observation.device:
            devices.register(record, observation)
    return readout


def _add_pending(
    record: Record, observation: Observation, index: CodeIndex, setting: PatientContext, readout: Readout
) -> None:
    """Tells of each concept in the record that its result is not there yet."""
    parts = [observation.code, *(component.code for component in observation.component)]
    found = {known.concept.id: known for code in parts for known, _ in index.find(code)}
    found |= {known.concept.id: known for known in index.panels(observation.code)}
    if not found:
        return
    frame = FactBuilder(record, observation, setting)
    for known in found.values():
        fact = frame.build(known, None, ReadValue(Absent(AbsentReason.RECORDED_UNKNOWN)), observation, known.concept.id)
        readout.add(msgspec.structs.replace(fact, pending=True))


def _add_facts(
    record: Record, observation: Observation, index: CodeIndex, setting: PatientContext, readout: Readout
) -> bool:
    """Adds the facts of one record; whether there are any."""
    top = index.find(observation.code)
    parts = [
        (position, component, known, accepted)
        for position, component in enumerate(observation.component)
        for known, accepted in index.find(component.code)
    ]
    silent = []
    # Of a panel the reason concerns all of it; of a value with further components (SpO2 and oxygen) only that value.
    if observation.dataAbsentReason is not None and not top and not observation.hasMember:
        held = {known.concept.id for _, _, known, _ in parts}
        silent = [known for known in index.panels(observation.code) if known.concept.id not in held]
    if not (top or parts or silent):
        return False
    frame = FactBuilder(record, observation, setting)
    for known, accepted in top:
        reading = frame.unusable or _read_limited_value(observation, known, accepted, "", readout)
        readout.add(frame.build(known, accepted, reading, observation, None))
    firsts: dict[str, int] = {}
    for position, component, known, accepted in parts:
        where = f"component[{position}]."
        reading = frame.unusable or _read_limited_value(component, known, accepted, where, readout)
        # A panel may hold several readings of one thing: each has a name of its own.
        repeated = firsts.setdefault(known.concept.id, position) < position
        part = f"{accepted.coding.code}-{position}" if repeated else accepted.coding.code
        readout.add(frame.build(known, accepted, reading, component, part))
    for known in silent:
        reading = frame.unusable or read_value(observation, known, False)
        readout.add(frame.build(known, None, reading, observation, known.concept.id))
    return True


def _read_limited_value(
    content: ValueElements, known: ConceptReader, accepted: AcceptedCode, where: str, readout: Readout
) -> ReadValue:
    """The value, unless it is a course of samples after more of these than are read."""
    if content.valueSampledData and readout.sample_count >= MAX_SAMPLES_IN_SEARCH:
        text = f"{where}valueSampledData comes after more samples than are read in one search"
        return unreadable_value(f"{text} ({MAX_SAMPLES_IN_SEARCH})")
    reading = read_value(content, known, accepted.needs_unit, where, accepted.asserts)
    readout.sample_count += len(reading.samples)
    return reading

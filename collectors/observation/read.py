"""Observations into facts: status, subject, time, and a fact for each concept in the record or its components."""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from collectors.collector import Begun, Beside, Wants
from collectors.needs import Search
from collectors.observation.broken import broken
from collectors.observation.counting import counts, pending
from collectors.observation.devices import Devices
from collectors.observation.frame import Frame
from collectors.observation.replaced import replaced
from collectors.observation.shape import OBSERVATION, Observation, Valued
from collectors.observation.values import read_value
from collectors.reading.codes import CodeIndex, Reader
from collectors.reading.quantities import Reading, unreadable
from collectors.reading.readout import Readout, Setting
from collectors.reading.records import Record
from ontology.concepts import Accepted
from ontology.values import Absent, AbsentReason

MOST_SAMPLES_IN_ALL = 50_000
"""Samples of courses in one search: more would take seconds, in which nobody else is served, and a gigabyte."""


@dataclass(frozen=True, slots=True)
class _Begun:
    readout: Readout
    devices: Devices

    @property
    def wants(self) -> Wants:
        return self.devices.wants

    def finish(self, beside: Beside) -> Readout:
        self.devices.tell(self.readout, beside.records)
        return self.readout


def begin(records: list[Record], search: Search, setting: Setting) -> Begun:
    """Devices are needed where the records of facts name them."""
    devices = Devices(setting)
    return _Begun(read(records, CodeIndex(search.concepts), setting, devices), devices)


def read(records: Iterable[Record], index: CodeIndex, setting: Setting, devices: Devices | None = None) -> Readout:
    """Every fact in these Observations about the concepts of the index, readable or not.

    ``devices`` is told which devices measured them.
    """
    readout = Readout()
    for record in records:
        try:
            observation = OBSERVATION.decode(record.raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            broken(record, error, index, setting, readout)
            continue
        if not counts(observation):
            if pending(observation) and setting.concerns(observation.subject):
                _pending(record, observation, index, setting, readout)
            continue
        if not setting.concerns(observation.subject):
            readout.leave_out(observation.subject, setting)
            continue
        for each in replaced(record, observation, setting) if observation.extension else ():
            text = f"Observation/{each} was left out, since {record.name} replaces it."
            readout.withdrawn["Observation", each] = text
        if _facts(record, observation, index, setting, readout) and devices is not None and observation.device:
            devices.note(record, observation)
    return readout


def _pending(record: Record, observation: Observation, index: CodeIndex, setting: Setting, readout: Readout) -> None:
    """Tells of each concept in the record that its result is not there yet."""
    parts = [observation.code, *(component.code for component in observation.component)]
    found = {known.concept.id: known for code in parts for known, _ in index.find(code)}
    found |= {known.concept.id: known for known in index.panels(observation.code)}
    if not found:
        return
    frame = Frame(record, observation, setting)
    for known in found.values():
        fact = frame.fact(known, None, Reading(Absent(AbsentReason.RECORDED_UNKNOWN)), observation, known.concept.id)
        readout.add(msgspec.structs.replace(fact, pending=True))


def _facts(record: Record, observation: Observation, index: CodeIndex, setting: Setting, readout: Readout) -> bool:
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
    frame = Frame(record, observation, setting)
    for known, accepted in top:
        reading = frame.hindered or _value(observation, known, accepted, "", readout)
        readout.add(frame.fact(known, accepted, reading, observation, None))
    firsts: dict[str, int] = {}
    for position, component, known, accepted in parts:
        where = f"component[{position}]."
        reading = frame.hindered or _value(component, known, accepted, where, readout)
        # A panel may hold several readings of one thing: each has a name of its own.
        repeated = firsts.setdefault(known.concept.id, position) < position
        part = f"{accepted.coding.code}-{position}" if repeated else accepted.coding.code
        readout.add(frame.fact(known, accepted, reading, component, part))
    for known in silent:
        reading = frame.hindered or read_value(observation, known, False)
        readout.add(frame.fact(known, None, reading, observation, known.concept.id))
    return True


def _value(content: Valued, known: Reader, accepted: Accepted, where: str, readout: Readout) -> Reading:
    """The value, unless it is a course of samples after more of these than are read."""
    if content.valueSampledData and readout.samples >= MOST_SAMPLES_IN_ALL:
        text = f"{where}valueSampledData comes after more samples than are read in one search"
        return unreadable(f"{text} ({MOST_SAMPLES_IN_ALL})")
    reading = read_value(content, known, accepted.needs_unit, where, accepted.asserts)
    readout.samples += len(reading.samples)
    return reading

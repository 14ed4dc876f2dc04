"""Observations into facts: status, subject, time, and a fact for each concept in the record or its components."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from collectors.collector import Begun, Beside, Wants
from collectors.needs import Search
from collectors.observation.frame import Frame
from collectors.observation.shape import CODED, OBSERVATION, Coded, Observation
from collectors.observation.values import read_value
from collectors.reading.codes import CodeIndex
from collectors.reading.quantities import Reading
from collectors.reading.readout import Readout, Setting
from collectors.reading.records import OUR_TAG, Record
from collectors.reading.timing import read_time
from collectors.reading.wire import element_path
from ontology.times import Span
from ontology.values import Absent, AbsentReason

COUNTED = frozenset({"final", "amended", "corrected", "preliminary"})


@dataclass(frozen=True, slots=True)
class _Begun:
    records: list[Record]
    search: Search
    setting: Setting
    wants: Wants = field(default_factory=dict)

    def finish(self, beside: Beside) -> Readout:
        return read(self.records, CodeIndex(self.search.concepts), self.setting)


def begin(records: list[Record], search: Search, setting: Setting) -> Begun:
    """Nothing else is needed to read Observations."""
    return _Begun(records, search, setting)


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
    # Of a panel the reason concerns all of it; of a value with further components (SpO2 and oxygen) only that value.
    if observation.dataAbsentReason is not None and not top and not observation.hasMember:
        held = {known.concept.id for _, _, known, _ in parts}
        silent = [known for known in index.panels(observation.code) if known.concept.id not in held]
    if not (top or parts or silent):
        return
    frame = Frame(record, observation, setting)
    for known, accepted in top:
        reading = frame.hindered or read_value(observation, known, accepted.needs_unit, "", accepted.asserts)
        readout.add(frame.fact(known, accepted, reading, observation, None))
    for position, component, known, accepted in parts:
        where = f"component[{position}]."
        reading = frame.hindered or read_value(component, known, accepted.needs_unit, where, accepted.asserts)
        # A panel may hold several readings of one thing: each has a name of its own.
        repeated = any(before < position and other is known for before, _, other, _ in parts)
        part = f"{accepted.coding.code}-{position}" if repeated else accepted.coding.code
        readout.add(frame.fact(known, accepted, reading, component, part))
    for known in silent:
        reading = frame.hindered or read_value(observation, known, False)
        readout.add(frame.fact(known, None, reading, observation, known.concept.id))


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
    shell = Observation(status=coded.status, code=coded.code, issued=_own_issued(record))
    frame = Frame(record, shell, setting)
    frame.effective = _own_time(record, setting)
    hindered = Reading(Absent(AbsentReason.UNCONVERTIBLE), None, None, f"{where} is not of the type that FHIR says")
    found = index.find(coded.code)
    for known, accepted in found:
        readout.add(frame.fact(known, accepted, hindered, shell, None))
    named = {known.concept.id for known, _ in found}
    for known in index.panels(coded.code):
        if known.concept.id not in named:
            readout.add(frame.fact(known, None, hindered, shell, known.concept.id))


class _Issued(msgspec.Struct):
    issued: str | None = None


_ISSUED = msgspec.json.Decoder(_Issued)


def _own_issued(record: Record) -> str | None:
    try:
        return _ISSUED.decode(record.raw).issued
    except msgspec.DecodeError:
        return None


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

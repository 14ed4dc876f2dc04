"""Observations that cannot be decoded as a whole: unreadable facts of what they name, so that none is passed over."""

import msgspec

from collectors.observation.counting import counts
from collectors.observation.frame import Frame
from collectors.observation.shape import CODED, Observation
from collectors.reading.codes import CodeIndex
from collectors.reading.quantities import Reading
from collectors.reading.readout import Readout, Setting
from collectors.reading.records import Record
from collectors.reading.timing import read_time
from collectors.reading.wire import element_path
from ontology.times import Span
from ontology.values import Absent, AbsentReason


def broken(record: Record, error: Exception, index: CodeIndex, setting: Setting, readout: Readout) -> None:
    """A record with an element of the wrong type: unreadable for the concepts that it names, if it names any."""
    try:
        coded = CODED.decode(record.raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        readout.unnamed += 1
        return
    if not counts(coded):
        return
    if not setting.concerns(coded.subject):
        readout.leave_out(coded.subject, setting)
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

"""What the record of a device means for its readings: one not calibrated is told, one in error refuses them."""

from dataclasses import dataclass, replace

import msgspec

from collectors.reading.records import Fact
from collectors.reading.wire import CodeableConcept, Reference, text_of
from ontology.evaluation import Issue, Severity
from ontology.resources import Resource
from ontology.values import Absent, AbsentReason

TYPES = ("Device", "DeviceMetric")
CALIBRATION = {
    "not-calibrated": "not calibrated",
    "calibration-required": "in need of calibration",
}
STATUS = {"off": "switched off", "standby": "on standby", "inactive": "no longer in use"}
_ERROR = "entered-in-error"


class Calibration(msgspec.Struct, gc=False):
    """One calibration of a device's metric."""

    state: str | None = None
    time: str | None = None


class Device(msgspec.Struct, gc=False):
    """The parts of a Device and of a DeviceMetric that are read."""

    resourceType: str | None = None  # noqa: N815  (FHIR's own names, here and below)
    id: str | None = None
    status: str | None = None
    operationalStatus: str | None = None  # noqa: N815
    calibration: list[Calibration] = []
    type: CodeableConcept | None = None
    patient: Reference | None = None


DEVICE = msgspec.json.Decoder(Device)
DEVICES = msgspec.json.Decoder(list[Device])


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a device's record means for its readings: ``refused``, or else what is told of them, and what is noted."""

    refused: str | None = None
    told: tuple[Issue, ...] = ()
    noted: tuple[str, ...] = ()


def verdict(device: Device) -> Verdict:
    """What a device's record means: of several calibrations the last that is dated counts, or all that are not."""
    if _ERROR in (device.status, device.operationalStatus):
        return Verdict("its device was entered in error, so what measured it is not known")
    dated = [each for each in device.calibration if each.time is not None]
    last = [max(dated, key=lambda each: each.time or "")] if dated else device.calibration
    states = [CALIBRATION[each.state] for each in last if each.state in CALIBRATION]
    status = device.operationalStatus or device.status
    if status in STATUS:
        states.append(STATUS[status])
    told = tuple(f"Measured by a device that is recorded as {state}." for state in dict.fromkeys(states))
    worn: tuple[str, ...] = ()
    if device.resourceType == "Device" and device.patient is not None:
        kind = text_of(device.type)
        worn = (f"Measured by a device that the patient has on{f': {kind}' if kind else ''}.",)
    issues = tuple(Issue(Severity.WARNING, "device", text) for text in told)
    return Verdict(None, issues, (*told, *worn))


def judged(fact: Fact, by: Verdict) -> Fact:
    """The fact as its device lets it stand."""
    resource = fact.resource
    if by.refused is not None:
        absent = Absent(AbsentReason.UNCONVERTIBLE)
        refused = msgspec.structs.replace(fact, written=None, samples=())
        return msgspec.structs.replace(refused, resource=replace(resource, value=absent, problem=by.refused))
    if not by.noted:
        return fact
    # Written out, since it is done for every fact that a device measured: ``replace`` takes several times as long.
    told = Resource(
        resource.iri,
        resource.concept,
        resource.value,
        resource.effective,
        resource.subject,
        resource.source,
        resource.derived_from,
        resource.status,
        resource.issued,
        resource.recorded,
        resource.reference_range,
        resource.interpretation,
        resource.problem,
        (*resource.notes, *by.noted),
    )
    return msgspec.structs.replace(fact, resource=told, issues=(*fact.issues, *by.told))

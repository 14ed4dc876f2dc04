"""What is on record of the devices that measured: a device that was not calibrated is told, one in error refused."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import msgspec

from collectors.observation.shape import Observation
from collectors.reading.readout import Readout, Setting
from collectors.reading.records import Fact, Record
from collectors.reading.wire import CodeableConcept, Reference, text_of
from ontology.evaluation import Issue, Severity
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


_DEVICE = msgspec.json.Decoder(Device)
_CONTAINED = msgspec.json.Decoder(list[Device])


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a device's record means for its readings: ``refused``, or else what is told of them, and what is noted."""

    refused: str | None = None
    told: tuple[str, ...] = ()
    noted: tuple[str, ...] = ()


class Devices:
    """Which devices the records of facts name, and what their records mean for the facts."""

    def __init__(self, setting: Setting) -> None:
        self._base = setting.source.base_url.rstrip("/")
        self._known: dict[str, Verdict] = {}
        self._asked: dict[str, tuple[str, str]] = {}

    def note(self, record: Record, observation: Observation) -> None:
        """Notes the device of a record: contained, by reference into this source, or none that could be looked up."""
        reference = observation.device.reference if observation.device is not None else None
        if reference is None:
            return
        if reference.startswith("#"):
            found = next((each for each in _contained(observation) if each.id == reference[1:]), None)
            if found is not None:
                self._known[record.name] = verdict(found)
            return
        path = reference.removeprefix(f"{self._base}/").partition("/_history/")[0]
        kind, _, identity = path.partition("/")
        if kind in TYPES and identity and "/" not in identity:
            self._asked[record.name] = (kind, identity)

    @property
    def wants(self) -> Mapping[str, frozenset[str] | None]:
        """The devices to be looked up, by type."""
        named: dict[str, set[str]] = {}
        for kind, identity in self._asked.values():
            named.setdefault(kind, set()).add(identity)
        return {kind: frozenset(ids) for kind, ids in named.items()}

    def tell(self, readout: Readout, records: Mapping[str, Iterable[Record]]) -> None:
        """Tells of each fact what its device's record means.  A record that cannot be decoded means nothing."""
        if not (self._known or self._asked):
            return
        looked_up: dict[tuple[str, str], Verdict] = {}
        for kind in TYPES:
            for record in records.get(kind, ()):
                try:
                    looked_up[kind, record.ref.id] = verdict(_DEVICE.decode(record.raw))
                except (msgspec.DecodeError, UnicodeDecodeError):
                    continue
        by_name = self._known | {name: looked_up[key] for name, key in self._asked.items() if key in looked_up}
        for facts in readout.facts.values():
            for position, fact in enumerate(facts):
                if (found := by_name.get(fact.record.name)) is not None:
                    facts[position] = judged(fact, found)


def _contained(observation: Observation) -> list[Device]:
    try:
        held = _CONTAINED.decode(observation.contained) if observation.contained else []
    except msgspec.DecodeError:
        return []
    return [each for each in held if each.resourceType in TYPES]


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
    return Verdict(None, told, worn)


def judged(fact: Fact, by: Verdict) -> Fact:
    """The fact as its device lets it stand."""
    resource = fact.resource
    if by.refused is not None:
        absent = Absent(AbsentReason.UNCONVERTIBLE)
        refused = msgspec.structs.replace(fact, written=None, samples=())
        return msgspec.structs.replace(refused, resource=replace(resource, value=absent, problem=by.refused))
    if not (by.told or by.noted):
        return fact
    issues = tuple(Issue(Severity.WARNING, "device", text) for text in by.told)
    told = replace(resource, notes=(*resource.notes, *by.told, *by.noted))
    return msgspec.structs.replace(fact, resource=told, issues=(*fact.issues, *issues))

"""Acceptance of Observations: by their status, by further codes, by what replaces them, by the device that measured.

A replacement is stated by FHIR's own extension for it; the replaced Observation no longer counts.  A device that is not
calibrated is reported, and one in error refuses its values.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import msgspec

from collectors.observation.elements import Observation, ObservationHead
from collectors.reading.codes import ConceptReader, code_key
from collectors.reading.fhir_types import UNDECODABLE, CodeableConcept, Reference, concept_text, entry_words
from collectors.reading.ingredient_names import plain_letters
from collectors.reading.readout import PatientContext, Readout, local_id
from collectors.reading.records import OUR_SYSTEMS, OUR_TAG, Fact, Record
from ontology.evaluation import Issue, Severity
from ontology.resources import Resource
from ontology.values import Absent, AbsentReason
from ontology.words.lists import truncated_list

ACCEPTED_STATUSES = frozenset({"final", "amended", "corrected", "preliminary"})
UNCOUNTED_STATUSES = frozenset({"registered", "cancelled", "entered-in-error"})
"""Statuses that say that there is no result, or none that counts."""


def is_accepted(observation: Observation | ObservationHead) -> bool:
    """Whether a record has an accepted status, is about the patient by its ``focus``, and is not our own."""
    return observation.status in ACCEPTED_STATUSES and _is_patient_result(observation)


def has_unclear_status(observation: Observation | ObservationHead) -> bool:
    """Whether its status is missing, ``unknown`` or no code of FHIR: it may count, and is reported, never used."""
    understood = observation.status in ACCEPTED_STATUSES or observation.status in UNCOUNTED_STATUSES
    return not understood and _is_patient_result(observation)


def is_pending(observation: Observation) -> bool:
    """Whether its result is pending: registered, without a value, and only reported."""
    return observation.status == "registered" and _is_patient_result(observation)


def is_about_something_else(observation: Observation) -> bool:
    """Whether it would be accepted but for a ``focus`` that names no person: a device, a procedure, or unreadable."""
    if observation.status not in ACCEPTED_STATUSES or _is_our_result(observation):
        return False
    kinds = _focus_types(observation.focus)
    return not kinds <= _CARE and not kinds & _PERSONS


def _is_patient_result(observation: Observation | ObservationHead) -> bool:
    return _focus_types(observation.focus) <= _CARE and not _is_our_result(observation)


# What is observed in an encounter is observed of the patient; a focus on a person is of somebody else.
_CARE = frozenset({"Encounter", "EpisodeOfCare"})
_PERSONS = frozenset({"Patient", "RelatedPerson", "Person", "Practitioner", "PractitionerRole", "Group"})


class _Focus(msgspec.Struct, gc=False):
    reference: str | None = None
    type: str | None = None


_FOCUS = msgspec.json.Decoder(list[_Focus])


def _focus_types(focus: msgspec.Raw) -> frozenset[str]:
    """The resource types of what it is about besides its subject; "" for one that cannot be read."""
    if not focus:
        return frozenset()
    try:
        return frozenset(_type_of(each) for each in _FOCUS.decode(focus))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return frozenset({""})


def _type_of(focus: _Focus) -> str:
    steps = (focus.reference or "").partition("/_history/")[0].split("/")
    return focus.type or (steps[-2] if len(steps) > 1 else "")


def _is_our_result(observation: Observation | ObservationHead) -> bool:
    """Whether we wrote it: by its tag, or, since servers were seen to drop tags, by our code systems."""
    tags = observation.meta.tag if observation.meta is not None else ()
    if any((tag.system, tag.code) == OUR_TAG for tag in tags):
        return True
    if observation.code is not None and _has_our_system(observation.code):
        return True
    # Other records have a method, too: decoded only here, so that a fault in it does not cost them their value.
    method = bytes(observation.method)
    if _OUR_HOST not in method:
        return False
    try:
        return _has_our_system(_CODES.decode(method))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def _has_our_system(concept: CodeableConcept) -> bool:
    return any(coding.system in OUR_SYSTEMS for coding in concept.coding)


_OUR_HOST = b"medtwin.example"  # without slashes, which JSON writes in two ways
_CODES = msgspec.json.Decoder(CodeableConcept)


@dataclass(frozen=True, slots=True)
class Exclusion:
    """What a further code of a record says of its value for a concept: why it is not of it, or a ``caution``.

    ``uncertain``: its codes contradict each other, so that it may be of the concept all the same.
    """

    text: str | None = None
    caution: str | None = None
    uncertain: bool = False


def find_exclusion(known: ConceptReader, own: CodeableConcept | None, whole: Observation) -> Exclusion | None:
    """Whether further codes take a value away from a concept under whose code it stands; None where none does.

    ``own`` are the codings of the value: of the record, or of its component.  The codes that the concept names count
    wherever they stand in the record; those of another measurement only beside the concept's own, since the codes of a
    panel are those of other concepts.
    """
    aliases = known.system_aliases
    if known.excluding:
        hits = {key: known.excluding[key] for key in _keys_around(own, whole, aliases) if key in known.excluding}
        refusing: dict[str, str] = {}
        for each in hits.values():
            if each.caution is None:
                refusing.setdefault(each.coding.display or "", each.coding.code)
        if refusing:
            named = truncated_list([f"{display} ({code})" for display, code in refusing.items()], 2)
            return Exclusion(f"{'Its codes mean' if len(refusing) > 1 else 'Its code means'}: {named}.")
        if hits:
            return Exclusion(caution="; ".join(dict.fromkeys(each.caution or "" for each in hits.values())))
    caution = _site_caution(known, whole)
    rivals = known.concept.rivals
    if own is None or len(own.coding) < 2 or not rivals:
        return caution
    others = [f"{key[1]} ({rivals[key]})" for key in _keys(own, aliases) if key in rivals]
    if not others:
        return caution
    accepted = {code_key(each.coding.system, each.coding.code) for each in known.concept.accepted}
    first = next((key[1] for key in _keys(own, aliases) if key in accepted), known.concept.id)
    text = f"Its codes mean two measurements: {first} ({known.concept.display}) and {truncated_list(others)}."
    return Exclusion(text, uncertain=True)


def _site_caution(known: ConceptReader, whole: Observation) -> Exclusion | None:
    """A caution where the body site of a record is none of those at which the concept is measured; it is named."""
    if not known.usual_sites or not whole.bodySite:
        return None
    try:
        site = _CODES.decode(whole.bodySite)
    except UNDECODABLE:
        return Exclusion(caution="the body site cannot be read")
    if not known.usual_sites.isdisjoint(_keys(site, known.system_aliases)):
        return None
    words = entry_words(site)
    if words is None or _is_usual_text(known, site):
        return None
    return Exclusion(caution=f"body site {words}: not one of the usual sites")


def _is_usual_text(known: ConceptReader, site: CodeableConcept) -> bool:
    """Whether a body site without codes is one of the usual ones by a word of its text."""
    if site.text is None or any(each.code for each in site.coding):
        return False
    return not set(_WORD.findall(plain_letters(site.text))).isdisjoint(known.concept.usual_site_words)


_WORD = re.compile(r"\w+")


def _keys(concept: CodeableConcept, aliases: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    codings = ((each.system, each.code) for each in concept.coding)
    return (code_key(aliases.get(system, system), code) for system, code in codings if system and code)


def _keys_around(
    own: CodeableConcept | None, whole: Observation, aliases: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """The codes of a value, of the whole record, its body site and its method; what cannot be decoded has none."""
    for concept in (own, whole.code if own is not whole.code else None):
        if concept is not None:
            yield from _keys(concept, aliases)
    for raw in (whole.bodySite, whole.method):
        if raw:
            try:
                yield from _keys(_CODES.decode(raw), aliases)
            except UNDECODABLE:
                continue


REPLACES = "http://hl7.org/fhir/StructureDefinition/observation-replaces"


class Extension(msgspec.Struct, gc=False):
    """An extension that may hold a reference."""

    url: str | None = None
    valueReference: Reference | None = None  # noqa: N815  (FHIR's own name)


_EXTENSIONS = msgspec.json.Decoder(list[Extension])


def replaced_ids(record: Record, observation: Observation, context: PatientContext) -> Iterator[str]:
    """The ids of the Observations of this source that it replaces.  A preliminary one replaces nothing yet."""
    if not observation.extension or observation.status == "preliminary":
        return
    try:
        extensions = _EXTENSIONS.decode(observation.extension)
    except UNDECODABLE:
        return
    for each in extensions:
        if each.url == REPLACES and each.valueReference is not None:
            identity = local_id(each.valueReference.reference, "Observation", context.source.bases)
            if identity is not None and identity != record.ref.id:
                yield identity


DEVICE_TYPES = ("Device", "DeviceMetric")
CALIBRATION_STATES = {
    "not-calibrated": "not calibrated",
    "calibration-required": "in need of calibration",
}
OPERATIONAL_STATES = {"off": "switched off", "standby": "on standby", "inactive": "no longer in use"}
_ENTERED_IN_ERROR = "entered-in-error"


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
class DeviceAssessment:
    """What a device's record means for its values: why they are refused, or the issues and notes they carry."""

    refusal_reason: str | None = None
    issues: tuple[Issue, ...] = ()
    notes: tuple[str, ...] = ()


def assess_device(device: Device) -> DeviceAssessment:
    """Assesses a device by its states; of several calibrations the latest dated one counts, else all undated ones."""
    if _ENTERED_IN_ERROR in (device.status, device.operationalStatus):
        return DeviceAssessment("its device was entered in error, so the device is unknown")
    dated = [each for each in device.calibration if each.time is not None]
    last = [max(dated, key=lambda each: each.time or "")] if dated else device.calibration
    states = [CALIBRATION_STATES[each.state] for each in last if each.state in CALIBRATION_STATES]
    status = device.operationalStatus or device.status
    if status in OPERATIONAL_STATES:
        states.append(OPERATIONAL_STATES[status])
    texts = tuple(f"Measured by a device that is recorded as {state}." for state in dict.fromkeys(states))
    worn: tuple[str, ...] = ()
    if device.resourceType == "Device" and device.patient is not None:
        kind = concept_text(device.type)
        worn = (f"Measured by a device that the patient has on{f': {kind}' if kind else ''}.",)
    issues = tuple(Issue(Severity.WARNING, "device", text) for text in texts)
    return DeviceAssessment(None, issues, (*texts, *worn))


def apply_assessment(fact: Fact, by: DeviceAssessment) -> Fact:
    """The fact with the issues and notes of its device, or without its value where the device refuses it."""
    resource = fact.resource
    if by.refusal_reason is not None:
        absent = Absent(AbsentReason.UNCONVERTIBLE)
        refused = msgspec.structs.replace(fact, recorded_quantity=None, samples=())
        return msgspec.structs.replace(refused, resource=replace(resource, value=absent, problem=by.refusal_reason))
    if not by.notes:
        return fact
    # Written out, since it runs for every fact that a device measured: ``replace`` takes several times as long.
    noted = Resource(
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
        (*resource.notes, *by.notes),
    )
    return msgspec.structs.replace(fact, resource=noted, issues=(*fact.issues, *by.issues))


class DeviceLookup:
    """The devices that the records of facts refer to, and their assessments applied to the facts."""

    def __init__(self, context: PatientContext) -> None:
        self._bases = context.source.bases
        self._contained: dict[str, DeviceAssessment] = {}
        self._requested: dict[str, tuple[str, str]] = {}
        self._resolved: dict[str, tuple[str, str] | None] = {}

    def register(self, record: Record, observation: Observation) -> None:
        """Registers the device of a record: contained, or by reference into this source; others are ignored."""
        reference = observation.device.reference if observation.device is not None else None
        if reference is None:
            return
        if reference.startswith("#"):
            found = next((each for each in _contained_devices(observation) if each.id == reference[1:]), None)
            if found is not None:
                self._contained[record.ref.id] = assess_device(found)
            return
        if reference not in self._resolved:
            self._resolved[reference] = self._resolve(reference)
        key = self._resolved[reference]
        if key is not None:
            self._requested[record.ref.id] = key

    def _resolve(self, reference: str) -> tuple[str, str] | None:
        """The (type, id) of a referenced device of this source; None for any other reference."""
        return next(((kind, found) for kind in DEVICE_TYPES if (found := local_id(reference, kind, self._bases))), None)

    @property
    def needed_references(self) -> Mapping[str, frozenset[str] | None]:
        """The ids of the devices to retrieve, by resource type."""
        named: dict[str, set[str]] = {}
        for kind, identity in set(self._requested.values()):
            named.setdefault(kind, set()).add(identity)
        return {kind: frozenset(ids) for kind, ids in named.items()}

    def apply_to(self, readout: Readout, records: Mapping[str, Iterable[Record]]) -> None:
        """Applies to each fact the assessment of its device.  A device record that cannot be decoded is ignored."""
        if not (self._contained or self._requested):
            return
        looked_up: dict[tuple[str, str], DeviceAssessment] = {}
        for kind in DEVICE_TYPES:
            for record in records.get(kind, ()):
                try:
                    looked_up[kind, record.ref.id] = assess_device(DEVICE.decode(record.raw))
                except (msgspec.DecodeError, UnicodeDecodeError):
                    continue
        by_id = self._contained | {name: looked_up[key] for name, key in self._requested.items() if key in looked_up}
        for facts in readout.facts.values():
            for position, fact in enumerate(facts):
                if (found := by_id.get(fact.record.ref.id)) is not None:
                    facts[position] = apply_assessment(fact, found)


def _contained_devices(observation: Observation) -> list[Device]:
    try:
        devices = DEVICES.decode(observation.contained) if observation.contained else []
    except UNDECODABLE:
        return []
    return [each for each in devices if each.resourceType in DEVICE_TYPES]

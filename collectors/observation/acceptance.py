"""Acceptance of Observations: which of them count at all, and which are replaced by another one.

A replacement is stated by FHIR's own extension for it; the replaced Observation no longer counts.
"""

from collections.abc import Iterator

import msgspec

from collectors.observation.elements import Observation, ObservationHead
from collectors.reading.fhir_types import CodeableConcept, Reference
from collectors.reading.readout import PatientContext
from collectors.reading.records import OUR_SYSTEMS, OUR_TAG, Record
from collectors.reading.references import local_id

ACCEPTED_STATUSES = frozenset({"final", "amended", "corrected", "preliminary"})


def is_accepted(observation: Observation | ObservationHead) -> bool:
    """Whether a record is one of results about the patient, not of someone or something else, and not our own."""
    return observation.status in ACCEPTED_STATUSES and _is_patient_result(observation)


def is_pending(observation: Observation) -> bool:
    """Whether its result is asked for and not there yet: it has no value, and is only told."""
    return observation.status == "registered" and _is_patient_result(observation)


def _is_patient_result(observation: Observation | ObservationHead) -> bool:
    if observation.focus:
        return False
    return not _is_our_result(observation)


def _is_our_result(observation: Observation | ObservationHead) -> bool:
    """Whether we wrote it: by its tag, which servers were seen to drop, or by our names for what it is and how made."""
    tags = observation.meta.tag if observation.meta is not None else ()
    if any((tag.system, tag.code) == OUR_TAG for tag in tags):
        return True
    if observation.code is not None and _has_our_system(observation.code):
        return True
    # Others have a method as well, and no fault in it is to cost them their value.
    method = bytes(observation.method)
    if _OUR_HOST not in method:
        return False
    try:
        return _has_our_system(_METHOD.decode(method))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def _has_our_system(concept: CodeableConcept) -> bool:
    return any(coding.system in OUR_SYSTEMS for coding in concept.coding)


_OUR_HOST = b"medtwin.example"  # a slash may be written in two ways
_METHOD = msgspec.json.Decoder(CodeableConcept)


REPLACES = "http://hl7.org/fhir/StructureDefinition/observation-replaces"


class Extension(msgspec.Struct, gc=False):
    """An extension that may hold a reference."""

    url: str | None = None
    valueReference: Reference | None = None  # noqa: N815  (FHIR's own name)


_EXTENSIONS = msgspec.json.Decoder(list[Extension])


def replaced_ids(record: Record, observation: Observation, setting: PatientContext) -> Iterator[str]:
    """The ids of the Observations of this source that it replaces.  What is preliminary replaces nothing yet."""
    if not observation.extension or observation.status == "preliminary":
        return
    try:
        extensions = _EXTENSIONS.decode(observation.extension)
    except msgspec.DecodeError:
        return
    for each in extensions:
        if each.url == REPLACES and each.valueReference is not None:
            identity = local_id(each.valueReference.reference, "Observation", setting.source.bases)
            if identity is not None and identity != record.ref.id:
                yield identity

"""Which Observations count at all."""

import msgspec

from collectors.observation.shape import Coded, Observation
from collectors.reading.records import OUR_SYSTEMS, OUR_TAG
from collectors.reading.wire import CodeableConcept

COUNTED = frozenset({"final", "amended", "corrected", "preliminary"})


def counts(observation: Observation | Coded) -> bool:
    """Whether a record is one of results about the patient, not of someone or something else, and not our own."""
    return observation.status in COUNTED and _of_the_patient(observation)


def pending(observation: Observation) -> bool:
    """Whether its result is asked for and not there yet: it has no value, and is only told."""
    return observation.status == "registered" and _of_the_patient(observation)


def _of_the_patient(observation: Observation | Coded) -> bool:
    if observation.focus:
        return False
    return not _ours(observation)


def _ours(observation: Observation | Coded) -> bool:
    """Whether we wrote it: by its tag, which servers were seen to drop, or by our names for what it is and how made."""
    tags = observation.meta.tag if observation.meta is not None else ()
    if any((tag.system, tag.code) == OUR_TAG for tag in tags):
        return True
    if observation.code is not None and _of_our_system(observation.code):
        return True
    # Others have a method as well, and no fault in it is to cost them their value.
    method = bytes(observation.method)
    if _HOST not in method:
        return False
    try:
        return _of_our_system(_METHOD.decode(method))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def _of_our_system(concept: CodeableConcept) -> bool:
    return any(coding.system in OUR_SYSTEMS for coding in concept.coding)


_HOST = b"medtwin.example"  # a slash may be written in two ways
_METHOD = msgspec.json.Decoder(CodeableConcept)

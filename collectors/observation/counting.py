"""Which Observations count at all."""

from collectors.observation.shape import Coded, Observation
from collectors.reading.records import OUR_TAG

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
    tags = observation.meta.tag if observation.meta is not None else ()
    return all((tag.system, tag.code) != OUR_TAG for tag in tags)

"""Values that a record says it does not give, by FHIR's codes for why (data-absent-reason).

Most say that nothing is known: then an older value may be used in its place, and that is told.  Some say that there
is a value, only not to be had or not usable: an older one must not pass for it.
"""

from collections.abc import Mapping

from collectors.reading.quantities import Reading, unreadable
from collectors.reading.wire import CodeableConcept, text_of
from ontology.values import Absent, AbsentReason

SYSTEM = "http://terminology.hl7.org/CodeSystem/data-absent-reason"

UNKNOWN: Mapping[str, str] = {
    "unknown": "the value is not known",
    "asked-unknown": "it was asked for, and the answer is not known",
    "temp-unknown": "the value is not known yet",
    "not-asked": "it was not asked for",
    "asked-declined": "it was asked for, and an answer was declined",
    "not-applicable": "there is no value to be had",
    "unsupported": "the source's system cannot hold it",
    "error": "an error kept the value from being had",
    "not-performed": "the measurement was not done",
}
"""Reasons that say that nothing is known."""

KEPT: Mapping[str, str] = {
    "masked": "there is a value, which is withheld",
    "not-permitted": "there is a value, which may not be given",
    "as-text": "there is a value, in the record's text only",
    "not-a-number": "the result is no number",
    "negative-infinity": "the result is below everything that can be stated",
    "positive-infinity": "the result is above everything that can be stated",
}
"""Reasons that say that something is there which cannot be used."""


def stated_absence(reason: CodeableConcept, element: str) -> Reading:
    """What a ``dataAbsentReason`` says: recorded as unknown, or there and unreadable."""
    shown = text_of(reason)
    for coding in reason.coding:
        if coding.code is not None and coding.code in KEPT and coding.system in (SYSTEM, None):
            return unreadable(f"{element}dataAbsentReason: {KEPT[coding.code]}", shown)
    return Reading(Absent(AbsentReason.RECORDED_UNKNOWN), shown)

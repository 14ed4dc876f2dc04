"""FHIR R4 elements that several of our resources have."""

from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias

from ontology.concepts import Concept
from ontology.resources import RecordRef
from ontology.values import Coding

Json: TypeAlias = dict[str, Any]

TAGS = "https://medtwin.example/tags"
UCUM = "http://unitsofmeasure.org"
CONCEPTS = "https://medtwin.example/concepts"


def number(value: Decimal) -> float | int:
    """A JSON number; FHIR decimals are read back by their digits, which a short repr keeps."""
    return int(value) if value == value.to_integral_value() and abs(value) < 10**15 else float(value)


def instant(when: datetime) -> str:
    """A FHIR instant: with seconds and zone."""
    return when.isoformat(timespec="milliseconds" if when.microsecond else "seconds")


def coding(code: Coding) -> Json:
    """A Coding."""
    made = {"system": code.system, "code": code.code}
    return {**made, "display": code.display} if code.display else made


def codeable(system: str, code: str, display: str) -> Json:
    """A CodeableConcept of one code."""
    return {"coding": [{"system": system, "code": code, "display": display}]}


def concept_code(concept: Concept) -> Json:
    """What is told: the concept's own codes, and its name in our system."""
    ours = {"system": CONCEPTS, "code": concept.id, "display": concept.display}
    return {"coding": [*(coding(code) for code in concept.codes), ours], "text": concept.display}


def quantity(value: Decimal, unit: str) -> Json:
    """A Quantity in UCUM."""
    return {"value": number(value), "unit": unit, "system": UCUM, "code": unit}


def reference(record: RecordRef) -> Json:
    """A Reference to a record, without its version."""
    return {"reference": record.url}

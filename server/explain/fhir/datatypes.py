"""FHIR R4 elements that several of our resources have."""

from collections.abc import Iterable
from datetime import datetime, time
from decimal import Context, Decimal
from typing import Any, TypeAlias

from ontology.concepts import Concept
from ontology.resources import RecordRef
from ontology.values import Coding

Json: TypeAlias = dict[str, Any]

BASE_URL = "https://medtwin.example"
TAGS = f"{BASE_URL}/tags"
CONCEPTS = f"{BASE_URL}/concepts"
MODULES = f"{BASE_URL}/modules"
FINGERPRINTS = f"{BASE_URL}/fingerprints"
PARTS = f"{BASE_URL}/parts"
POINTS = f"{BASE_URL}/points"
EXTENSIONS = f"{BASE_URL}/fhir"
UCUM = "http://unitsofmeasure.org"
URIS = "urn:ietf:rfc:3986"

_DIGITS = Context(prec=15)


def json_number(value: Decimal) -> float | int:
    """A JSON number of at most 15 significant digits: so many, every reader of JSON has as they were written."""
    kept = _DIGITS.plus(value) if len(value.as_tuple().digits) > _DIGITS.prec else value
    return int(kept) if kept == kept.to_integral_value() and abs(kept) < 10**15 else float(kept)


def instant(when: datetime) -> str:
    """A FHIR instant: with seconds and zone."""
    return when.isoformat(timespec="milliseconds" if when.microsecond else "seconds")


def date_time(when: datetime) -> str:
    """A FHIR dateTime: the last instant of a day becomes the day, since records dated so have no time of day."""
    return when.date().isoformat() if when.time() == time.max else instant(when)


def coding(code: Coding) -> Json:
    """A Coding."""
    made = {"system": code.system, "code": code.code}
    return {**made, "display": code.display} if code.display else made


def codeable_concept(system: str, code: str, display: str) -> Json:
    """A CodeableConcept of one code."""
    return {"coding": [{"system": system, "code": code, "display": display}]}


def concept_codeable(concept: Concept) -> Json:
    """The code of a concept: its own codes, and its name in our system."""
    ours = {"system": CONCEPTS, "code": concept.id, "display": concept.display}
    return {"coding": [*(coding(code) for code in concept.codes), ours], "text": concept.display}


def quantity(value: Decimal, unit: str) -> Json:
    """A Quantity in UCUM."""
    return {"value": json_number(value), "unit": unit, "system": UCUM, "code": unit}


def range_(low: Decimal, high: Decimal, unit: str) -> Json:
    """A Range in UCUM."""
    return {"low": quantity(low, unit), "high": quantity(high, unit)}


def versioned_url(record: RecordRef) -> str:
    """The address of a record in the version that was read; without it where the source gives none."""
    return f"{record.url}/_history/{record.version}" if record.version else record.url


def references(urls: Iterable[str]) -> list[Json]:
    """References, each once."""
    return [{"reference": url} for url in dict.fromkeys(urls)]


def annotations(texts: Iterable[str]) -> list[Json]:
    """Annotations, each once."""
    return [{"text": text} for text in dict.fromkeys(texts)]


def meta_tags(codes: Iterable[str]) -> Json:
    """Meta with tags of ours.  ``medtwin-result`` keeps collectors from reading what we wrote."""
    return {"tag": [{"system": TAGS, "code": code} for code in ("medtwin-result", *codes)]}

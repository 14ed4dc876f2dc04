"""Other spellings of a code system are read by a declared table; what it does not have is another system."""

from typing import Any

import pytest

from ontology.values import Absent, Quantity
from server.catalog.concepts import read_system_aliases
from server.catalog.turtle import read_turtle
from tests.support.collector_inputs import AT, condition, facts_of, observation, quantity, slot
from tests.support.engine_questions import shipped
from tests.support.event_records import ask

UCUM = "http://unitsofmeasure.org"
# HL7's registry of external code systems, and its list of FHIR's own names, give these OIDs.
OIDS = {
    "http://loinc.org": "2.16.840.1.113883.6.1",
    "http://snomed.info/sct": "2.16.840.1.113883.6.96",
    UCUM: "2.16.840.1.113883.6.8",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "2.16.840.1.113883.6.88",
    "http://www.whocc.no/atc": "2.16.840.1.113883.6.73",
    "http://hl7.org/fhir/sid/icd-10": "2.16.840.1.113883.6.3",
    "http://hl7.org/fhir/sid/icd-10-cm": "2.16.840.1.113883.6.90",
    "http://hl7.org/fhir/sid/icd-9-cm": "2.16.840.1.113883.6.103",
    "http://hl7.org/fhir/sid/ndc": "2.16.840.1.113883.6.69",
    "http://hl7.org/fhir/sid/cvx": "2.16.840.1.113883.12.292",
}
CREATININE = shipped().concepts["serum-creatinine"]


def test_the_table() -> None:
    found = CREATININE.system_aliases
    assert {f"urn:oid:{oid}": system for system, oid in OIDS.items()}.items() <= found.items()
    assert set(found.values()) == set(OIDS) and not set(found) & set(OIDS)


def coded(system: str, **more: Any) -> dict[str, Any]:
    return observation("3.1", id="o2", code={"coding": [{"system": system, "code": "2160-0"}]}, **more)


@pytest.mark.parametrize(
    ("system", "used"),
    [
        ("http://loinc.org", "3.1"),
        ("http://loinc.org/", "3.1"),
        ("https://loinc.org", "3.1"),
        ("urn:oid:2.16.840.1.113883.6.1", "3.1"),
        ("urn:oid:2.16.840.1.113883.6.11", "0.9"),
        # In no table, but hardly anything else: not read, and no older value stands as the newest.
        ("http://loinc.org/vs", None),
        ("LOINC", None),
    ],
)
def test_a_newer_result_in_another_spelling_is_read_or_reported(system: str, used: str | None) -> None:
    newer = coded(system, effectiveDateTime="2024-05-20T08:00:00Z")
    found = facts_of(observation("0.9"), newer, concepts=(CREATININE,)).select(slot(CREATININE), AT, AT)
    assert (str(found.value.value) if isinstance(found.value, Quantity) else None) == used
    assert {issue.code for issue in found.issues} == ({"unconvertible"} if used is None else set())


@pytest.mark.parametrize(
    ("system", "read"), [(f"{UCUM}/", True), ("urn:oid:2.16.840.1.113883.6.8", True), ("urn:oid:1.2.3", False)]
)
def test_a_unit_in_another_spelling_is_read(system: str, read: bool) -> None:
    record = observation(None, valueQuantity=quantity("274.04", "umol/L", system=system))
    found = facts_of(record, concepts=(CREATININE,)).select(slot(CREATININE), AT, AT)
    assert isinstance(found.value, Absent) is not read


def test_panels_and_answers_in_another_spelling_are_read() -> None:
    oid, sct = "urn:oid:2.16.840.1.113883.6.1", "urn:oid:2.16.840.1.113883.6.96"
    level = observation(
        None,
        code={"coding": [{"system": oid, "code": "67775-7"}]},
        valueQuantity=None,
        valueCodeableConcept={"coding": [{"system": sct, "code": "248234008"}]},
    )
    concept = shipped().concepts["consciousness"]
    assert str(facts_of(level, concepts=(concept,)).select(slot(concept), AT, AT).value.code) == "248234008"  # type: ignore[union-attr]
    panel = observation(
        None, code={"coding": [{"system": oid, "code": "85354-9"}]}, valueQuantity=None, valueString="x"
    )
    pressure = shipped().concepts["systolic-bp"]
    (fact,) = facts_of(panel, concepts=(pressure,)).facts["systolic-bp"]
    assert isinstance(fact.resource.value, Absent)


@pytest.mark.parametrize(
    ("system", "code", "expected"),
    [
        ("urn:oid:2.16.840.1.113883.6.96", "49436004", True),
        ("urn:oid:2.16.840.1.113883.6.90", "I48.91", True),
        # Another diagnosis, in a system that is understood: not this one.
        ("urn:oid:2.16.840.1.113883.6.96", "38341003", False),
    ],
)
def test_a_condition_in_another_spelling_is_read(system: str, code: str, expected: bool) -> None:
    assert ask(condition(code, system), concept="atrial-fibrillation").value is expected


@pytest.mark.parametrize("alias", ["http://b", "http://a"])
def test_a_spelling_of_two_systems_is_a_fault(alias: str) -> None:
    start = "@prefix mpm: <https://medtwin.example/mpm#> . "
    turtle = (
        "<http://a> a mpm:CodeSystem ; mpm:alias 'http://x' , '%s' . <http://b> a mpm:CodeSystem ; mpm:alias '%s' ."
    )
    faults: list[str] = []
    graph, _ = read_turtle((start + turtle % (alias, alias)).encode(), "http://base/")
    read_system_aliases([graph], faults)
    assert faults

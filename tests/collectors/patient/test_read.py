"""Birth date, sex and death."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from collectors.errors import PatientNotFoundError
from collectors.gatherer import facts_from_resources
from collectors.source_facts import SourceFacts
from ontology.values import Absent, AbsentReason, Coding, Date, Value
from tests.support.collector_inputs import AT, BIRTH, PATIENT, SEX, SOURCE, issue_codes, searches, slot, with_changes

GENDER = "http://hl7.org/fhir/administrative-gender"
FOR_USE = "http://hl7.org/fhir/StructureDefinition/patient-sexParameterForClinicalUse"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-individual-sex"
CODES = "http://terminology.hl7.org/CodeSystem/sex-parameter-for-clinical-use"
ABSENT_CODES = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
UNKNOWN = Absent(AbsentReason.RECORDED_UNKNOWN)
UNREADABLE = Absent(AbsentReason.UNCONVERTIBLE)


def facts(**changes: Any) -> SourceFacts:
    return facts_from_resources(SOURCE, "p", searches(BIRTH, SEX), [with_changes(PATIENT, changes)])


def for_use(code: str, system: str = CODES, end: str | None = None) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [
        {"url": "value", "valueCodeableConcept": {"coding": [{"system": system, "code": code}]}}
    ]
    if end:
        parts.append({"url": "period", "valuePeriod": {"end": end}})
    return {"url": FOR_USE, "extension": parts}


def documented(code: str, system: str = "http://snomed.info/sct") -> dict[str, Any]:
    return {"url": US_CORE, "valueCoding": {"system": system, "code": code}}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1950-04-05", Date(date(1950, 4, 5), date(1950, 4, 5))),
        ("1952-02", Date(date(1952, 2, 1), date(1952, 2, 29))),
        ("1950", Date(date(1950, 1, 1), date(1950, 12, 31))),
        (None, Absent(AbsentReason.NOT_FOUND)),
        ("1950-02-30", UNREADABLE),
    ],
)
def test_birth_date(written: str | None, value: Value) -> None:
    (resource,) = facts(birthDate=written).gathered_facts.resources["birth-date"]
    assert resource.value == value


def test_birth_date_that_is_marked_absent() -> None:
    marked = {
        "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]
    }
    selected = facts(birthDate=None, _birthDate=marked).select(slot(BIRTH), AT, AT)
    assert selected.value == UNKNOWN
    assert issue_codes(selected) == ["recorded-unknown"]


@pytest.mark.parametrize(
    ("changes", "value", "told"),
    [
        ({}, Coding(GENDER, "female"), ["administrative-gender"]),
        ({"gender": "other"}, Coding(GENDER, "other"), ["administrative-gender"]),
        ({"gender": "unknown"}, UNKNOWN, ["recorded-unknown"]),
        # Nothing recorded, and recorded as unknown, are two things.
        ({"gender": None}, Absent(AbsentReason.NOT_FOUND), ["not-found"]),
        ({"gender": None, "_gender": {"extension": [{"url": "urn:x"}]}}, UNKNOWN, ["recorded-unknown"]),
        # US Core's documented sex stands in for a missing gender, and never replaces one that is stated.
        ({"gender": None, "extension": [documented("248153007")]}, Coding(GENDER, "male"), ["administrative-gender"]),
        (
            {"gender": "unknown", "extension": [documented("248152002")]},
            Coding(GENDER, "female"),
            ["administrative-gender"],
        ),
        ({"extension": [documented("248152002")]}, Coding(GENDER, "female"), ["administrative-gender"]),
        ({"extension": [documented("248153007")]}, Coding(GENDER, "female"), ["administrative-gender"] * 2),
        ({"extension": [documented("248153007"), for_use("female-typical")]}, Coding(GENDER, "female"), []),
        (
            {"gender": None, "extension": [documented("asked-unknown", ABSENT_CODES)]},
            Absent(AbsentReason.NOT_FOUND),
            ["not-found"],
        ),
        (
            {"gender": None, "extension": [documented("248152002"), documented("248153007")]},
            Absent(AbsentReason.NOT_FOUND),
            ["not-found"],
        ),
        ({"extension": [for_use("male-typical")]}, Coding(GENDER, "male"), []),
        ({"extension": [for_use("specified")]}, Coding(GENDER, "other"), []),
        ({"extension": [for_use("unknown", ABSENT_CODES)]}, UNKNOWN, ["recorded-unknown"]),
        ({"extension": [for_use("male-typical", "urn:x")]}, UNREADABLE, ["unconvertible"]),
        ({"extension": [for_use("male-typical"), for_use("female-typical")]}, UNREADABLE, ["unconvertible"]),
        ({"extension": [for_use("male-typical"), for_use("female-typical", end="2001")]}, Coding(GENDER, "male"), []),
        ({"extension": [for_use("female-typical", end="2001")]}, UNREADABLE, ["unconvertible"]),
    ],
)
def test_sex(changes: dict[str, Any], value: Value, told: list[str]) -> None:
    selected = facts(**changes).select(slot(SEX), AT, AT)
    assert selected.value == value
    assert issue_codes(selected) == told


def test_death_with_a_time() -> None:
    death = facts(deceasedDateTime="2024-05-01T10:00:00Z").death
    assert death is not None
    assert death.start == death.end == datetime(2024, 5, 1, 10, tzinfo=UTC)


def test_death_with_a_month() -> None:
    death = facts(deceasedDateTime="2024-05").death
    assert death is not None
    assert (death.start.date(), death.end.date()) == (date(2024, 5, 1), date(2024, 5, 31))


@pytest.mark.parametrize("changes", [{"deceasedBoolean": True}, {"deceasedDateTime": "in May"}])
def test_death_without_a_date_is_told(changes: dict[str, Any]) -> None:
    told = facts(**changes)
    assert told.death is None
    assert [issue.code for issue in told.issues] == ["death-undated"]


def test_alive_tells_nothing() -> None:
    assert facts(deceasedBoolean=False).issues == ()


def test_broken_patient_record_is_unreadable_and_says_so() -> None:
    told = facts(gender=5)
    assert told.select(slot(BIRTH), AT, AT).value in (UNREADABLE, Absent(AbsentReason.NOT_FOUND))
    assert [issue.code for issue in told.issues] == ["unreadable-record"]


def test_no_such_patient() -> None:
    with pytest.raises(PatientNotFoundError) as caught:
        facts_from_resources(SOURCE, "q-17", searches(BIRTH), [PATIENT])
    assert "q-17" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("248152002", Coding(GENDER, "female")),
        ("248153007", Coding(GENDER, "male")),
        ("asked-declined", Absent(AbsentReason.NOT_FOUND)),
    ],
)
def test_us_core_states_the_documented_sex_as_a_code(code: str, value: Value) -> None:
    """Versions 6 and 7 have ``us-core-sex`` with a code, version 8 ``us-core-individual-sex`` with a Coding."""
    for url in (US_CORE, "http://hl7.org/fhir/us/core/StructureDefinition/us-core-sex"):
        stated = facts(gender=None, extension=[{"url": url, "valueCode": code}])
        assert stated.select(slot(SEX), AT, AT).value == value
    both = [documented("248152002"), {"url": US_CORE, "valueCode": "248153007"}]
    assert facts(gender=None, extension=both).select(slot(SEX), AT, AT).value == Absent(AbsentReason.NOT_FOUND)

"""Observations that are not read for a concept: named where they could mean it, and otherwise passed over."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from collectors.facts import SlotSelection
from collectors.gatherer import facts_from_resources
from ontology.evaluation import Severity
from ontology.values import Absent, AbsentReason, Quantity
from tests.support.collector_inputs import (
    AT,
    CREATININE,
    PATIENT,
    SOURCE,
    codeable_concept,
    fill_slot,
    issue_codes,
    observation,
    searches,
    slot,
)
from tests.support.supplied_answers import answer_from, guide_records

UCUM = "http://unitsofmeasure.org"
NOT_FOUND = Absent(AbsentReason.NOT_FOUND)
LOCAL = codeable_concept("CREA", "urn:local")
YEAR = timedelta(days=365)
# The records beside nothing else, and how many could mean serum creatinine.
CASES: dict[str, tuple[list[dict[str, Any]], int]] = {
    "a local code": ([observation(code=LOCAL)], 1),
    "text alone": ([observation(code={"text": "Kreatinin i. S."})], 1),
    "several": ([observation(code=LOCAL, id=f"o{n}") for n in range(9)], 9),
    # What LOINC says of it is something else.
    "another code of LOINC": ([observation(code=codeable_concept("718-7"))], 0),
    "a local code beside one of LOINC": (
        [observation(code={"coding": [*LOCAL["coding"], {"system": "http://loinc.org", "code": "718-7"}]})], 0,
    ),
    "a local panel with components in LOINC": ([observation(code=LOCAL, component=[
        {"code": codeable_concept("718-7"), "valueQuantity": {"value": 1}}
    ])], 0),
    "of another patient": ([observation(code=LOCAL, subject={"reference": "Patient/x"})], 0),
    "in error": ([observation(code=LOCAL, status="entered-in-error")], 0),
    "later than asked for": ([observation(code=LOCAL, effectiveDateTime="2024-07-01T08:00:00Z")], 0),
    "older than asked for": ([observation(code=LOCAL, effectiveDateTime="2023-05-01T08:00:00Z")], 0),
    "undated": ([observation(code=LOCAL, effectiveDateTime=None)], 1),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_named_where_it_could_be_meant(name: str) -> None:
    records, count = CASES[name]
    found = _fill(*records)
    told = [issue for issue in found.issues if issue.code == "codes-unreadable"]
    assert found.value == NOT_FOUND
    assert [issue.text.split(" ")[0] for issue in told] == ([str(count)] if count else [])
    assert all(issue.severity is Severity.INFORMATION and issue.slot is None for issue in told)


def _fill(*records: dict[str, Any]) -> SlotSelection:
    facts = facts_from_resources(SOURCE, "p", searches(CREATININE, window=YEAR), [PATIENT, *records])
    return facts.select(slot(window=YEAR), AT, AT)


def test_not_named_where_there_is_a_value() -> None:
    found = fill_slot(observation(), observation(code=LOCAL, id="o2"))
    assert isinstance(found.value, Quantity)
    assert issue_codes(found) == []


LOINC = "http://loinc.org"
# The codings of a newer record, by system and code, and whether it is reported in place of the older value.
NEWER: dict[str, tuple[list[tuple[str | None, str]], bool]] = {
    "a name for the system": ([("LOINC", "2160-0")], True),
    "a spelling in no table": ([("HTTP://LOINC.ORG", "2160-0")], True),
    "an OID without its scheme": ([("2.16.840.1.113883.6.1", "2160-0")], True),
    "no system": ([(None, "2160-0")], True),
    "another system": ([("urn:local", "2160-0")], False),
    "another OID": ([("urn:oid:2.16.840.1.113883.6.12", "2160-0")], False),
    "beside a local code": ([("urn:local", "CREA"), (None, "2160-0")], True),
    "another code without system": ([(None, "718-7")], False),
    "beside another code of LOINC": ([(LOINC, "718-7"), (None, "2160-0")], False),
    "no code of LOINC's form": ([(None, "CREA")], False),
}


@pytest.mark.parametrize("name", NEWER)
def test_a_newer_record_in_a_misspelled_loinc_is_no_gap(name: str) -> None:
    codings, reported = NEWER[name]
    code = {"coding": [{"code": code} | ({"system": system} if system else {}) for system, code in codings]}
    old = observation("1.1", id="old", effectiveDateTime="2024-05-01T08:00:00Z")
    found = fill_slot(old, observation("3.1", id="new", code=code, effectiveDateTime="2024-05-31T08:00:00Z"))
    assert found.value == (Absent(AbsentReason.UNCONVERTIBLE) if reported else Quantity(Decimal("1.1"), "mg/dL"))
    assert issue_codes(found) == (["unconvertible"] if reported else [])
    assert all("2160-0" in issue.text and "Observation/new" in issue.text for issue in found.issues)


@pytest.mark.parametrize("panel", ["85354-9", None])
def test_a_newer_pressure_in_a_misspelled_loinc_is_no_gap(panel: str | None) -> None:
    parts = [
        {"code": codeable_concept(code, "LOINC"), "valueQuantity": {"value": value, "unit": "mm[Hg]"}}
        for code, value in (("8480-6", 82), ("8462-4", 48))
    ]
    whole = codeable_concept(panel, "LOINC") if panel else {"text": "Blood pressure"}
    times = {"subject": {"reference": "Patient/p1"}, "valueQuantity": None}
    old = observation(
        id="old", code=codeable_concept("8480-6"), effectiveDateTime="2026-06-01T08:00:00Z",
        **times | {"valueQuantity": {"value": 120, "unit": "mm[Hg]", "system": UCUM, "code": "mm[Hg]"}},
    )  # fmt: skip
    new = observation(id="new", code=whole, effectiveDateTime="2026-06-15T08:00:00Z", component=parts, **times)
    result = answer_from([{"resourceType": "Patient", "id": "p1"}, old, new], "systolic-bp")["systolic-bp"]
    assert result.value == Absent(AbsentReason.UNCONVERTIBLE)


FOCUS: dict[str, tuple[list[dict[str, str]], bool, list[str]]] = {
    "none": ([], True, []),
    "the encounter": ([{"reference": "Encounter/e1"}], True, []),
    "an absolute address": ([{"reference": "http://ehr.test/fhir/Encounter/e1/_history/2"}], True, []),
    "by its type": ([{"type": "EpisodeOfCare"}], True, []),
    "a device": ([{"reference": "Device/d1"}], False, ["not-found", "uncounted"]),
    "an encounter and a device": (
        [{"reference": "Encounter/e1"}, {"reference": "Device/d1"}], False, ["not-found", "uncounted"],
    ),
    "nothing that can be told": ([{"reference": "urn:uuid:1"}], False, ["not-found", "uncounted"]),
    # Of somebody else: as a record of another patient.
    "the child": ([{"reference": "Patient/baby"}], False, ["not-found"]),
    "a relative": ([{"reference": "RelatedPerson/r"}], False, ["not-found"]),
}  # fmt: skip


@pytest.mark.parametrize("name", FOCUS)
def test_a_focus_that_names_no_other_person(name: str) -> None:
    focus, read, told = FOCUS[name]
    found = fill_slot(observation(focus=focus or None))
    assert isinstance(found.value, Quantity) is read
    assert issue_codes(found) == told


def test_a_questionnaire_total_of_an_encounter_is_the_patients() -> None:
    result = answer_from(guide_records("10"), "phq9-total")["phq9-total"]
    assert isinstance(result.value, Quantity)
    assert result.value.value == 8


def test_one_sentence_for_all_slots_of_an_answer() -> None:
    times = {"effectiveDateTime": "2026-06-15T11:50:00Z", "subject": {"reference": "Patient/p1"}}
    local = observation(id="o1", code=LOCAL, valueQuantity=None, valueString="moist", **times)
    patient = {"resourceType": "Patient", "id": "p1", "birthDate": "1950-01-01"}
    result = answer_from([patient, local], "news2")["news2"]
    told = [issue.text for issue in result.issues if issue.code == "codes-unreadable"]
    words = "1 observation in other codes or as text could be relevant"
    assert told == [f'{words}: "CREA of urn:local" (Observation/o1).']

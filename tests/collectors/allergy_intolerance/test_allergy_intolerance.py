"""Allergies: by code or by substance, statements that there are none, and what is told of each."""

from dataclasses import replace
from typing import Any

import pytest

from collectors.assembly import Draft
from collectors.collector import ReferencedRecords, begin_reading
from collectors.gathering.multi_source import merge_drafts
from collectors.reading.readout import PatientContext, parse_record
from collectors.reading.supplied import encode_resource
from collectors.search import Search
from ontology.slots import Select, Slot
from ontology.values import Value
from tests.support.collector_inputs import AT, SNOMED, SOURCE, issue_codes
from tests.support.event_records import NOT_FOUND, ON_RECORD, ask, catalog, coding, event


def allergy(code: str = "91936005", number: int = 1, system: str = SNOMED, **changes: Any) -> dict[str, Any]:
    return event("AllergyIntolerance", id=f"a{number}", code=coding(code, system), **changes)


NONE, NO_DRUG, NO_FOOD = "716186003", "409137002", "429625007"
STATUS: dict[str, Any] = {"clinicalStatus": {"coding": [{"code": "inactive"}]}}
LOCAL = "urn:local"
Case = tuple[list[dict[str, Any]], tuple[Value, list[str]], tuple[Value, list[str]]]
# In a closed world, and in an open one.
CASES: dict[str, Case] = {
    "no known allergy": ([allergy(NONE)], (False, []), (False, [])),
    "no known drug allergy": ([allergy(NO_DRUG)], (False, []), (False, [])),
    "no known food allergy": ([allergy(NO_FOOD)], (False, ["closed-world"]), (NOT_FOUND, ["not-recorded"])),
    "none, and yet one": (
        [allergy(NONE), allergy(number=2)], (True, ["contradicted"]), (True, ["contradicted"]),
    ),
    "none once, no longer said": (
        [allergy(NONE, **STATUS)], (False, ["closed-world", "over"]), (NOT_FOUND, ["not-recorded", "over"]),
    ),
    "none, and one in a code that cannot be read": (
        [allergy(NONE), allergy("1", 2, LOCAL)],
        (ON_RECORD, ["codes-unreadable", "contradicted"]), (ON_RECORD, ["codes-unreadable", "contradicted"]),
    ),
    "none, and one that breaks FHIR's rules": (
        [allergy(NONE), allergy(number=2, foo=1)], (ON_RECORD, ["invalid-record"]), (ON_RECORD, ["invalid-record"]),
    ),
    # "Propensity to adverse reactions to drug" may mean penicillin: not listed, and still no "no" may stand beside it.
    "none, and one in a code that is not listed": (
        [allergy(NO_DRUG), allergy("419511003", 2)], (ON_RECORD, ["contradicted"]), (ON_RECORD, ["contradicted"]),
    ),
    "none, and another that is over": (
        [allergy(NO_DRUG), allergy("419511003", 2, **STATUS)], (False, []), (False, []),
    ),
    "by its substance": (
        [allergy("1", system=LOCAL, reaction=[{"substance": coding("373270004", SNOMED), "manifestation": [{}]}])],
        (True, []), (True, []),
    ),
    "the substance itself": ([allergy("373270004")], (True, []), (True, [])),
    "another allergy": ([allergy("300916003")], (False, ["closed-world"]), (NOT_FOUND, ["not-recorded"])),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    records, closed, open_ = CASES[name]
    found = ask(*records, concept="penicillin-allergy")
    assert (found.value, issue_codes(found)) == closed
    found = ask(*records, concept="penicillin-allergy", closed_world=False)
    assert (found.value, issue_codes(found)) == open_


def test_a_statement_that_there_are_none_is_a_ground() -> None:
    (resource,) = ask(allergy(NONE), concept="penicillin-allergy").resources
    assert resource.value is False
    assert resource.source is not None
    assert resource.source.id == "a1"


def test_type_category_and_criticality_are_told() -> None:
    record = allergy(type="allergy", category=["medication", "biologic"], criticality="high")
    (resource,) = ask(record, concept="penicillin-allergy").resources
    assert resource.notes == ("Category: biologic, medication", "Criticality: high", "Type: allergy")
    assert resource.status == "active, confirmed"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"primarySource": False}, "Reported: not recorded by whoever gave the vaccine."),
        ({"isSubpotent": True}, "Recorded as subpotent: the dose may not protect as meant."),
    ],
    ids=str,
)
def test_what_weakens_an_immunization_is_told(changes: dict[str, Any], told: str) -> None:
    (resource,) = ask(event("Immunization", **changes), concept="influenza-vaccination").resources
    assert resource.notes == (told,)
    (resource,) = ask(event("Immunization", primarySource=True), concept="influenza-vaccination").resources
    assert resource.notes == ()


def test_a_statement_of_one_source_does_not_rule_out_the_allergy_of_another() -> None:
    known = catalog().concepts["penicillin-allergy"]
    description = next(each for each in catalog().collectors.values() if each.origin is known.origin)
    search = Search(description, (known,), (), None)

    def part(source: str, record: dict[str, Any]) -> Draft:
        setting = PatientContext.for_patient(replace(SOURCE, id=source), "p")
        made = parse_record(encode_resource(record), setting.source)
        assert made is not None
        draft = Draft(setting)
        draft.add_readout(begin_reading([made], search, setting).finish(ReferencedRecords()), search)
        return draft

    facts = merge_drafts([part("ehr", allergy(NO_DRUG)), part("lab", allergy("419511003", 2))])
    found = facts.select(Slot("input", known, Select.ANY, True), AT, AT)
    assert (found.value, issue_codes(found)) == (ON_RECORD, ["contradicted"])
    assert "AllergyIntolerance/a2 (lab)" in found.issues[0].text

"""Family histories: whose conditions count, and that what is not recorded is a no only where all is recorded."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from collectors.facts import SlotSelection
from collectors.family_member_history.read import is_counted_relative
from collectors.gatherer import facts_from_resources
from collectors.reading.fhir_types import CodeableConcept, Coding
from collectors.search import Search
from ontology.slots import Select
from ontology.values import Absent, AbsentReason, Value
from tests.support.collector_inputs import AT, ICD10, PATIENT, SNOMED, SOURCE, codeable_concept, slot, with_changes
from tests.support.engine_questions import shipped

CATALOG = shipped()
INFARCTION = CATALOG.concepts["infarction-in-family"]
ROLES = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
UNREADABLE = Absent(AbsentReason.UNCONVERTIBLE)
NOT_FOUND = Absent(AbsentReason.NOT_FOUND)
ON_RECORD = Absent(AbsentReason.UNCONVERTIBLE)


def history(role: str | None = "FTH", code: str = "22298006", system: str = SNOMED, **changes: Any) -> dict[str, Any]:
    record = {
        "resourceType": "FamilyMemberHistory",
        "id": "f1",
        "status": "completed",
        "patient": {"reference": "Patient/p"},
        "date": "2024-01-02",
        "relationship": codeable_concept(role, ROLES) if role is not None else {"text": "father"},
        "condition": [{"code": codeable_concept(code, system)}],
    }
    return with_changes(record, changes)


def asked(*records: Mapping[str, Any], closed: bool = False) -> SlotSelection:
    search = Search(CATALOG.collectors["family-member-history"], (INFARCTION,), (), None)
    facts = facts_from_resources(SOURCE, "p", (search,), [PATIENT, *records])
    return facts.select(slot(INFARCTION, select=Select.ANY, closed_world=closed), AT, AT)


OTHER: dict[str, Any] = {"condition": [{"code": codeable_concept("73211009", SNOMED)}]}
CASES: dict[str, tuple[list[dict[str, Any]], Value]] = {
    "father": ([history()], True),
    "mother, in ICD-10": ([history("MTH", "I21.9", ICD10)], True),
    "natural sister": ([history("NSIS")], True),
    "twin brother": ([history("TWINBRO")], True),
    "identical twin": ([history("ITWIN")], True),
    "not complete, but there": ([history(status="partial")], True),
    "aunt": ([history("AUNT")], NOT_FOUND),
    "half-sister": ([history("HSIS")], NOT_FOUND),
    "half-sibling": ([history("HSIB")], NOT_FOUND),
    "grandparent": ([history("GRPRN")], NOT_FOUND),
    "great-grandparent": ([history("GGRPRN")], NOT_FOUND),
    "grandchild": ([history("GRNDCHILD")], NOT_FOUND),
    "extended family": ([history("EXT")], NOT_FOUND),
    "parent": ([history("PRN")], True),
    "some relative": ([history("FAMMEMB")], UNREADABLE),
    "relationship in words": ([history(None)], UNREADABLE),
    "relationship in another system": ([history(relationship=codeable_concept("66839005", SNOMED))], UNREADABLE),
    "another condition": ([history(**OTHER)], NOT_FOUND),
    "the second condition": (
        [history(condition=[*OTHER["condition"], {"code": codeable_concept("22298006", SNOMED)}])],
        True,
    ),
    "in error": ([history(status="entered-in-error")], NOT_FOUND),
    "of another patient": ([history(patient={"reference": "Patient/q"})], NOT_FOUND),
    "recorded later": ([history(date="2024-07-01")], NOT_FOUND),
    "undated": ([history(date=None)], UNREADABLE),
    "dated by the record": ([history(date=None, meta={"lastUpdated": "2024-01-02T00:00:00Z"})], True),
    "misdated": ([history(date="once")], UNREADABLE),
    "of another meaning": ([history(implicitRules="urn:x")], UNREADABLE),
    "mistyped": ([history(condition=5)], ON_RECORD),
    "none at all": ([], NOT_FOUND),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    records, expected = CASES[name]
    assert asked(*records).value == expected


CLOSED: dict[str, tuple[list[dict[str, Any]], Value, str]] = {
    "complete": ([history(**OTHER)], False, "closed-world"),
    "complete, and an aunt": ([history("AUNT")], False, "closed-world"),
    "nothing recorded": ([], NOT_FOUND, "incomplete"),
    "not complete": ([history(**OTHER, status="partial")], NOT_FOUND, "incomplete"),
    "one of two not complete": (
        [history(**OTHER), history(**OTHER, status="partial", id="f2")],
        NOT_FOUND,
        "incomplete",
    ),
    "a relative's health not known": (
        [history(**OTHER), history(status="health-unknown", condition=None, id="f2")],
        NOT_FOUND,
        "incomplete",
    ),
    "in another code system": ([history(code="x", system="urn:local")], ON_RECORD, "codes-unreadable"),
    "mistyped": ([history(**OTHER), history(condition=5, id="f2")], ON_RECORD, "codes-unreadable"),
    "in error alone": ([history(**OTHER, status="entered-in-error")], NOT_FOUND, "incomplete"),
}  # fmt: skip


@pytest.mark.parametrize("name", CLOSED)
def test_not_recorded_is_no_only_where_all_is_recorded(name: str) -> None:
    records, expected, code = CLOSED[name]
    found = asked(*records, closed=True)
    assert found.value == expected
    assert [issue.code for issue in found.issues] == [code]


def test_the_ground_tells_the_relative_and_the_age() -> None:
    disease = {
        "code": {"text": "heart attack", **codeable_concept("22298006", SNOMED)},
        "onsetAge": {"value": 52, "unit": "years"},
    }
    (resource,) = asked(history(condition=[disease])).resources
    assert resource.recorded == "FTH: heart attack"
    assert resource.notes == ("Onset in the relative: 52 years.",)


def test_relationships_are_those_of_the_description() -> None:
    assert {"FTH", "MTH", "SONC"} <= set(INFARCTION.relationships)
    assert not CATALOG.concepts["atrial-fibrillation"].relationships


@pytest.mark.parametrize(
    ("counted", "role", "found"),
    [
        (("MTH",), "PRN", None),
        (("MTH",), "NPRN", None),
        (("MTH",), "SIB", False),
        (("MTH",), "CHILD", False),
        (("BRO",), "SIB", None),
        (("BRO",), "PRN", False),
        (("DAU",), "NCHILD", None),
        (("MGRMTH",), "GRPRN", None),
        (("MGRMTH", "MTH"), "EXT", None),
        (("MTH",), "EXT", False),
        (("HSIS",), "HSIB", None),
        (("MTH",), "FAMMEMB", None),
        (("AUNT",), "AUNT", True),
        (("MGRMTH",), "GRMTH", None),
        (("PAUNT", "MTH"), "AUNT", None),
        (("PGRMTH",), "GRFTH", False),
        (("MTH",), "GRMTH", False),
    ],
)
def test_a_vague_role_is_unclear_only_where_it_may_be_meant(
    counted: tuple[str, ...], role: str, found: bool | None
) -> None:
    concept = replace(INFARCTION, relationships=counted)
    relationship = CodeableConcept([Coding(ROLES, role)])
    assert is_counted_relative(concept, relationship) is found

"""Records as national implementation guides ask for them: read, or shown in their own words, never passed over."""

import re

import pytest

from ontology.values import Absent, AbsentReason
from server.explain.results import AnswerResult
from tests.support.supplied_answers import answer_from, guide_records

UNCLEAR = Absent(AbsentReason.UNCONVERTIBLE)
NOT_FOUND = Absent(AbsentReason.NOT_FOUND)
# File, concept, value, and what its sentence shows.
CASES: list[tuple[str, str, object, str]] = [
    ("14", "statin", True, "yes"),
    ("14", "antihypertensive", True, "yes"),
    ("14", "metformin", NOT_FOUND, "not documented (absence not assumed)"),
    ("15", "diabetes", True, "yes"),
    ("15", "lung-cancer", True, "yes"),
    ("15", "colon-cancer", NOT_FOUND, "not documented (absence not assumed)"),
    ("15", "hypertension", NOT_FOUND, "not documented (absence not assumed)"),
    ("17", "metformin", UNCLEAR, '"109081006 of http://snomed.info/sct" (MedicationRequest/m1)'),
    ("17", "antihypertensive", UNCLEAR, '"108575001 of http://snomed.info/sct" (MedicationRequest/m2)'),
    ("24", "diabetes", UNCLEAR, '"Type 2 diabetes mellitus" (Condition/c1)'),
    ("24", "hypertension", UNCLEAR, '"Type 2 diabetes mellitus" (Condition/c1)'),
    ("24", "antihypertensive", UNCLEAR, 'by the name amlodipine: "Amlodipine 5 mg" (MedicationRequest/m1)'),
    ("24", "statin", UNCLEAR, '"Amlodipine 5 mg" (MedicationRequest/m1)'),
]


def answer(file: str, concept: str) -> AnswerResult:
    return answer_from(guide_records(file), concept)[concept]


@pytest.mark.parametrize(("file", "concept", "value", "words"), CASES)
def test_read_or_shown(file: str, concept: str, value: object, words: str) -> None:
    result = answer(file, concept)
    assert result.value == value
    assert words in result.text
    if value == UNCLEAR:
        assert re.search("not (recorded|found|documented)|No record of", result.text) is None


def test_once_an_answer_for_all_slots_of_a_list() -> None:
    """CHA2DS2-VASc has five conditions in its points and three in its applicability."""
    issues = answer("24", "cha2ds2-vasc").issues
    (told,) = [issue for issue in issues if issue.code == "codes-unreadable"]
    assert told.text.startswith("1 condition in other codes or as text could be relevant: ")
    (result,) = answer_from(guide_records("24"), "cha2ds2-vasc").values()
    assert not any(re.search("not (recorded|documented)|No record of", issue.text) for issue in result.issues)

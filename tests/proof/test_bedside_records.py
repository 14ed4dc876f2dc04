"""Faults that were reported of other systems in this field, turned on this one: each record gives what is right."""

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from collectors.errors import SuppliedRecordsError
from ontology.values import Absent, AbsentReason, Quantity, Value
from server.explain.results import AnswerResult, Status
from tests.support.collector_inputs import AT, observation, slot
from tests.support.multi_source_servers import Servers, person
from tests.support.supplied_answers import answer_from_file

RECORDS = Path(__file__).parents[1] / "cases" / "records"
FILES = {path.stem.partition("-")[0]: path for path in sorted(RECORDS.glob("*.json"))}
MISSING, PARTIAL, COMPLETE = Status.INSUFFICIENT, Status.PARTIAL, Status.COMPLETE
UNREADABLE = AbsentReason.UNCONVERTIBLE


def answers(file: str, *concepts: str, **more: Any) -> dict[str, AnswerResult]:
    return answer_from_file(FILES[file].read_bytes(), *concepts, **more)


# File, concept, value with its decimals or the reason of its absence, status, and what an issue of the answer or of a
# step says, by its code.
ANSWERS: list[tuple[str, str, str | AbsentReason, Status, dict[str, str]]] = [
    ("c05", "serum-creatinine", UNREADABLE, MISSING, {"unconvertible": "Observation/new of 2026-06-14 08:00 UTC"}),
    (
        "c05",
        "egfr",
        AbsentReason.INPUT_ABSENT,
        MISSING,
        {"unconvertible": "3.1 mg/dL; its missing status does not say"},
    ),
    ("c06", "systolic-bp", UNREADABLE, MISSING, {"unconvertible": "192/118; the value stands at the panel"}),
    ("c07", "systolic-bp", "118", COMPLETE, {"stepped-back": "Observation/new of 2026-06-14 08:00 UTC says unknown"}),
    ("c09", "serum-creatinine", "3.0", COMPLETE, {}),
    ("c12", "systolic-bp", "120", COMPLETE, {}),
    ("c14", "serum-creatinine", "1.1", COMPLETE, {}),
    ("c18", "bmi", "22.8", COMPLETE, {}),
    ("c18", "egfr", "55", COMPLETE, {}),
    ("c22", "age", AbsentReason.INPUT_ABSENT, MISSING, {"partial-birth-date": "only the month of birth"}),
    ("c24", "serum-creatinine", AbsentReason.NOT_FOUND, MISSING, {"undated": "Observation/x"}),
    ("c25", "serum-creatinine", UNREADABLE, MISSING, {"unconvertible": '"1.8" mg/dL'}),
]


def issues_of(result: AnswerResult) -> dict[str, str]:
    """The texts of the issues of an answer and of all its steps, by code."""
    grounds = [ground for step in result.chain for ground in step.grounds] + ([result.leaf] if result.leaf else [])
    found: dict[str, str] = {}
    for issue in (*result.issues, *(each for ground in grounds for each in ground.issues)):
        found[issue.code] = f"{found.get(issue.code, '')} {issue.text}"
    return found


@pytest.mark.parametrize(("file", "concept", "expected", "status", "issues"), ANSWERS)
def test_a_record_gives_what_is_right(
    file: str, concept: str, expected: str | AbsentReason, status: Status, issues: dict[str, str]
) -> None:
    result = answers(file, concept)[concept]
    assert result.status is status
    if isinstance(expected, AbsentReason):
        assert result.value == Absent(expected)
    else:
        assert isinstance(result.value, Quantity)
        digits = Decimal(expected)
        assert result.value.value.quantize(digits) == digits
    said = issues_of(result)
    for code, text in issues.items():
        assert text in said[code]


@pytest.mark.parametrize(
    ("file", "states"), [("c03", 'verificationStatus "refuted", as text only'), ("c03d", 'clinicalStatus "Resolved"')]
)
def test_a_condition_whose_status_is_not_understood_is_no_yes(file: str, states: str) -> None:
    result = answers(file, "cha2ds2-vasc", "diabetes")
    score = result["cha2ds2-vasc"]
    assert score.status is PARTIAL and "at least 0 (recorded); up to 6" in score.text
    assert result["diabetes"].value == Absent(UNREADABLE)
    assert states in issues_of(result["diabetes"])["unconvertible"]


def test_a_condition_entered_in_error_is_not_counted() -> None:
    result = answers("c04", "cha2ds2-vasc", "diabetes")
    assert "at least 0 (recorded); up to 6" in result["cha2ds2-vasc"].text
    assert result["diabetes"].value == Absent(AbsentReason.NOT_FOUND)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("c01", "2 Patient records with the id that was asked for (a.example/fhir, b.example/fhir)"),
        ("c13", "conflicting"),
    ],
)
def test_what_cannot_be_told_apart_is_refused_by_name(file: str, text: str) -> None:
    with pytest.raises(SuppliedRecordsError) as refused:
        answers(file, "age", "egfr")
    assert text in str(refused.value)


@pytest.mark.parametrize(("server", "age", "creatinine"), [("a", 66, "1.1"), ("b", 36, "3.0")])
def test_each_of_two_persons_from_the_records_of_one_server(server: str, age: int, creatinine: str) -> None:
    bundle = json.loads(FILES["c01"].read_bytes())
    other = {"a": "b", "b": "a"}[server]
    # One person's own record is left out: nothing of theirs is mixed into the other's.
    bundle["entry"] = [
        each for each in bundle["entry"] if each["fullUrl"] != f"https://{other}.example/fhir/Patient/p1"
    ]
    found = answer_from_file(json.dumps(bundle).encode(), "age", "serum-creatinine")
    assert isinstance(found["age"].value, Quantity) and int(found["age"].value.value) == age
    assert found["serum-creatinine"].value == Quantity(Decimal(creatinine), "mg/dL")
    assert (
        "1 Observation record left out: of a person who is not in the Bundle"
        in issues_of(found["age"])["wrong-subject"]
    )


# Khan SS et al., the worked example of the PREVENT equations: 14.7, 9.2 and 8.1 %.
ASSUMED: dict[str, Value] = {
    "diabetes": True,
    "current-smoker": False,
    "antihypertensive": True,
    "statin": False,
    "egfr": Quantity(Decimal(90), "mL/min/{1.73_m2}"),
    "bmi": Quantity(Decimal(35), "kg/m2"),
}
PREVENT = {"prevent-10y-total-cvd": "14.7", "prevent-10y-ascvd": "9.2", "prevent-10y-heart-failure": "8.1"}


def test_prevent_from_si_units() -> None:
    found = answers("c20", *PREVENT, assume=ASSUMED)
    for concept, expected in PREVENT.items():
        value = found[concept].value
        assert isinstance(value, Quantity) and value.value.quantize(Decimal("0.1")) == Decimal(expected)


def test_the_bounds_of_an_age_agree_with_its_words() -> None:
    result = answers("c22", "age", "egfr")
    assert "is recorded; it lies between 17.9 and 18.0 years" in result["age"].text
    assert isinstance(result["egfr"].value, Absent)


@pytest.mark.parametrize(
    ("values", "expected"),
    [(("2.0", "1.0"), Absent(AbsentReason.CONFLICTING)), (("2.0", "2.0"), Quantity(Decimal("2.0"), "mg/dL"))],
)
def test_one_id_twice_over_http_is_conflicting_as_when_handed_in(values: tuple[str, ...], expected: Value) -> None:
    records = [observation(each, id="d1") for each in values]
    facts = asyncio.run(Servers(ehr=[person(), *records]).facts())
    found = facts.select(slot(), AT, AT)
    assert found.value == expected and [issue.code for issue in found.issues][:1] in ([], ["conflicting"])


def test_the_whole_of_it_is_tried() -> None:
    tried = {file for file, *_ in ANSWERS} | {"c01", "c03", "c03d", "c04", "c11", "c13", "c20", "normal"}
    assert tried == set(FILES)

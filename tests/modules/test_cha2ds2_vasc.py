"""CHA2DS2-VASc and CHA2DS2-VA: recorded criteria count, unrecorded ones are possible."""

import pytest

from ontology.values import Absent, AbsentReason
from server.explain.short_meaning import is_said_in
from tests.support.module_inputs import (
    NOT_FOUND,
    UNREACHABLE,
    Given,
    bounds,
    caution_texts,
    evaluate_module,
    interpret_module,
    issue_codes,
    issue_texts,
    module,
    number_of,
    sex,
    unknown_texts,
)

CONDITIONS = ("heart_failure", "hypertension", "diabetes", "stroke_tia_thromboembolism", "vascular_disease")
# Whose words these are: 2024 ESC (doi:10.1093/eurheartj/ehae176) and 2023 ACC/AHA/ACCP/HRS
# (doi:10.1161/CIR.0000000000001193) ask for a vitamin K antagonist with these valves, whatever the score.
VITAMIN_K = "vitamin K antagonist whatever the score"
UNKNOWN_VALVE = "valve type or severity not recorded: it decides anticoagulant and score"
VALVES = {
    "mechanical_heart_valve": VITAMIN_K,
    "significant_mitral_stenosis": VITAMIN_K,
    "prosthetic_heart_valve": UNKNOWN_VALVE,
    "mitral_stenosis": UNKNOWN_VALVE,
}
ELIGIBLE = {"atrial_fibrillation": True, **dict.fromkeys(VALVES, False)}
NONE = {**ELIGIBLE, **dict.fromkeys(CONDITIONS, False)}
MAN = {**NONE, "age": 50, "sex": sex("male")}
WOMAN = {**NONE, "age": 50, "sex": sex("female")}
BOTH = ["cha2ds2-vasc", "cha2ds2-va"]
REFUSED = Absent(AbsentReason.NOT_APPLICABLE)


def given_for(module_id: str, given: Given) -> Given:
    return given if module_id == "cha2ds2-vasc" else {k: v for k, v in given.items() if k != "sex"}


@pytest.mark.parametrize("module_id", BOTH)
@pytest.mark.parametrize("condition", CONDITIONS)
def test_points_of_conditions(module_id: str, condition: str) -> None:
    evaluation = evaluate_module(module_id, given_for(module_id, {**MAN, condition: True}))
    assert number_of(evaluation) == (2 if condition == "stroke_tia_thromboembolism" else 1)


@pytest.mark.parametrize("module_id", BOTH)
@pytest.mark.parametrize(("age", "points"), [(64.99, 0), (65, 1), (74.99, 1), (75, 2), (95, 2)])
def test_age_bands_compare_completed_years(module_id: str, age: float, points: int) -> None:
    assert number_of(evaluate_module(module_id, given_for(module_id, {**MAN, "age": age}))) == points


def test_female_sex_alone_scores_1_and_is_low_risk() -> None:
    assert number_of(evaluate_module("cha2ds2-vasc", WOMAN)) == 1
    outcome = interpret_module("cha2ds2-vasc", WOMAN)
    assert outcome is not None
    assert outcome.coding.code == "cha2ds2-vasc-low"


@pytest.mark.parametrize(("module_id", "most"), [("cha2ds2-vasc", 9), ("cha2ds2-va", 8)])
def test_maximum(module_id: str, most: int) -> None:
    given = {**WOMAN, **dict.fromkeys(CONDITIONS, True), "age": 80}
    assert number_of(evaluate_module(module_id, given_for(module_id, given))) == most


@pytest.mark.parametrize("module_id", BOTH)
@pytest.mark.parametrize("af", [NOT_FOUND, False])
def test_refused_without_recorded_atrial_fibrillation(module_id: str, af: Absent | bool) -> None:
    evaluation = evaluate_module(module_id, given_for(module_id, {**MAN, "atrial_fibrillation": af}))
    assert evaluation.value == REFUSED
    assert "no atrial fibrillation or flutter recorded" in issue_texts(evaluation)


@pytest.mark.parametrize("module_id", BOTH)
@pytest.mark.parametrize(
    ("fibrillation", "flutter", "scored", "cautioned"),
    [
        (True, True, True, False),
        (True, NOT_FOUND, True, False),
        (NOT_FOUND, True, True, True),
        (False, True, True, True),
        (NOT_FOUND, NOT_FOUND, False, False),
        (False, False, False, False),
        (NOT_FOUND, UNREACHABLE, True, False),
    ],
)
def test_flutter_counts_as_fibrillation_with_a_caution(
    module_id: str, fibrillation: Absent | bool, flutter: Absent | bool, scored: bool, cautioned: bool
) -> None:
    given = given_for(module_id, {**MAN, "atrial_fibrillation": fibrillation, "atrial_flutter": flutter})
    evaluation = evaluate_module(module_id, given)
    assert (evaluation.value != REFUSED) is scored
    assert ("scored as atrial fibrillation" in caution_texts(evaluation)) is cautioned
    unknown = (fibrillation, flutter) == (NOT_FOUND, UNREACHABLE)
    assert ("no atrial fibrillation or flutter recorded" in unknown_texts(evaluation)) is unknown


@pytest.mark.parametrize("module_id", BOTH)
def test_atrial_fibrillation_that_cannot_be_read_is_unknown_not_absent(module_id: str) -> None:
    evaluation = evaluate_module(module_id, given_for(module_id, {**MAN, "atrial_fibrillation": UNREACHABLE}))
    assert evaluation.value != REFUSED
    assert "applicability-unknown" in issue_codes(evaluation)


@pytest.mark.parametrize("module_id", BOTH)
@pytest.mark.parametrize(("valve", "consequence"), VALVES.items())
def test_a_refusal_for_a_valve_says_what_follows(module_id: str, valve: str, consequence: str) -> None:
    refused = evaluate_module(module_id, given_for(module_id, {**MAN, valve: True}))
    assert refused.value == REFUSED
    assert issue_texts(refused).endswith(f": {consequence}")
    unknown = evaluate_module(module_id, given_for(module_id, {**MAN, valve: NOT_FOUND}))
    assert number_of(unknown) == 0
    assert "applicability-unknown" in issue_codes(unknown)
    assert consequence not in issue_texts(unknown)


@pytest.mark.parametrize("module_id", BOTH)
@pytest.mark.parametrize(
    ("exact", "general"),
    [("mechanical_heart_valve", "prosthetic_heart_valve"), ("significant_mitral_stenosis", "mitral_stenosis")],
)
@pytest.mark.parametrize("known", [True, False, NOT_FOUND, UNREACHABLE])
def test_a_code_without_type_or_severity_yields_only_to_one_that_has_it(
    module_id: str, exact: str, general: str, known: Absent | bool
) -> None:
    refused = evaluate_module(module_id, given_for(module_id, {**MAN, general: True, exact: known}))
    assert refused.value == REFUSED
    assert (VITAMIN_K in issue_texts(refused)) is (known is True)
    assert (UNKNOWN_VALVE in issue_texts(refused)) is (known is not True)


@pytest.mark.parametrize("module_id", BOTH)
@pytest.mark.parametrize("disease", ["hypertrophic_cardiomyopathy", "cardiac_amyloidosis"])
def test_a_disease_that_decides_anticoagulation_is_a_caution(module_id: str, disease: str) -> None:
    words = f"{disease.replace('_', ' ')}: anticoagulation whatever the score"
    known = evaluate_module(module_id, given_for(module_id, {**MAN, disease: True}))
    assert number_of(known) == 0
    assert words in caution_texts(known)
    assert words not in issue_texts(evaluate_module(module_id, given_for(module_id, {**MAN, disease: NOT_FOUND})))


@pytest.mark.parametrize("module_id", BOTH)
def test_refused_under_18(module_id: str) -> None:
    assert evaluate_module(module_id, given_for(module_id, {**MAN, "age": 17.5})).value == REFUSED


def test_not_recorded_is_not_no() -> None:
    given = {**ELIGIBLE, "age": 76, "sex": sex("male"), "hypertension": True}
    evaluation = evaluate_module("cha2ds2-vasc", given)
    assert number_of(evaluation) == 3
    assert bounds(evaluation) == (3, 8)
    assert "not-recorded-is-not-no" in issue_codes(evaluation)


def test_at_least_recorded_up_to_if_not_recorded_are_present() -> None:
    given = {**WOMAN, "age": 68, "hypertension": True, "heart_failure": NOT_FOUND}
    given |= {"stroke_tia_thromboembolism": NOT_FOUND}
    evaluation = evaluate_module("cha2ds2-vasc", given)
    assert bounds(evaluation) == (3, 6)
    claim = evaluation.working.claim or ""
    assert "at least 3 (recorded); up to 6 if criteria not documented are present" in claim


def test_sex_unscored_if_unknown() -> None:
    evaluation = evaluate_module("cha2ds2-vasc", {**MAN, "hypertension": True, "sex": NOT_FOUND})
    assert number_of(evaluation) == 1
    assert bounds(evaluation) == (1, 2)
    assert "sex-not-scored" in issue_codes(evaluation)
    assert "sex-not-scored" in issue_codes(evaluate_module("cha2ds2-vasc", {**MAN, "sex": sex("other")}))
    assert "sex-not-scored" not in issue_codes(evaluate_module("cha2ds2-vasc", MAN)) | issue_codes(
        evaluate_module("cha2ds2-vasc", WOMAN)
    )


def test_anticoagulation_is_told_only_where_the_missing_could_not_change_it() -> None:
    sure = {**ELIGIBLE, "age": 76, "sex": sex("male"), "hypertension": True}
    outcome = interpret_module("cha2ds2-vasc", sure)
    assert outcome is not None
    assert outcome.coding.code == "cha2ds2-vasc-high"
    assert interpret_module("cha2ds2-vasc", {**ELIGIBLE, "age": 66, "sex": sex("male")}) is None
    assert interpret_module("cha2ds2-vasc", {**MAN, "sex": NOT_FOUND, "stroke_tia_thromboembolism": True}) is None


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (MAN, "low"),
        ({**MAN, "diabetes": True}, "intermediate"),
        ({**MAN, "stroke_tia_thromboembolism": True}, "high"),
        (WOMAN, "low"),
        ({**WOMAN, "diabetes": True}, "intermediate"),
        ({**WOMAN, "stroke_tia_thromboembolism": True}, "high"),
    ],
)
def test_interpretation_differs_by_sex_in_vasc_and_agrees_with_va(given: Given, code: str) -> None:
    with_sex = interpret_module("cha2ds2-vasc", given)
    without = interpret_module("cha2ds2-va", given_for("cha2ds2-va", given))
    assert with_sex is not None
    assert without is not None
    assert with_sex.coding.code == f"cha2ds2-vasc-{code}"
    assert without.coding.code == f"cha2ds2-va-{code}"


@pytest.mark.parametrize("module_id", BOTH)
def test_history_of_counts_where_the_criterion_says_ever(module_id: str) -> None:
    ever = {slot.name for slot in module(module_id).slots if slot.ever}
    assert {"heart_failure", "hypertension", "stroke_tia_thromboembolism", "vascular_disease"} <= ever
    assert "diabetes" not in ever
    assert "mitral_stenosis" not in ever


@pytest.mark.parametrize("module_id", BOTH)
def test_no_condition_is_taken_as_absent_for_want_of_a_record(module_id: str) -> None:
    assert not any(slot.closed_world for slot in module(module_id).slots)


def test_va_does_not_read_sex() -> None:
    assert "sex" not in {slot.name for slot in module("cha2ds2-va").slots}
    assert "https://doi.org/10.1093/eurheartj/ehae176" in module("cha2ds2-va").citations


def test_where_two_guidelines_say_the_same_a_short_answer_has_it_once() -> None:
    advised = [outcome.advice for outcome in module("cha2ds2-vasc").outcomes if len(outcome.advice) > 1]
    assert len(advised) == 4
    for first, second in advised:
        assert is_said_in(first.text, second.text, but=1) != is_said_in(second.text, first.text, but=1)

"""Body mass index: adult categories for adults only."""

from decimal import Decimal

import pytest

from tests.support.module_inputs import (
    FEMALE,
    INPUT_ABSENT,
    MALE,
    between,
    caution_texts,
    evaluate_module,
    interpret_module,
    issue_codes,
    number_of,
    unknown_texts,
)

ADULT = {"weight": 80, "height": 180, "age": 40, "sex": FEMALE, "pregnancy": False}


@pytest.mark.parametrize(
    ("weight", "code"),
    [
        ("59.9", "bmi-underweight"),  # 18.49
        ("59.94", "bmi-normal"),  # 18.50
        ("80.9", "bmi-normal"),
        ("81", "bmi-pre-obese"),  # 25.00
        ("97.2", "bmi-obese-1"),  # 30.00
        ("113.4", "bmi-obese-2"),  # 35.00
        ("129.6", "bmi-obese-3"),  # 40.00
    ],
)
def test_adult_categories(weight: str, code: str) -> None:
    outcome = interpret_module("bmi", {**ADULT, "weight": weight})
    assert outcome is not None
    assert outcome.coding.code == code


def test_refuses_the_adult_categories_under_20_years() -> None:
    young = {**ADULT, "age": "19.99"}
    assert number_of(evaluate_module("bmi", young)) == number_of(evaluate_module("bmi", ADULT))
    assert interpret_module("bmi", young) is None
    assert "under 20" in caution_texts(evaluate_module("bmi", young))
    assert interpret_module("bmi", {**ADULT, "age": 20}) is not None


def test_no_category_where_the_age_is_unknown_or_straddles_20() -> None:
    unknown = {name: value for name, value in ADULT.items() if name != "age"}
    assert interpret_module("bmi", unknown) is None
    assert "Under 20 years: not documented" in unknown_texts(evaluate_module("bmi", unknown))
    assert interpret_module("bmi", {**ADULT, "age": between(19.5, 20.5, "a")}) is None


def test_caution_in_pregnancy() -> None:
    assert "pregnancy" in caution_texts(evaluate_module("bmi", {**ADULT, "pregnancy": True}))
    assert "pregnancy" not in caution_texts(evaluate_module("bmi", ADULT))


def test_pregnancy_is_not_asked_of_men() -> None:
    man = {name: value for name, value in ADULT.items() if name != "pregnancy"} | {"sex": MALE, "gender": MALE}
    assert "pregnancy" not in unknown_texts(evaluate_module("bmi", man)).lower()
    assert "Pregnancy: not documented" in unknown_texts(evaluate_module("bmi", {**man, "gender": FEMALE}))
    assert "pregnancy" in caution_texts(evaluate_module("bmi", {**man, "pregnancy": True}))


def test_a_recorded_index_is_compared_and_never_used() -> None:
    evaluation = evaluate_module("bmi", {**ADULT, "recorded": 31})
    assert number_of(evaluation) == number_of(evaluate_module("bmi", ADULT))
    assert "disagrees-with-recorded" in issue_codes(evaluation)
    assert "disagrees-with-recorded" not in issue_codes(evaluate_module("bmi", {**ADULT, "recorded": "25.5"}))


# 80 kg / (2 m)² is 20.00 kg/m²; a difference of more than 1 is reported.
@pytest.mark.parametrize(
    ("recorded", "reported"),
    [("18.99", True), ("19", False), ("19.01", False), ("20.99", False), ("21", False), ("21.01", True)],
)
def test_a_difference_of_more_than_one_is_reported(recorded: str, reported: bool) -> None:
    evaluation = evaluate_module("bmi", {**ADULT, "height": 200, "recorded": recorded})
    assert ("disagrees-with-recorded" in issue_codes(evaluation)) is reported


def test_without_height_there_is_no_index() -> None:
    assert evaluate_module("bmi", {"weight": 80, "age": 40}).value == INPUT_ABSENT
    assert evaluate_module("bmi", {**ADULT, "height": 0}).value == INPUT_ABSENT
    assert evaluate_module("bmi", {**ADULT, "height": -1}).value == INPUT_ABSENT
    assert number_of(evaluate_module("bmi", {**ADULT, "height": "0.5"})) == Decimal(3_200_000)


def test_the_working_is_in_metres_and_to_two_decimals() -> None:
    # 80 / 1.75² = 26.1224.
    evaluation = evaluate_module("bmi", {**ADULT, "height": 175})
    assert evaluation.working.warrant == "80 kg / (1.75 m)² = 26.12 kg/m²"

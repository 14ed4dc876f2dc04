"""KDIGO categories: what one value shows, and what it does not."""

import pytest

from ontology.values import Coding
from tests.support.module_inputs import (
    EGFR,
    INPUT_ABSENT,
    NOT_APPLICABLE,
    between,
    bound,
    caution_texts,
    code_of,
    creatinine,
    egfr,
    evaluate_at,
    issue_codes,
    unknown_texts,
)

G3A = {"egfr": 50, "age": 70, "dialysis": False}


def category(name: str) -> Coding:
    return Coding("https://medtwin.example/codes", name)


@pytest.mark.parametrize(("value", "expected"), [("89.99", "G2"), ("59.99", "G3a"), ("44.99", "G3b"), ("14.99", "G5")])
def test_the_egfr_is_compared_unrounded(value: str, expected: str) -> None:
    assert code_of(evaluate_at("gfr-category", {**G3A, "egfr": value})) == expected


def test_without_two_values_90_days_apart_chronicity_is_not_shown() -> None:
    for chronicity in ({}, {"chronicity": False}):
        evaluation = evaluate_at("gfr-category", {**G3A, **chronicity})
        assert code_of(evaluation) == "G3a"
        assert evaluation.working.qualifier == "chronicity not shown"
    assert evaluate_at("gfr-category", {**G3A, "chronicity": True}).working.qualifier is None


def test_g1_and_g2_without_a_marker_of_damage_is_not_ckd() -> None:
    for albuminuria in ({}, {"albuminuria": category("A1")}):
        qualifier = evaluate_at("gfr-category", {**G3A, "egfr": 75, **albuminuria}).working.qualifier or ""
        assert "not chronic kidney disease without a marker" in qualifier
        assert "chronicity" not in qualifier
    marked = evaluate_at("gfr-category", {**G3A, "egfr": 75, "albuminuria": category("A2")})
    assert marked.working.qualifier is None
    assert "albuminuria-is-a-marker" in issue_codes(marked)


def test_gfr_category_refused_under_18_and_on_dialysis() -> None:
    assert evaluate_at("gfr-category", {**G3A, "age": 17}).value == NOT_APPLICABLE
    assert evaluate_at("gfr-category", {**G3A, "dialysis": True}).value == NOT_APPLICABLE
    assert "dialysis" in unknown_texts(evaluate_at("gfr-category", {"egfr": 50, "age": 70}))


def test_an_egfr_between_limits_decides_only_within_one_category() -> None:
    assert code_of(evaluate_at("gfr-category", {**G3A, "egfr": between(46, 58, EGFR)})) == "G3a"
    undecided = evaluate_at("gfr-category", {**G3A, "egfr": between(41.28, 55.15, EGFR)})
    assert undecided.value == INPUT_ABSENT
    assert any("G3a or G3b" in issue.text for issue in undecided.issues)


def test_without_a_category_nothing_is_said_of_it() -> None:
    assert evaluate_at("gfr-category", {"age": 70}).working.qualifier is None


def test_no_uacr_albuminuria_unknown() -> None:
    assert evaluate_at("albuminuria-category", {"age": 70}).value == INPUT_ABSENT


@pytest.mark.parametrize(
    ("comparator", "value", "expected"), [("<", 5, "A1"), ("<", 30, "A1"), (">", 300, "A3"), (">", 5000, "A3")]
)
def test_a_bound_decides_where_it_lies_in_one_category(comparator: str, value: float, expected: str) -> None:
    evaluation = evaluate_at("albuminuria-category", {"uacr": bound(comparator, value, "mg/g"), "age": 70})
    assert code_of(evaluation) == expected


def test_a_bound_across_categories_decides_nothing() -> None:
    assert evaluate_at("albuminuria-category", {"uacr": bound("<", 100, "mg/g"), "age": 70}).value == INPUT_ABSENT


def test_one_raised_ratio_is_to_be_confirmed() -> None:
    assert "confirm-albuminuria" in issue_codes(evaluate_at("albuminuria-category", {"uacr": 31, "age": 70}))
    assert "confirm-albuminuria" not in issue_codes(evaluate_at("albuminuria-category", {"uacr": 12, "age": 70}))


def test_albuminuria_cautioned_under_18() -> None:
    assert "under 18" in caution_texts(evaluate_at("albuminuria-category", {"uacr": 12, "age": 12}))


def chronicity(*points: tuple[float, float], scr: tuple[tuple[float, float], ...] | None = None):
    steady = tuple((day, 1.5) for day, _ in points)
    given = {"egfr": egfr(*points), "creatinine": creatinine(*(scr or steady)), "age": 70, "dialysis": False}
    return evaluate_at("ckd-chronicity", given)


def test_chronicity_needs_two_values_at_least_90_days_apart() -> None:
    assert chronicity((0, 50), (90, 52)).value is True
    assert chronicity((0, 50), (89, 52)).value == INPUT_ABSENT
    assert chronicity((0, 50)).value == INPUT_ABSENT


def test_a_value_of_60_between_breaks_the_run() -> None:
    assert chronicity((0, 50), (60, 62), (120, 52)).value is False
    assert chronicity((0, 50), (10, 62), (120, 52), (150, 52)).value == INPUT_ABSENT
    assert chronicity((0, 80), (10, 50), (120, 52)).value is True


def test_not_enough_values_is_never_false() -> None:
    # A normal value 100 days back says nothing of the time since.
    assert chronicity((0, 80), (100, 50)).value == INPUT_ABSENT
    assert chronicity((0, 80), (30, 50)).value is False


def test_values_in_acute_kidney_injury_do_not_count() -> None:
    scr = ((0, 1.0), (1, 2.0), (3, 2.4), (100, 1.0))
    points = ((0, 85), (1, 38), (3, 30), (100, 85))
    evaluation = chronicity(*points, scr=scr)
    assert evaluation.value is False
    assert "acute-values-left-out" in issue_codes(evaluation)
    # Two injuries three months apart are no chronic disease.
    scr = ((0, 1.0), (1, 2.0), (94, 1.0), (95, 2.0))
    assert chronicity((0, 85), (1, 38), (94, 85), (95, 38), scr=scr).value is False


def test_only_values_in_acute_kidney_injury_tell_nothing() -> None:
    scr = ((0, 1.0), (1, 2.0), (2, 2.4))
    evaluation = chronicity((1, 38), (2, 30), scr=scr)
    assert evaluation.value == INPUT_ABSENT
    assert "too-few-values" in issue_codes(evaluation)


def test_chronicity_refused_on_dialysis() -> None:
    given = {"egfr": egfr((0, 10), (100, 10)), "creatinine": creatinine((0, 5), (100, 5)), "dialysis": True}
    assert evaluate_at("ckd-chronicity", given).value == NOT_APPLICABLE

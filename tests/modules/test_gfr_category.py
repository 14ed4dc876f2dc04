"""KDIGO categories of the GFR: what one value shows, and what it does not."""

import pytest

from ontology.values import Coding
from tests.support.module_inputs import (
    EGFR,
    INPUT_ABSENT,
    NOT_APPLICABLE,
    between,
    code_of,
    evaluate_module,
    issue_codes,
    unknown_texts,
)

G3A = {"egfr": 50, "age": 70, "dialysis": False}


def category(name: str) -> Coding:
    return Coding("https://medtwin.example/codes", name)


@pytest.mark.parametrize(("value", "expected"), [("89.99", "G2"), ("59.99", "G3a"), ("44.99", "G3b"), ("14.99", "G5")])
def test_the_egfr_is_compared_unrounded(value: str, expected: str) -> None:
    assert code_of(evaluate_module("gfr-category", {**G3A, "egfr": value})) == expected


def test_without_two_values_90_days_apart_chronicity_is_not_shown() -> None:
    for chronicity in ({}, {"chronicity": False}):
        evaluation = evaluate_module("gfr-category", {**G3A, **chronicity})
        assert code_of(evaluation) == "G3a"
        assert evaluation.working.qualifier == "chronicity not shown"
    assert evaluate_module("gfr-category", {**G3A, "chronicity": True}).working.qualifier is None


def test_g1_and_g2_without_a_marker_of_damage_is_not_ckd() -> None:
    for albuminuria in ({}, {"albuminuria": category("A1")}):
        qualifier = evaluate_module("gfr-category", {**G3A, "egfr": 75, **albuminuria}).working.qualifier or ""
        assert "CKD only with a marker of kidney damage" in qualifier
        assert "chronicity" not in qualifier
    marked = evaluate_module("gfr-category", {**G3A, "egfr": 75, "albuminuria": category("A2")})
    assert marked.working.qualifier is None
    assert "albuminuria-is-a-marker" in issue_codes(marked)


def test_gfr_category_refused_under_18_and_on_dialysis() -> None:
    assert evaluate_module("gfr-category", {**G3A, "age": 17}).value == NOT_APPLICABLE
    assert evaluate_module("gfr-category", {**G3A, "dialysis": True}).value == NOT_APPLICABLE
    assert "Dialysis: not documented" in unknown_texts(evaluate_module("gfr-category", {"egfr": 50, "age": 70}))


def test_an_egfr_between_limits_decides_only_within_one_category() -> None:
    assert code_of(evaluate_module("gfr-category", {**G3A, "egfr": between(46, 58, EGFR)})) == "G3a"
    undecided = evaluate_module("gfr-category", {**G3A, "egfr": between(41.28, 55.15, EGFR)})
    assert undecided.value == INPUT_ABSENT
    assert any("G3a or G3b" in issue.text for issue in undecided.issues)


def test_without_a_category_nothing_is_said_of_it() -> None:
    assert evaluate_module("gfr-category", {"age": 70}).working.qualifier is None

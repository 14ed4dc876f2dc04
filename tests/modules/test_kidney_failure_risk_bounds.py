"""KFRE: which inputs only bound the risk, between which limits, and how it is said."""

from decimal import Decimal
from typing import Any

import pytest

from modules.kidney_failure_risk.evaluate import risk
from ontology.values import Coding
from tests.support.module_inputs import (
    EGFR,
    FEMALE,
    INPUT_ABSENT,
    KFRE_EXPECTED,
    KFRE_WOMAN,
    MALE,
    OTHER,
    between,
    bound,
    bounds,
    evaluate_module,
    interpret_module,
    issue_codes,
    issue_texts,
    kfre_without,
    number_of,
)

FIVE = "kidney-failure-risk-5y"


def test_region_unset_gives_both_as_bounds() -> None:
    evaluation = evaluate_module(FIVE, kfre_without("north_america"))
    assert evaluation.value == INPUT_ABSENT
    elsewhere = number_of(evaluate_module(FIVE, {**KFRE_WOMAN, "north_america": False}))
    assert bounds(evaluation) == (elsewhere, KFRE_EXPECTED)


def test_a_ratio_known_as_a_bound_never_enters_a_logarithm() -> None:
    evaluation = evaluate_module(FIVE, {**KFRE_WOMAN, "uacr": bound("<", 5, "mg/g")})
    assert evaluation.value == INPUT_ABSENT
    assert bounds(evaluation) == (Decimal(0), number_of(evaluate_module(FIVE, {**KFRE_WOMAN, "uacr": 5})))
    assert "uacr-bound" in issue_codes(evaluation)
    above = evaluate_module(FIVE, {**KFRE_WOMAN, "uacr": bound(">", 3000, "mg/g")})
    assert bounds(above) == (number_of(evaluate_module(FIVE, {**KFRE_WOMAN, "uacr": 3000})), Decimal(100))


@pytest.mark.parametrize("uacr", [0, -1, "0.0"])
def test_a_ratio_of_zero_or_less_is_a_bound(uacr: float) -> None:
    evaluation = evaluate_module(FIVE, {**KFRE_WOMAN, "uacr": uacr})
    assert evaluation.value == INPUT_ABSENT
    assert bounds(evaluation) == (Decimal(0), number_of(evaluate_module(FIVE, {**KFRE_WOMAN, "uacr": 30})))
    assert "30 mg/g" in issue_texts(evaluation)


# The ratio, and between which ratios the risk must lie; None is no limit, so 0 or 100 %.
@pytest.mark.parametrize(
    ("uacr", "low", "high"),
    [
        (bound("<", -1, "mg/g"), None, 30),
        (bound("<=", 0, "mg/g"), None, 30),
        (bound("<", 0.5, "mg/g"), None, "0.5"),
        (bound("<", 1, "mg/g"), None, 1),
        (bound(">=", -1, "mg/g"), None, None),
        (bound(">", 0, "mg/g"), None, None),
        (bound(">", 0.5, "mg/g"), "0.5", None),
        (bound(">", 1, "mg/g"), 1, None),
        (0, None, 30),
        ("0.5", "0.5", "0.5"),
        (1, 1, 1),
    ],
)
def test_a_ratio_around_zero(uacr: Any, low: str | None, high: str | None) -> None:
    def limit(ratio: str | None, end: int) -> Decimal:
        return Decimal(end) if ratio is None else risk(Decimal(72), "female", Decimal(28), Decimal(ratio), 0.9240)

    evaluation = evaluate_module(FIVE, {**KFRE_WOMAN, "uacr": uacr})
    if low == high and low is not None:
        assert number_of(evaluation) == limit(low, 0)
    else:
        assert evaluation.value == INPUT_ABSENT
        assert bounds(evaluation) == (limit(low, 0), limit(high, 100))


KNOWN, ZERO, SEX = (
    "he albumin-creatinine ratio is reported only as < 800 mg/g",
    "n albumin-creatinine ratio of zero or less is read as below 30 mg/g",
    "he equation requires female or male sex",
)


@pytest.mark.parametrize(
    ("uacr", "sex", "code", "text"),
    [
        (bound("<", 800, "mg/g"), FEMALE, "uacr-bound", f"T{KNOWN}"),
        (bound("<", 800, "mg/g"), OTHER, "uacr-bound", f"T{KNOWN}; t{SEX}"),
        (0, FEMALE, "uacr-bound", f"A{ZERO}"),
        (0, OTHER, "uacr-bound", f"A{ZERO}; t{SEX}"),
        ("0.5", OTHER, "sex-undetermined", f"T{SEX}"),
        (1, OTHER, "sex-undetermined", f"T{SEX}"),
    ],
)
def test_why_there_are_only_bounds(uacr: Any, sex: Coding, code: str, text: str) -> None:
    evaluation = evaluate_module(FIVE, {**KFRE_WOMAN, "uacr": uacr, "sex": sex})
    assert [issue.text for issue in evaluation.issues if issue.code == code] == [text]


# At 800 mg/g the published risk of this woman is 28.03 %.
@pytest.mark.parametrize(("comparator", "between"), [("<", "0.0 % to 28.0 %"), (">", "28.0 % to 100.0 %")])
def test_the_working_says_between_which_risks(comparator: str, between: str) -> None:
    working = evaluate_module(FIVE, {**KFRE_WOMAN, "uacr": bound(comparator, 800, "mg/g")}).working
    assert f"Within 5 years: {between}." in working.warrant


def test_without_albuminuria_there_is_no_risk_and_no_bound() -> None:
    evaluation = evaluate_module(FIVE, kfre_without("uacr"))
    assert evaluation.value == INPUT_ABSENT
    assert evaluation.bounds is None


def test_sex_unknown_or_other_gives_bounds() -> None:
    both = (KFRE_EXPECTED, number_of(evaluate_module(FIVE, {**KFRE_WOMAN, "sex": MALE})))
    assert bounds(evaluate_module(FIVE, kfre_without("sex"))) == both
    evaluation = evaluate_module(FIVE, {**KFRE_WOMAN, "sex": OTHER})
    assert evaluation.value == INPUT_ABSENT
    assert bounds(evaluation) == both


def test_an_egfr_known_between_limits_gives_bounds() -> None:
    evaluation = evaluate_module(FIVE, {**KFRE_WOMAN, "egfr": between(20, 28, EGFR)})
    assert bounds(evaluation) == (KFRE_EXPECTED, number_of(evaluate_module(FIVE, {**KFRE_WOMAN, "egfr": 20})))


def test_a_bound_that_lies_in_one_band_is_interpreted() -> None:
    outcome = interpret_module(FIVE, {**KFRE_WOMAN, "egfr": 55, "uacr": bound("<", 5, "mg/g")})
    assert outcome is not None
    assert outcome.coding.code == "kfre-5y-below-3"

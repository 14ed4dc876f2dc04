"""KDIGO categories of albuminuria: what one ratio shows, and what it does not."""

import pytest

from tests.support.module_inputs import (
    INPUT_ABSENT,
    bound,
    caution_texts,
    code_of,
    evaluate_module,
    issue_codes,
)


def test_no_uacr_albuminuria_unknown() -> None:
    assert evaluate_module("albuminuria-category", {"age": 70}).value == INPUT_ABSENT


@pytest.mark.parametrize(
    ("comparator", "value", "expected"), [("<", 5, "A1"), ("<", 30, "A1"), (">", 300, "A3"), (">", 5000, "A3")]
)
def test_a_bound_decides_where_it_lies_in_one_category(comparator: str, value: float, expected: str) -> None:
    evaluation = evaluate_module("albuminuria-category", {"uacr": bound(comparator, value, "mg/g"), "age": 70})
    assert code_of(evaluation) == expected


def test_a_bound_across_categories_decides_nothing() -> None:
    assert evaluate_module("albuminuria-category", {"uacr": bound("<", 100, "mg/g"), "age": 70}).value == INPUT_ABSENT


def test_one_raised_ratio_is_to_be_confirmed() -> None:
    assert "confirm-albuminuria" in issue_codes(evaluate_module("albuminuria-category", {"uacr": 31, "age": 70}))
    assert "confirm-albuminuria" not in issue_codes(evaluate_module("albuminuria-category", {"uacr": 12, "age": 70}))


def test_albuminuria_cautioned_under_18() -> None:
    assert "under 18" in caution_texts(evaluate_module("albuminuria-category", {"uacr": 12, "age": 12}))

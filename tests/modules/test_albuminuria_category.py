"""KDIGO categories of albuminuria: what one ratio shows, and what it does not."""

import pytest

from ontology.values import Absent, Coding
from tests.support.module_inputs import (
    INPUT_ABSENT,
    NOT_APPLICABLE,
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


CONFIRMATION = {
    "albuminuria-single": "confirm-albuminuria",
    "albuminuria-unconfirmed": "albuminuria-not-confirmed",
    "albuminuria-confirmed": "albuminuria-confirmed",
}


@pytest.mark.parametrize(("state", "issue"), CONFIRMATION.items())
@pytest.mark.parametrize(("uacr", "said"), [("29.9", False), (30, True), (301, True)])
def test_an_increased_ratio_says_whether_it_is_confirmed(state: str, issue: str, uacr: str | int, said: bool) -> None:
    persistence = Coding("https://medtwin.example/codes", state)
    codes = issue_codes(evaluate_module("albuminuria-category", {"uacr": uacr, "age": 70, "persistence": persistence}))
    assert codes & set(CONFIRMATION.values()) == ({issue} if said else set())
    assert "albuminuria-confirmation-unknown" not in codes


@pytest.mark.parametrize("persistence", [INPUT_ABSENT, NOT_APPLICABLE])
def test_what_is_not_known_to_be_confirmed_is_not_called_the_only_one(persistence: Absent) -> None:
    given = {"uacr": 31, "age": 70, "persistence": persistence}
    codes = issue_codes(evaluate_module("albuminuria-category", given))
    assert "albuminuria-confirmation-unknown" in codes
    assert not codes & set(CONFIRMATION.values())


def test_albuminuria_cautioned_under_18() -> None:
    assert "under 18" in caution_texts(evaluate_module("albuminuria-category", {"uacr": 12, "age": 12}))

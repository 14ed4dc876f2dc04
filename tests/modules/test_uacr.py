"""The ratio of one specimen: what is recorded first, what is computed, what is a bound, and where the two disagree."""

from decimal import Decimal

import pytest

from ontology.evaluation import Evaluation
from ontology.values import Absent, AbsentReason, Bound
from tests.support.module_inputs import (
    INPUT_ABSENT,
    NOT_FOUND,
    Given,
    bound,
    evaluate_module,
    issue_codes,
    issue_texts,
    module,
    number_of,
)


def ratio(**given: object) -> Evaluation:
    return evaluate_module("uacr", given)


def test_it_is_of_one_specimen_and_no_way_to_it_is_required() -> None:
    group = module("uacr").one_specimen
    assert group is not None
    assert (group.result, group.parts) == ("recorded", ("albumin", "creatinine"))
    assert all(slot.alternative and slot.accepts_bound for slot in module("uacr").slots)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        # 100 times mg/L over mg/dL is mg/g, by hand.
        ({"albumin": 60, "creatinine": 150}, Decimal(40)),
        ({"albumin": 100, "creatinine": "113.12"}, Decimal("88.401697")),
        ({"albumin": 0, "creatinine": 100}, Decimal(0)),
        ({"recorded": 45, "albumin": 50, "creatinine": 100}, Decimal(45)),
        ({"recorded": 0, "albumin": 5, "creatinine": 100}, Decimal(0)),
    ],
)
def test_the_recorded_ratio_comes_first(given: Given, expected: Decimal) -> None:
    assert number_of(evaluate_module("uacr", given)) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"recorded": bound("<", 5, "mg/g")}, Bound("<", Decimal(5), "mg/g")),
        ({"recorded": bound(">", 3000, "mg/g")}, Bound(">", Decimal(3000), "mg/g")),
        ({"albumin": bound("<", 3, "mg/L"), "creatinine": 100}, Bound("<", Decimal(3), "mg/g")),
        (
            {"albumin": bound("<", 3, "mg/L"), "creatinine": bound(">", 200, "mg/dL")},
            Bound("<", Decimal("1.5"), "mg/g"),
        ),
        ({"albumin": bound(">", 500, "mg/L"), "creatinine": 100}, Bound(">", Decimal(500), "mg/g")),
        ({"albumin": 30, "creatinine": bound("<", 100, "mg/dL")}, Bound(">", Decimal(30), "mg/g")),
        ({"albumin": bound("<", 3, "mg/L"), "creatinine": bound("<", 100, "mg/dL")}, INPUT_ABSENT),
        ({"albumin": 30}, INPUT_ABSENT),
        ({"creatinine": 100}, INPUT_ABSENT),
        ({"albumin": 30, "creatinine": 0}, INPUT_ABSENT),
        ({}, INPUT_ABSENT),
        ({"recorded": Absent(AbsentReason.UNCONVERTIBLE)}, Absent(AbsentReason.UNCONVERTIBLE)),
        ({"recorded": Absent(AbsentReason.STALE)}, INPUT_ABSENT),
    ],
)
def test_bounds_and_what_is_missing(given: Given, expected: Bound | Absent) -> None:
    assert evaluate_module("uacr", given).value == expected


@pytest.mark.parametrize(
    ("recorded", "computed", "disagree"),
    [
        # 20 % of the recorded ratio, inside one category.
        (100, "119.9", False),
        (100, "120", False),
        (100, "120.1", True),
        (100, "80", False),
        (100, "79.9", True),
        # Another category, however near.
        ("29.9", "30", True),
        ("30", "29.9", True),
        ("300", "300.1", True),
        ("300.1", "300", True),
        (30, 30, False),
        # Of bounds: only where they exclude each other.
        (bound("<", 5, "mg/g"), 4, False),
        (bound("<", 5, "mg/g"), 12, True),
        (bound(">", 300, "mg/g"), 400, False),
        (bound(">", 300, "mg/g"), 200, True),
        (0, 12, False),
    ],
)
def test_disagreement_of_what_is_recorded_and_computed(
    recorded: float | str | Bound, computed: float | str, disagree: bool
) -> None:
    evaluation = ratio(recorded=recorded, albumin=computed, creatinine=100)
    assert ("uacr-disagrees" in issue_codes(evaluation)) is disagree
    if disagree:
        assert "same specimen" in issue_texts(evaluation)


def test_one_part_disagrees_with_nothing() -> None:
    assert not issue_codes(ratio(recorded=10, albumin=5000, creatinine=NOT_FOUND))

"""Chronicity of kidney disease: two values 90 days apart, none of them in acute kidney injury."""

import pytest

from ontology.evaluation import Evaluation
from ontology.series import series_of_periods
from tests.support.module_inputs import (
    INPUT_ABSENT,
    NOT_APPLICABLE,
    creatinine,
    day,
    egfr,
    evaluate_module,
    issue_codes,
)


def chronicity(
    *points: tuple[float, float],
    scr: tuple[tuple[float, float], ...] | None = None,
    dialysed: tuple[tuple[float, float], ...] = (),
) -> Evaluation:
    steady = tuple((day, 1.5) for day, _ in points)
    given = {"egfr": egfr(*points), "creatinine": creatinine(*(scr or steady)), "age": 70, "dialysis": False}
    if dialysed:
        given["times_on_dialysis"] = series_of_periods((day(start), day(end)) for start, end in dialysed)
    return evaluate_module("ckd-chronicity", given)


def test_chronicity_needs_two_values_at_least_90_days_apart() -> None:
    assert chronicity((0, 50), (90, 52)).value is True
    assert chronicity((0, 50), (89, 52)).value == INPUT_ABSENT
    assert chronicity((0, 50)).value == INPUT_ABSENT


def test_a_value_of_60_between_breaks_the_run() -> None:
    assert chronicity((0, 50), (60, 62), (120, 52)).value is False
    assert chronicity((0, 50), (10, 62), (120, 52), (150, 52)).value == INPUT_ABSENT
    assert chronicity((0, 80), (10, 50), (120, 52)).value is True


def test_sixty_is_not_decreased() -> None:
    assert chronicity((0, 59.99), (90, 59.99)).value is True
    assert chronicity((0, 60), (90, 59.99)).value == INPUT_ABSENT
    assert chronicity((1, 60), (90, 59.99)).value is False
    assert chronicity((0, 59.99), (90, 60)).value is False


def test_the_working_names_the_first_and_the_last_value() -> None:
    warrant = chronicity((0, 50), (40, 51), (90, 52)).working.warrant
    assert warrant.startswith("Below 60 from 50 on 2024-01-01 to 52 on 2024-03-31, 3 values,")


def test_not_enough_values_is_never_false() -> None:
    # A normal value 100 days back says nothing of the time since.
    assert chronicity((0, 80), (100, 50)).value == INPUT_ABSENT
    assert chronicity((0, 80), (30, 50)).value is False


@pytest.mark.parametrize(
    ("points", "scr", "expected"),
    [
        (((0, 110), (90, 110)), None, "No GFR below 60 on record since 2023-"),
        (((0, 50), (90, 60)), None, "No GFR below 60 on record since 2023-"),
        (((0, 80), (30, 50)), None, "GFR below 60 for less than 90 days: it was 80 on 2023-"),
        # A value within acute kidney injury is on record, and below 60.
        (((0, 85), (1, 38)), ((0, 1.0), (1, 2.0)), "GFR not below 60: it was 85 on 2023-"),
        (((0, 50), (90, 50)), None, "GFR below 60 for at least 90 days"),
    ],
)
def test_the_claim_says_what_was_and_when(
    points: tuple[tuple[float, float], ...], scr: tuple[tuple[float, float], ...] | None, expected: str
) -> None:
    found = chronicity(*points, scr=scr).working.claim or ""
    assert expected.replace("2023-", "") in found
    assert "lasted" not in found


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


@pytest.mark.parametrize(
    ("normal", "expected"),
    [
        # Dialysis lowers creatinine: the 85 of those days is no recovery.  From day 40 to 50, and the 7 days after it.
        (39, False),
        (40, True),
        (50, True),
        (57, True),
        (58, False),
    ],
)
def test_values_on_dialysis_do_not_count(normal: float, expected: bool) -> None:
    evaluation = chronicity((0, 40), (normal, 85), (95, 40), (129, 40), dialysed=((40, 50),))
    assert (evaluation.value is True) is expected
    assert ("dialysis-values-left-out" in issue_codes(evaluation)) is expected


def test_creatinine_on_dialysis_is_no_reference_of_an_injury() -> None:
    """1.5 after 0.6 on dialysis is no acute injury, so that the values after it count."""
    points = ((0, 50), (45, 100), (60, 50), (95, 50))
    scr = ((0, 1.5), (45, 0.6), (60, 1.5), (95, 1.5))
    assert chronicity(*points, scr=scr, dialysed=((44, 46),)).value is True
    assert "acute-values-left-out" not in issue_codes(chronicity(*points, scr=scr, dialysed=((44, 46),)))


def test_chronicity_refused_on_dialysis() -> None:
    given = {"egfr": egfr((0, 10), (100, 10)), "creatinine": creatinine((0, 5), (100, 5)), "dialysis": True}
    assert evaluate_module("ckd-chronicity", given).value == NOT_APPLICABLE

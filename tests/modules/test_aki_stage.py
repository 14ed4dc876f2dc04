"""AKI by creatinine: criteria, baselines, and what is never called "no injury"."""

from typing import Any

import pytest

from ontology.evaluation import Evaluation
from tests.support.module_inputs import (
    INPUT_ABSENT,
    NOT_APPLICABLE,
    caution_texts,
    code_of,
    creatinine,
    day,
    evaluate_module,
    issue_codes,
    issue_texts,
)

NONE = "aki-criteria-not-met"


def stage(*points: tuple[float, str | float], at: float | None = None, **more: Any) -> Evaluation:
    when = day(points[-1][0] + 0.1 if at is None else at)
    return evaluate_module("aki-stage", {"creatinine": creatinine(*points), "age": 60, "dialysis": False, **more}, when)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (((0, 1.0), (2, 1.3)), "aki-stage-1"),  # 0.3 within 48 hours
        (((0, 1.0), (2, 1.29)), NONE),
        (((0, 1.0), (2.1, 1.3)), NONE),  # 0.3, but slower
        (((0, 1.0), (7, 1.5)), "aki-stage-1"),
        (((0, 1.0), (7, 1.49)), NONE),
        (((0, 1.0), (7, 1.99)), "aki-stage-1"),
        (((0, 1.0), (7, 2.0)), "aki-stage-2"),
        (((0, 1.0), (7, 2.99)), "aki-stage-2"),
        (((0, 1.0), (7, 3.0)), "aki-stage-3"),
    ],
)
def test_criteria_and_stages(points: tuple[tuple[float, float], ...], expected: str) -> None:
    assert code_of(stage(*points)) == expected


def test_4_mg_is_stage_3_only_once_criteria_are_met() -> None:
    assert code_of(stage((-100, 4.2), (0, 4.2), (3, 4.3))) == NONE
    assert code_of(stage((-100, 3.8), (0, 3.8), (2, 4.1))) == "aki-stage-3"
    assert code_of(stage((-100, 3.8), (0, 3.6), (2, 3.9))) == "aki-stage-1"


def test_limits_hold_in_molar_units_as_published() -> None:
    # 26.5 µmol/L more than 88.4 µmol/L, and 353.6 µmol/L, at 88.42 µmol/L for a mg/dL.
    assert code_of(stage((0, "0.99977"), (2, "1.29948"))) == "aki-stage-1"
    assert code_of(stage((0, "3.6"), (2, "3.99909"))) == "aki-stage-3"


def test_baseline_is_the_lowest_of_7_days_and_named() -> None:
    warrant = stage((-200, 0.9), (0, 1.2), (2, 1.0), (5, 1.6)).working.warrant
    assert "1.0 mg/dL (lowest value of the 7 days before, 2024-01-03)" in warrant


def test_else_the_median_of_days_8_to_365_and_named() -> None:
    evaluation = stage((-360, 9.0), (-200, 1.0), (-100, 1.1), (-20, 1.2), (-9, 0.9), (0, 2.3))
    assert code_of(evaluation) == "aki-stage-2"
    warrant = evaluation.working.warrant
    assert "1.1 mg/dL (median of days 8 to 365 before" in warrant
    assert "2023-01-06 to 2023-12-23" in warrant


def test_values_of_more_than_a_year_ago_are_no_baseline() -> None:
    evaluation = stage((-366, 1.0), (0, 3.0))
    assert evaluation.value == INPUT_ABSENT
    assert code_of(stage((-365, 1.0), (0, 3.0))) == "aki-stage-3"


def test_no_baseline_is_absent_and_never_stage_0() -> None:
    evaluation = stage((0, 3.0))
    assert evaluation.value == INPUT_ABSENT
    assert "no-baseline" in issue_codes(evaluation)


def test_no_creatinine_in_the_last_7_days_is_absent() -> None:
    evaluation = stage((0, 1.0), (1, 3.0), at=9)
    assert evaluation.value == INPUT_ABSENT
    assert "no-recent-creatinine" in issue_codes(evaluation)
    assert evaluate_module("aki-stage", {"age": 60, "dialysis": False}, day(0)).value == INPUT_ABSENT


@pytest.mark.parametrize(
    ("points", "withheld"),
    [
        (((0, 1.0), (2, 30.1)), True),
        (((0, 1.0), (2, 30.0)), False),
        (((0, 79.0), (2, 1.2)), True),
        (((-20, 79.0), (0, 2.5)), True),  # it is the baseline
        (((-20, 79.0), (0, 1.0), (2, 1.0)), False),
        (((0, 79.0), (10, 1.0), (12, 1.0)), False),
    ],
)
def test_a_creatinine_of_an_unlikely_unit_gives_no_stage(
    points: tuple[tuple[float, float], ...], withheld: bool
) -> None:
    evaluation = stage(*points)
    assert (evaluation.value == INPUT_ABSENT) is withheld
    assert ("creatinine-unit-unlikely" in issue_codes(evaluation)) is withheld


def test_urine_output_not_assessed_does_not_exclude_aki() -> None:
    sentence = "Urine output not assessed; does not exclude AKI."
    assert stage((0, 1.0), (2, 1.0)).working.qualifier == sentence
    assert stage((0, 3.0)).working.qualifier == sentence
    assert "Urine output not assessed" in (stage((0, 1.0), (2, 2.0)).working.qualifier or "")


def test_not_met_is_not_called_no_injury() -> None:
    evaluation = stage((-100, 1.0), (0, 1.0), (2, 1.0))
    assert code_of(evaluation) == NONE
    assert "criteria" in (evaluation.working.claim or "")


def test_the_highest_stage_of_7_days_and_the_latest_value_beside_it() -> None:
    evaluation = stage((0, 1.0), (1, 2.5), (4, 1.1))
    assert code_of(evaluation) == "aki-stage-2"
    assert "stage-before-latest" in issue_codes(evaluation)
    assert "1.1 mg/dL" in issue_texts(evaluation)


def test_a_stage_that_has_passed_is_claimed_of_its_day() -> None:
    passed = evaluate_module("aki-stage", {"creatinine": creatinine((0, 1.0), (2, 1.6), (5, 1.0)), "age": 60}, day(5))
    assert passed.working.claim == "AKI stage 1 by creatinine on 2024-01-03, the highest of 7 days"
    present = evaluate_module("aki-stage", {"creatinine": creatinine((0, 1.0), (2, 1.6)), "age": 60}, day(2))
    assert present.working.claim == "AKI stage 1 by creatinine"


def test_a_fall_shows_the_rise_before_it() -> None:
    assert code_of(stage((0, 3.0), (3, 1.0))) == "aki-stage-3"


def test_a_plateau_after_the_rise_keeps_its_stage() -> None:
    course = [(-100, 1.0), (0, 3.2)] + [(d, 3.1) for d in range(1, 15)]
    evaluation = stage(*course)
    assert code_of(evaluation) == "aki-stage-3"
    assert "episode-goes-on" in issue_codes(evaluation)
    assert "1.0 mg/dL" in evaluation.working.warrant


def test_the_baseline_of_7_days_goes_before_an_older_one_and_the_older_one_is_told() -> None:
    evaluation = stage((-200, 0.5), (0, 1.2), (2, 1.0), (5, 1.6))
    assert code_of(evaluation) == "aki-stage-2"  # 1.2 is 2.4 times the median of days 8 to 365
    assert "higher-stage-of-episode" in issue_codes(evaluation)
    assert "0.5 mg/dL" in issue_texts(evaluation)


def test_raised_for_longer_than_an_episode_is_told() -> None:
    before = [(-200 - d, 1.0) for d in range(30, 0, -1)]
    since = [(d, 2.0) for d in range(-98, 1, 7)]
    evaluation = stage(*before, *since)
    assert code_of(evaluation) == NONE
    assert "raised-against-earlier-baseline" in issue_codes(evaluation)
    assert "raised-against-earlier-baseline" not in issue_codes(stage(*before, (0, 1.0)))


def test_only_values_of_one_week_are_told() -> None:
    assert "no-earlier-baseline" in issue_codes(stage((0, 3.0), (1, 3.0)))
    assert "no-earlier-baseline" not in issue_codes(stage((-30, 3.0), (0, 3.0), (1, 3.0)))


def test_refused_on_dialysis() -> None:
    assert stage((0, 1.0), (2, 2.0), dialysis=True).value == NOT_APPLICABLE


def test_caution_under_18() -> None:
    assert "under 18" in caution_texts(stage((0, 1.0), (2, 2.0), age=12))


def test_converted_values_are_told_without_noise() -> None:
    warrant = stage((-20, "1.199072"), (0, "2.398144")).working.warrant
    assert "2.40 mg/dL" in warrant
    assert "1.20 mg/dL" in warrant
    assert "1.1990" not in warrant

"""Slope of eGFR: which values count, and the interval around it."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.egfr_slope.regression import fit, t_probability, t_quantile
from ontology.evaluation import Evaluation
from ontology.series import series_of_periods
from tests.support.module_inputs import (
    INPUT_ABSENT,
    NOT_APPLICABLE,
    caution_texts,
    creatinine,
    day,
    egfr,
    evaluate_module,
    interpret_module,
    issue_codes,
    number_of,
)

YEAR = 365.25


def slope_of(
    *points: tuple[float, float], scr: tuple[tuple[float, float], ...] | None = None, **more: Any
) -> Evaluation:
    steady = tuple((day, 1.5) for day, _ in points)
    rest = {"age": 60, "dialysis": False, "kidney_transplant": False, **more}
    return evaluate_module("egfr-slope", {"egfr": egfr(*points), "creatinine": creatinine(*(scr or steady)), **rest})


# Student's t, two-sided 95 %, as tabulated.
@pytest.mark.parametrize(
    ("freedom", "t"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (9, 2.262), (10, 2.228), (30, 2.042), (120, 1.980)],
)
def test_t_quantiles_are_those_of_the_table(freedom: int, t: float) -> None:
    assert t_quantile(freedom, 0.95) == pytest.approx(t, abs=0.0005)


def test_t_approaches_the_normal_quantile() -> None:
    assert t_quantile(100_000, 0.95) == pytest.approx(1.95996, abs=0.0001)


@given(st.integers(1, 300), st.floats(0.01, 1.5))
def test_probability_within_grows_with_the_angle(freedom: int, angle: float) -> None:
    assert 0 < t_probability(angle, freedom) <= t_probability(angle + 0.05, freedom) + 1e-12 <= 1 + 2e-12


def test_slope_and_standard_error_of_anscombes_first_data_set() -> None:
    # doi:10.1080/00031305.1973.10478966: slope 0.500, standard error 0.118.
    xs = [10.0, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5]
    ys = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68]
    line = fit(xs, ys)
    assert line.slope == pytest.approx(0.500, abs=0.0005)
    assert (line.high - line.slope) / line.t == pytest.approx(0.118, abs=0.0005)
    # 0.50009 ± 2.26216 × 0.11791, of t at 9 degrees of freedom (11 points less 2).
    assert line.t == pytest.approx(2.26216, abs=0.00001)
    assert (line.low, line.high) == pytest.approx((0.23337, 0.76681), abs=0.00002)


# The error of the slope is √(s² / Σ(x − x̄)²), with s² the sum of the squared residuals over n − 2.
@pytest.mark.parametrize(
    ("values", "slope", "half", "words"),
    [
        # Slope (50 − 60) / 2; residuals −2/3, 4/3, −2/3, so s² = (8/3) / 1; the error is √(8/3 / 2) = 1.15470; times
        # t(1) = 12.70620 it is 14.67186.
        ((60, 57, 50), "-5.00", "14.67", "(t = 12.706, 1 degree of freedom)"),
        # Mean 55; slope (−1.5 × 5 − 0.5 × 1 − 0.5 × 1 − 1.5 × 5) / 5 = −3.2; residuals 0.2, −0.6, 0.6, −0.2, so
        # s² = 0.8 / 2; the error is √(0.4 / 5) = 0.28284; times t(2) = 4.30265 it is 1.21697.
        ((60, 56, 54, 50), "-3.20", "1.22", "(t = 4.303, 2 degrees of freedom)"),
    ],
)
def test_the_interval_of_a_regression_by_hand(values: tuple[float, ...], slope: str, half: str, words: str) -> None:
    evaluation = slope_of(*((year * YEAR, value) for year, value in enumerate(values)))
    assert number_of(evaluation) == Decimal(slope)
    interval = evaluation.interval
    assert interval is not None
    assert (interval.low, interval.high) == (Decimal(slope) - Decimal(half), Decimal(slope) + Decimal(half))
    assert words in evaluation.working.warrant


@given(st.floats(-20, 20), st.lists(st.floats(-3, 3), min_size=3, max_size=30))
def test_a_line_is_found_whatever_its_height_and_the_interval_holds_it(slope: float, noise: list[float]) -> None:
    xs = [float(i) for i in range(len(noise))]
    line = fit(xs, [60 + slope * x + e for x, e in zip(xs, noise, strict=True)])
    again = fit(xs, [90 + slope * x + e for x, e in zip(xs, noise, strict=True)])
    assert line.low <= line.slope <= line.high
    assert again.slope == pytest.approx(line.slope, abs=1e-9)


def test_a_steady_decline_with_its_interval() -> None:
    evaluation = slope_of((0, 60), (YEAR, 55), (2 * YEAR, 50))
    assert number_of(evaluation) == Decimal("-5.00")
    assert evaluation.interval is not None
    assert evaluation.interval.level == Decimal("0.95")
    assert (evaluation.interval.low, evaluation.interval.high) == (Decimal(-5), Decimal(-5))
    scattered = slope_of((0, 60), (YEAR, 57), (2 * YEAR, 50)).interval
    assert scattered is not None
    assert scattered.low < -5 < scattered.high


def test_fewer_than_3_points_is_insufficient() -> None:
    evaluation = slope_of((0, 60), (400, 55))
    assert evaluation.value == INPUT_ABSENT
    assert "too-few-values" in issue_codes(evaluation)


def test_less_than_a_year_is_insufficient() -> None:
    assert slope_of((0, 60), (100, 58), (364, 55)).value == INPUT_ABSENT
    assert number_of(slope_of((0, 60), (100, 58), (365, 55))) < 0


def test_one_value_a_day() -> None:
    once = slope_of((0, 60), (200, 58), (400, 55))
    evaluation = slope_of((0, 60), (0.1, 20), (200, 58), (400, 55), scr=((0, 1.5), (200, 1.5), (400, 1.5)))
    assert number_of(evaluation) == number_of(once)
    assert "same-day-values-left-out" in issue_codes(evaluation)
    assert slope_of((0, 60), (0.1, 61), (0.2, 62), (400, 55)).value == INPUT_ABSENT


def test_acute_kidney_injury_is_left_out() -> None:
    points = ((0, 60), (200, 58), (201, 25), (203, 20), (230, 57), (400, 55))
    scr = ((0, 1.2), (200, 1.2), (201, 2.5), (203, 3.0), (230, 1.2), (400, 1.25))
    evaluation = slope_of(*points, scr=scr)
    assert number_of(evaluation) == number_of(slope_of((0, 60), (200, 58), (230, 57), (400, 55)))
    assert "acute-values-left-out" in issue_codes(evaluation)


@pytest.mark.parametrize(("number", "counts"), [(199, True), (200, False), (210, False), (217, False), (218, True)])
def test_values_on_dialysis_are_left_out(number: float, counts: bool) -> None:
    """From the start of dialysis on day 200 until 7 days after its end on day 210."""
    dialysis = series_of_periods([(day(200), day(210))])
    evaluation = slope_of((0, 60), (100, 58), (number, 20), (400, 55), times_on_dialysis=dialysis)
    others = ((number, 20),) if counts else ()
    assert number_of(evaluation) == number_of(slope_of((0, 60), (100, 58), *others, (400, 55)))
    assert ("dialysis-values-left-out" in issue_codes(evaluation)) is not counts


def test_a_slow_rise_of_creatinine_is_not_left_out() -> None:
    points = tuple((90 * i, 60 - 5 * i) for i in range(6))
    scr = tuple((90 * i, 1.2 + 0.15 * i) for i in range(6))
    assert "acute-values-left-out" not in issue_codes(slope_of(*points, scr=scr))


def test_refused_under_18_and_on_dialysis_cautioned_after_transplant() -> None:
    points = ((0, 60), (200, 58), (400, 55))
    assert slope_of(*points, age=17).value == NOT_APPLICABLE
    assert slope_of(*points, dialysis=True).value == NOT_APPLICABLE
    assert "transplant" in caution_texts(slope_of(*points, kidney_transplant=True))


def test_rapid_decline_is_told() -> None:
    def meaning(last: float) -> str:
        given = {"egfr": egfr((0, 60), (YEAR, (60 + last) / 2), (2 * YEAR, last))}
        outcome = interpret_module("egfr-slope", {**given, "creatinine": creatinine((0, 1.2), (YEAR, 1.2)), "age": 60})
        assert outcome is not None
        return outcome.coding.code

    assert meaning(49) == "egfr-rapid-decline"
    assert meaning(50) == "egfr-no-rapid-decline"


def test_no_rate_of_decline_is_told_that_the_interval_does_not_show() -> None:
    scattered = {"egfr": egfr((0, 60), (YEAR, 40), (2 * YEAR, 45)), "age": 60}
    given = {**scattered, "creatinine": creatinine((0, 1.2), (YEAR, 1.2))}
    evaluation = evaluate_module("egfr-slope", given)
    assert number_of(evaluation) < -5
    assert interpret_module("egfr-slope", given) is None
    assert "rapid-decline-not-shown" in issue_codes(evaluation)
    assert "rapid-decline-not-shown" not in issue_codes(slope_of((0, 60), (YEAR, 54), (2 * YEAR, 48)))


# The values of slope −3.2 ± 1.217 above, tilted; whether −5 lies in the interval as it is shown, to two decimals.
@pytest.mark.parametrize(
    ("slope", "interval", "shown"),
    [
        ("-3.78", ("-5.00", "-2.56"), True),
        ("-3.79", ("-5.01", "-2.57"), False),
        ("-6.22", ("-7.44", "-5.00"), False),
        ("-6.23", ("-7.45", "-5.01"), True),
    ],
)
def test_whether_the_interval_holds_a_decline_of_five(slope: str, interval: tuple[str, str], shown: bool) -> None:
    tilt = Decimal(slope) + Decimal("3.2")
    values = [Decimal(value) + tilt * year for year, value in enumerate((60, 56, 54, 50))]
    evaluation = slope_of(*((year * YEAR, float(value)) for year, value in enumerate(values)))
    assert evaluation.interval is not None
    assert (evaluation.interval.low, evaluation.interval.high) == tuple(map(Decimal, interval))
    assert ("rapid-decline-not-shown" not in issue_codes(evaluation)) is shown


def test_the_working_names_the_first_and_the_last_value_and_what_is_lacking() -> None:
    warrant = slope_of((0, 60), (YEAR, 56), (2 * YEAR, 54), (3 * YEAR, 50)).working.warrant
    assert "over 4 values (one a day) from 60 on 2024-01-01 to 50 on 2027-01-01:" in warrant
    assert "found 2 over 400 days" in slope_of((0, 60), (400, 55)).working.warrant
    assert "found 1 over 0 days" in slope_of((0, 60)).working.warrant
    assert "found 0 over 0 days" in slope_of(scr=((0, 1.5),)).working.warrant


def test_the_time_of_day_of_all_values_changes_nothing() -> None:
    points = ((0, 60), (200, 58), (400, 55))
    assert number_of(slope_of(*points)) == number_of(slope_of(*((day + 0.2, value) for day, value in points)))

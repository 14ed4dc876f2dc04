"""AKI by creatinine: each criterion at its edge, the episode and its two ends, and what is never called "not met"."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.creatinine_courses import (
    ABSENT,
    AT,
    DAY,
    HOUR,
    NOT_MET,
    OLD,
    YEAR,
    Point,
    claim,
    given,
    outcome,
    staged,
)
from tests.support.module_inputs import (
    INPUT_ABSENT,
    caution_texts,
    evaluate_module,
    interpret_module,
    issue_codes,
    issue_texts,
)

CASES = json.loads((Path(__file__).parents[1] / "cases" / "aki.json").read_text(), parse_float=Decimal)["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_courses_with_a_right_stage(case: dict[str, Any]) -> None:
    factor = {"mg/dL": Decimal(1), "umol/L": Decimal("0.011312")}[case["unit"]]
    evaluation = staged(*((float(p["hours_before"]), p["value"] * factor) for p in case["creatinine"]))
    expected = case["expect"].split(",")[0].split(" ")
    assert outcome(evaluation) == expected[0]
    assert ("at least" in claim(evaluation)) is ("least" in expected)
    assert ("to be treated as AKI until shown otherwise" in issue_texts(evaluation)) is ("urgent" in case["expect"])
    if "now" in case["expect"]:
        assert f"Now {case['expect'].split(' ')[-1]} mg/dL" in claim(evaluation)
        assert "in the last 7 days" in claim(evaluation)
    if "since when" in case["why"]:
        assert "raised since 7 Mar, for more than 90 days: chronic" in claim(evaluation)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        # Criterion 2: 1.5 times the median, and the stages.
        ((OLD, (HOUR, 1.49)), NOT_MET),
        ((OLD, (HOUR, 1.5)), "stage-1"),
        ((OLD, (HOUR, 1.99)), "stage-1"),
        ((OLD, (HOUR, 2.0)), "stage-2"),
        ((OLD, (HOUR, 2.99)), "stage-2"),
        ((OLD, (HOUR, 3.0)), "stage-3"),
        # Criterion 1: the lowest of 168 hours, its edge included.
        (((60 * DAY, 1.4), (169, 1.0), (0, 1.5)), NOT_MET),
        (((60 * DAY, 1.4), (168, 1.0), (0, 1.5)), "stage-1"),
        (((60 * DAY, 1.4), (167, 1.0), (0, 1.5)), "stage-1"),
        # Criterion 3: 0.3 mg/dL within 48 hours.
        (((60 * DAY, 1.0), (48, 1.0), (0, 1.29)), NOT_MET),
        (((60 * DAY, 1.0), (48, 1.0), (0, 1.3)), "stage-1"),
        (((60 * DAY, 1.0), (49, 1.0), (0, 1.3)), NOT_MET),
        # 26.5 µmol/L, and 26.4.
        (((60 * DAY, "1.0"), (48, "1.0"), (0, "1.299768")), "stage-1"),
        (((60 * DAY, "1.0"), (48, "1.0"), (0, "1.298636")), NOT_MET),
        # References reach 365 days back.
        (((YEAR, 1.0), (0, 3.0)), "stage-3"),
        (((YEAR + HOUR, 1.0), (0, 3.0)), ABSENT),
        # 4.0 mg/dL is stage 3 once the criteria are met.
        (((60 * DAY, 3.7), (40, 3.68), (0, 3.99)), "stage-1"),
        (((60 * DAY, 3.7), (40, 3.69), (0, 4.0)), "stage-3"),
        (((60 * DAY, 3.7), (40, 3.69), (0, "3.99992")), "stage-3"),  # 353.6 µmol/L
        (((60 * DAY, 4.2), (40, 4.2), (0, 4.3)), NOT_MET),
        # The value that is staged is of the last 7 days, the edge included.
        ((OLD, (170, 1.6)), ABSENT),
        ((OLD, (168, 1.6)), "stage-1"),
        ((OLD, (168, 1.6), (100, 1.0)), "stage-1"),
        ((OLD, (169, 1.6), (100, 1.0)), NOT_MET),
        # "Not met" needs a value older than 7 days.
        (((168, 1.0), (0, 1.1)), ABSENT),
        (((168.1, 1.0), (0, 1.1)), NOT_MET),
        # A later value shows a rise only where nothing earlier exists, and within 168 hours.
        (((168, 1.5), (0, 1.0)), "stage-1"),
        (((60 * DAY, 1.5), (100, 1.5), (0, 1.0)), NOT_MET),
    ],
)  # fmt: skip
def test_each_edge(points: tuple[Point, ...], expected: str) -> None:
    assert outcome(staged(*points)) == expected


def plateau(days: float) -> tuple[Point, ...]:
    """1.0, then 1.6 for so many days until now."""
    steps = [days * DAY * share for share in (1, 0.75, 0.5, 0.25, 0.1)]
    return ((days + 30) * DAY, 1.0), *((hours, 1.6) for hours in steps), (0, 1.6)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (plateau(89), "stage-1"),
        (plateau(90), "stage-1"),
        (plateau(90.1), NOT_MET),
        # Acute on chronic: references come only from values since.
        ((*plateau(120)[:-1], (30, 1.6), (0, 1.95)), "stage-1"),
        ((*plateau(120)[:-1], (0, 2.4)), "stage-1"),
        ((*plateau(120)[:-1], (0, 2.3)), NOT_MET),
        # The episode goes on at 1.5 times its reference, though the days before are as high.
        ((OLD, (20 * DAY, 3.2), *((day * DAY, 3.1) for day in range(14, -1, -1))), "stage-3"),
        # Over at the first value below 1.5 times its reference; what follows is a matter of its own.
        ((OLD, (20 * DAY, 3.2), (14 * DAY, 1.49), (1, 1.45)), NOT_MET),
        # Begun by 0.3 mg/dL alone: over at less than that above the lowest of those 48 hours.
        (((60 * DAY, 1.0), (220, 1.0), (200, 1.3), (0, 1.3)), "stage-1"),
        (((60 * DAY, 1.0), (220, 1.0), (200, 1.3), (0, 1.29)), NOT_MET),
        # A slow doubling is measured by the reference that was frozen, not by last week's.
        ((OLD, *((day * DAY, 2.2 - 0.1 * day) for day in range(6, -1, -1))), "stage-2"),
    ],
)  # fmt: skip
def test_an_episode_has_a_frozen_reference_and_two_ends(points: tuple[Point, ...], expected: str) -> None:
    assert outcome(staged(*points)) == expected


EARLIER_AKI = ((300 * DAY, 1.0), *((day * DAY, 3.0) for day in range(206, 200, -1)), (180 * DAY, 1.0))


@pytest.mark.parametrize(
    ("points", "code", "warned"),
    [
        # A reference older than 90 days, and alone.
        (((90 * DAY, 1.0), (0, 2.0)), "reference-over-90-days", False),
        (((91 * DAY, 1.0), (0, 2.0)), "reference-over-90-days", True),
        (((91 * DAY, 1.0), (60 * DAY, 1.0), (0, 2.0)), "reference-over-90-days", False),
        (((91 * DAY, 1.0), (60, 1.45), (0, 1.6)), "reference-over-90-days", True),
        (((91 * DAY, 1.0), (60, 1.0), (0, 1.6)), "reference-over-90-days", False),  # a rise of this week too
        (((91 * DAY, 1.0), (40, 1.3), (0, 1.6)), "reference-over-90-days", False),
        # By 0.3 mg/dL alone, above 1.5.
        (((60 * DAY, 1.2), (40, 1.2), (0, 1.5)), "small-rise", False),
        (((60 * DAY, 1.2), (40, 1.2), (0, 1.51)), "small-rise", True),
        (((60 * DAY, 1.0), (40, 1.2), (0, 1.51)), "small-rise", False),  # 1.5 times the median too
        # A return to an earlier level.
        (((60 * DAY, 1.2), (72, 1.2), (30, 0.78), (0, 1.2)), "return-to-earlier-level", True),
        (((72, 1.2), (30, 0.78), (0, 1.2)), "return-to-earlier-level", True),
        (((72, 1.25), (30, 0.78), (0, 1.2)), "return-to-earlier-level", True),
        (((60 * DAY, 0.8), (72, 0.8), (30, 0.78), (0, 1.2)), "return-to-earlier-level", False),
        # By 4.0 mg/dL, where the English algorithm gives less.
        (((60 * DAY, 3.75), (40, 3.75), (0, 4.1)), "stage-3-by-4-mg", True),
        (((60 * DAY, 1.2), (40, 1.2), (0, 4.1)), "stage-3-by-4-mg", False),
        # Nothing but values of one week.
        (((100, 1.0), (0, 2.0)), "no-earlier-baseline", True),
        (((60 * DAY, 1.0), (0, 2.0)), "no-earlier-baseline", False),
        (((365 * DAY, 1.0), (100, 1.0), (0, 2.0)), "no-earlier-baseline", False),
        (((366 * DAY, 1.0), (100, 1.0), (0, 2.0)), "no-earlier-baseline", True),
        # A median that holds values of AKI, where the stage would be higher without them.
        ((*EARLIER_AKI, (100, 1.2), (0, 2.0)), "median-includes-aki", True),
        ((*EARLIER_AKI, (100, 1.0), (0, 2.0)), "median-includes-aki", False),
        (((100, 2.0), (0, 1.0)), "seen-by-fall", True),
    ],
)  # fmt: skip
def test_cautions_of_a_stage(points: tuple[Point, ...], code: str, warned: bool) -> None:
    evaluation = staged(*points)
    assert "stage-" in outcome(evaluation)
    assert (code in issue_codes(evaluation)) is warned


@pytest.mark.parametrize(("value", "warned"), [(1.49, False), (1.5, True), (2.0, True)])
def test_not_met_against_a_median_that_holds_values_of_aki_carries_a_caution(value: float, warned: bool) -> None:
    evaluation = staged(*EARLIER_AKI, (0, value))
    assert outcome(evaluation) == NOT_MET
    assert ("median-includes-aki" in issue_codes(evaluation)) is warned
    assert ("Without them it is 1.0" in issue_texts(evaluation)) is warned
    episode = evaluate_module("aki-episode", given((*EARLIER_AKI, (0, value))), AT)
    assert ("median-includes-aki" in issue_codes(episode)) is warned


@pytest.mark.parametrize(
    ("points", "unclear"),
    [
        (((300 * DAY, 1.0), (200 * DAY, 2.4), (0, 3.4)), True),
        (((300 * DAY, 1.0), (200 * DAY, 2.4), (20, 3.4), (0, 3.4)), True),
        (((300 * DAY, 1.0), (200 * DAY, 2.4), (109 * DAY, 2.4), (0, 3.4)), True),
        (((300 * DAY, 1.0), (200 * DAY, 2.4), (109 * DAY, 2.4), (19 * DAY, 2.4), (0, 3.4)), False),
        (plateau(120), False),
    ],
)
def test_what_was_not_measured_for_90_days_is_not_called_chronic(points: tuple[Point, ...], unclear: bool) -> None:
    evaluation = staged(*points)
    assert outcome(evaluation) == NOT_MET
    assert "raised since" in claim(evaluation)
    assert ("chronic, not acute" in claim(evaluation)) is not unclear
    assert ("cute or chronic cannot be told apart" in claim(evaluation)) is unclear
    assert ("reference-over-90-days" in issue_codes(evaluation)) is unclear


def test_the_english_algorithm_is_named_with_what_it_gives() -> None:
    told = issue_texts(staged((60 * DAY, 3.75), (40, 3.75), (0, 4.1)))
    assert "The English algorithm stages by ratio alone and gives 1" in told


@pytest.mark.parametrize(
    ("points", "urgent"),
    [
        (((2, "3.998"),), False),
        (((2, "4.0"),), True),
        (((2, "3.99992"),), True),  # 353.6 µmol/L
        (((100, 4.1), (2, 3.9)), True),  # any value
        (((60 * DAY, 4.2), (2, 4.2)), False),
        # Older than 7 days at the question, and not at the value.
        (((169, 6.8), (160, 6.9)), True),
        (((169, 3.8), (160, 3.9)), False),
    ],
)
def test_from_4_mg_without_anything_older_it_is_to_be_treated_as_aki(points: tuple[Point, ...], urgent: bool) -> None:
    evaluation = staged(*points)
    assert ("to be treated as AKI until shown otherwise" in issue_texts(evaluation)) is urgent
    assert ("aki-until-shown-otherwise" in issue_codes(evaluation)) is urgent


@pytest.mark.parametrize(
    ("points", "text"),
    [
        (((60, 2.4), (30, 2.5), (2, 2.4)), "No rise in 58 hours; AKI before the first value is not excluded"),
        (((2, 1.1),), "Creatinine 1.1 mg/dL, 97 µmol/L (15 Jun): no earlier value for comparison"),
        ((OLD, (170, 5.0)), "No creatinine in the last 7 days. Latest creatinine 5.0 mg/dL, 442 µmol/L (8 Jun)"),
        (((2, "3.998792"),), "Creatinine 4.00 mg/dL, 353.5 µmol/L (15 Jun): no earlier value for comparison"),
        # What rose below the criteria is never "no rise".
        (((144, 1.0), (2, 1.09)), "No rise in 142 hours"),
        (((144, 1.0), (2, 1.1)), "Creatinine rose to 1.1 mg/dL (15 Jun), 1.1 times 1.0 (lowest of 7 days, 9 Jun)"),
        (((144, 1.0), (50, 1.45), (2, 1.2)), "rose to 1.45 mg/dL (13 Jun), 1.45 times 1.0"),
        (((30, 6.8), (2, 6.9)), "Creatinine 6.9 mg/dL, 610 µmol/L (15 Jun). AKI stage 3 and advanced chronic disease"),
    ],
)
def test_absent_says_why(points: tuple[Point, ...], text: str) -> None:
    evaluation = staged(*points)
    assert evaluation.value == INPUT_ABSENT
    assert text in evaluation.working.warrant


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (
            ((123 * DAY, 0.9), (60 * DAY, 0.8), (18 * DAY, 1.0), (0, 2.3)),
            "AKI stage 2: creatinine 2.3 mg/dL, 2.6 times 0.9 (median of 12 Feb to 28 May)",
        ),
        ((OLD, (0, 1.6)), "AKI stage 1: creatinine 1.6 mg/dL, 1.6 times 1.0 (16 Apr)"),
        ((OLD, (0, 1.96)), "AKI stage 1: creatinine 1.96 mg/dL, 1.96 times 1.0 (16 Apr)"),
        ((OLD, (0, "2.999")), "AKI stage 2: creatinine 3.00 mg/dL, 2.99 times 1.0 (16 Apr)"),
        (
            (OLD, (30, 1.0), (0, 1.3)),
            "AKI stage 1: creatinine 1.3 mg/dL, 0.3 mg/dL above 1.0 (lowest of 48 hours, 14 Jun)",
        ),
        (
            (OLD, (72, 2.2), (0, 1.6)),
            "AKI stage 2 in the last 7 days: creatinine 2.2 mg/dL on 12 Jun, 2.2 times 1.0 (16 Apr)."
            " Now 1.6 mg/dL on 15 Jun, stage 1",
        ),
        (
            (OLD, (72, 1.6), (0, 1.0)),
            "AKI stage 1 in the last 7 days: creatinine 1.6 mg/dL on 12 Jun, 1.6 times 1.0 (16 Apr)."
            " Now 1.0 mg/dL on 15 Jun: episode ended",
        ),
        (((300 * DAY, 1.0), (0, 1.1)), "AKI criteria not met: creatinine 1.1 mg/dL, 1.1 times 1.0 (19 Aug 2025)"),
    ],
)
def test_the_claim_names_value_ratio_and_reference(points: tuple[Point, ...], expected: str) -> None:
    assert claim(staged(*points)) == expected


@pytest.mark.parametrize(
    ("points", "withheld"),
    [
        (((72, 1.0), (2, 30.1)), True),
        ((OLD, (72, 1.0), (2, 30.0)), False),
        (((72, 79.0), (2, 1.2)), True),
        (((20 * DAY, 79.0), (2, 2.5)), True),  # it is the reference
        (((20 * DAY, 79.0), (30 * DAY, 1.0), (40 * DAY, 1.0), (2, 1.0)), False),
    ],
)
def test_a_creatinine_of_an_unlikely_unit_gives_no_stage(points: tuple[Point, ...], withheld: bool) -> None:
    evaluation = staged(*points)
    assert (evaluation.value == INPUT_ABSENT) is withheld
    assert ("creatinine-unit-unlikely" in issue_codes(evaluation)) is withheld


def test_urine_output_not_assessed_does_not_exclude_aki() -> None:
    sentence = "Urine output not assessed; does not exclude AKI."
    assert staged(OLD, (0, 1.0)).working.qualifier == sentence
    assert staged((0, 3.0)).working.qualifier == sentence
    assert "Urine output not assessed" in (staged(OLD, (0, 2.0)).working.qualifier or "")


def test_caution_under_18() -> None:
    assert "under 18" in caution_texts(staged(OLD, (0, 2.0), age=12))


@pytest.mark.parametrize(
    ("value", "adds"), [(1.6, ""), (2.0, "Check whether drug doses"), (3.0, "Avoid subclavian catheters")]
)
def test_advice_by_stage_adds_to_that_of_the_stage_before(value: float, adds: str) -> None:
    found = interpret_module("aki-stage", given((OLD, (0, value))), AT)
    assert found is not None
    (advice,) = found.advice
    assert advice.text.startswith("Stop nephrotoxic drugs where possible.")
    assert adds in advice.text
    assert ("subclavian" in advice.text) is (value == 3.0)


def test_converted_values_are_told_without_noise() -> None:
    warrant = staged((20 * DAY, "1.199072"), (0, "2.398144")).working.warrant
    assert "2.40 mg/dL" in warrant
    assert "1.20" in warrant
    assert "1.1990" not in warrant


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ((OLD, (30 * DAY, 1.6)), True),  # open, however long ago
        ((OLD, (20 * DAY, 1.6), (168, 1.4)), False),
        ((OLD, (20 * DAY, 1.6), (167, 1.4)), True),
        ((OLD, (0, 1.1)), False),
        ((plateau(120)), False),
        (((168, 1.0), (0, 1.1)), None),
        (((169, 1.0), (2, 1.1)), False),
        (((20 * DAY, 1.0), (20 * DAY - 168, 1.1)), None),
        (((20 * DAY, 1.0), (20 * DAY - 169, 1.1)), False),
        (((0, 1.1),), None),
    ],
)
def test_an_episode_is_open_or_over_for_less_than_7_days(points: tuple[Point, ...], expected: bool | None) -> None:
    evaluation = evaluate_module("aki-episode", given(points), AT)
    assert evaluation.value == (INPUT_ABSENT if expected is None else expected)


@pytest.mark.parametrize("points", [((20 * DAY, 79.0), (0, 3.4)), (OLD, (0, 79.0)), (OLD, (48, 79.0), (0, 1.0))])
def test_a_creatinine_of_an_unlikely_unit_says_nothing_of_an_episode(points: tuple[Point, ...]) -> None:
    evaluation = evaluate_module("aki-episode", given(points), AT)
    assert evaluation.value == INPUT_ABSENT
    assert "creatinine-unit-unlikely" in issue_codes(evaluation)

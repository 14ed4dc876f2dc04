"""AKI on dialysis: its start is stage 3, its creatinine shows nothing, and only chronic dialysis refuses."""

from datetime import timedelta
from typing import Any

import pytest

from ontology.series import Period, series_of_periods
from ontology.values import Absent, AbsentReason
from tests.support.creatinine_courses import ABSENT, AT, DAY, NOT_MET, OLD, Point, claim, given, outcome, staged
from tests.support.module_inputs import INPUT_ABSENT, NOT_APPLICABLE, evaluate_module, issue_codes, issue_texts

MIDNIGHT = AT.replace(hour=0)
END_OF_DAY = timedelta(hours=23, minutes=59)


def period(first: int, last: int | None) -> Period:
    """Days of June 2026; of May and before where not above zero; None: in progress."""
    day_before = MIDNIGHT - timedelta(days=15)
    end = None if last is None else day_before + timedelta(days=last) + END_OF_DAY
    return day_before + timedelta(days=first), end


def dialysed(points: tuple[Point, ...], *sessions: tuple[int, int | None]) -> dict[str, Any]:
    dialysis = series_of_periods(period(*each) for each in sessions)
    return given(points, end_stage_kidney_disease=False, dialysis=dialysis)


def on(*days: int) -> tuple[tuple[int, int], ...]:
    return tuple((day, day) for day in days)


@pytest.mark.parametrize(
    ("sessions", "value", "text"),
    [
        # In progress: continuous dialysis since 9 days, at a creatinine of 1.1.
        (((6, None),), "stage-3", "AKI stage 3: dialysis since 6 Jun, in progress"),
        (((-81, None),), ABSENT, ""),
        (((-74, None),), "stage-3", "AKI stage 3: dialysis since 18 Mar, in progress"),
        (((-76, None),), ABSENT, ""),
        # A session during what is in progress ends nothing.
        (((6, None), (10, 10)), "stage-3", "AKI stage 3: dialysis since 6 Jun, in progress"),
        # Dialysis of last year is no start of today's.
        (on(-200, 14), "stage-3", "AKI stage 3: dialysis on 14 Jun"),
        # A creatinine of 1.0 on 16 April, after more than a month without dialysis: two courses.
        (on(-90, -70, 14), "stage-3", "AKI stage 3: dialysis on 14 Jun"),
        # Only a raised one between (4.6 on 3 June), for at most 90 days: nothing shows that it ended.
        (on(-43, 14), "stage-3", "AKI stage 3: dialysis 18 Apr to 14 Jun"),
        (on(-90, -43, 14), "stage-3", "AKI stage 3: dialysis 18 Apr to 14 Jun"),
        # Over more than 90 days of sessions it is not told apart from chronic dialysis.
        (on(-90, -62, -34, -6, 14), ABSENT, ""),
        (((-90, 10),), ABSENT, ""),
        # Over for 7 days, and the only values of the last 7 days are of the 7 days after it.
        (((6, 7),), NOT_MET, "1.1"),
        (((7, 8),), "stage-3", "dialysis 7 Jun to 8 Jun"),
    ],
)
def test_which_dialysis_is_the_present_one(sessions: tuple[tuple[int, int | None], ...], value: str, text: str) -> None:
    inputs = dialysed((OLD, (12 * DAY, 4.6), (1, 1.1)), *sessions)
    evaluation = evaluate_module("aki-stage", inputs, AT)
    assert outcome(evaluation) == value
    assert text in claim(evaluation)
    assert evaluate_module("aki-episode", inputs, AT).value == (INPUT_ABSENT if value == ABSENT else True)


@pytest.mark.parametrize(
    ("points", "value", "text"),
    [
        # Between two courses creatinine is judged, and may be the reference of what follows.
        (((50 * DAY, 0.8), (16 * DAY, 0.8), (10, 2.0)), "stage-2", "2.5 times 0.8 (median of 26 Apr to 30 May)"),
        # 16 days before the question: 8 days after the end of the first course; 18 days: 6 days after it.
        (((16 * DAY, 0.8), (10, 2.0)), "stage-2", "2.5 times 0.8 (30 May)"),
        (((18 * DAY, 0.8), (10, 2.0)), ABSENT, ""),
    ],
)
def test_creatinine_between_two_courses_is_judged(points: tuple[Point, ...], value: str, text: str) -> None:
    """Two courses, until 22 May and on 4 June; what is until 7 days after them is not compared."""
    evaluation = evaluate_module("aki-stage", dialysed(points, (-12, -9), (4, 4)), AT)
    assert outcome(evaluation) == value
    assert text in claim(evaluation)


def test_creatinine_of_the_week_after_dialysis_is_not_called_missing() -> None:
    evaluation = evaluate_module("aki-stage", dialysed((OLD, (20, 2.0)), *on(6), (7, 8)), AT)
    assert outcome(evaluation) == "stage-3"
    evaluation = evaluate_module("aki-stage", dialysed((OLD, (36, 2.0)), *on(5, 6)), AT)
    assert outcome(evaluation) == "stage-2"
    evaluation = evaluate_module("aki-stage", dialysed((OLD, (40, 2.0)), *on(5, 6)), AT)
    assert outcome(evaluation) == ABSENT
    assert "Latest creatinine 2.0 mg/dL, 177 µmol/L (13 Jun), within 7 days of dialysis" in issue_texts(evaluation)


@pytest.mark.parametrize(
    ("reason", "warned"),
    [
        (AbsentReason.NOT_FOUND, False),
        (AbsentReason.STALE, False),
        (AbsentReason.NOT_QUERIED, False),
        (AbsentReason.UNREACHABLE, True),
        (AbsentReason.NOT_PERMITTED, True),
        (AbsentReason.UNCONVERTIBLE, True),  # stopped early, undated, or of an unknown state
    ],
)
def test_dialysis_that_cannot_be_known_carries_a_caution(reason: AbsentReason, warned: bool) -> None:
    for module_id in ("aki-stage", "aki-episode"):
        evaluation = evaluate_module(module_id, given((OLD, (96, 4.6), (0, 1.1)), dialysis=Absent(reason)), AT)
        assert ("dialysis-unknown" in issue_codes(evaluation)) is warned


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ((OLD,), True),
        ((OLD, (60, 2.0)), True),  # of the 7 days after it
        ((OLD, (10, 2.0)), True),  # 2.0 times the reference
        ((OLD, (10, 1.1)), False),
    ],
)
def test_an_episode_with_dialysis_is_open_until_creatinine_after_it_is_lower(
    points: tuple[Point, ...], expected: bool
) -> None:
    evaluation = evaluate_module("aki-episode", dialysed(points, *on(5, 6)), AT)
    assert evaluation.value is expected
    assert ("dialysis 5 Jun to 6 Jun" in claim(evaluation)) is (expected and (10, 2.0) not in points)


@pytest.mark.parametrize(
    ("sessions", "points", "expected", "text"),
    [
        (on(12), (OLD, (96, 2.0)), "stage-3", "AKI stage 3: dialysis on 12 Jun"),
        (on(12, 14), (OLD, (96, 2.0), (24, 1.0)), "stage-3", "AKI stage 3: dialysis 12 Jun to 14 Jun"),
        # Until 7 days after its end creatinine is no recovery, and no reference after that.
        (((7, 8),), ((240, 4.0), (100, 1.0)), "stage-3", "AKI stage 3: dialysis 7 Jun to 8 Jun"),
        (((5, 7),), (OLD, (300, 2.5), (170, 1.0), (10, 2.5)), "stage-2", "2.5 times 1.0 (16 Apr)"),
        (((5, 7),), ((60 * DAY, 2.0), (200, 0.8), (10, 2.0)), NOT_MET, "2.0 (16 Apr)"),
    ],
)
def test_dialysis_without_chronic_dialysis_is_stage_3_and_its_creatinine_shows_nothing(
    sessions: tuple[tuple[int, int | None], ...], points: tuple[Point, ...], expected: str, text: str
) -> None:
    evaluation = evaluate_module("aki-stage", dialysed(points, *sessions), AT)
    assert outcome(evaluation) == expected
    assert text in claim(evaluation)
    if "dialysis" in text:
        assert "AKI or first ESKD" in issue_texts(evaluation)


SESSIONS = series_of_periods([period(12, 12), period(14, 14)])


@pytest.mark.parametrize(
    ("more", "refused"),
    [
        ({"chronic_dialysis": True}, True),
        ({"end_stage_kidney_disease": True, "dialysis": SESSIONS}, True),
        ({"end_stage_kidney_disease": True}, False),
        ({"dialysis": SESSIONS}, False),
    ],
)
def test_only_chronic_dialysis_refuses(more: dict[str, Any], refused: bool) -> None:
    assert (staged(OLD, (2, 2.0), **more).value == NOT_APPLICABLE) is refused

"""AKI on dialysis: its start is stage 3, its creatinine shows nothing, and only chronic dialysis refuses."""

from datetime import date
from typing import Any

import pytest

from ontology.values import Absent, AbsentReason, Date
from tests.support.creatinine_courses import ABSENT, AT, DAY, NOT_MET, OLD, Point, claim, days, given, outcome, staged
from tests.support.module_inputs import INPUT_ABSENT, NOT_APPLICABLE, evaluate_module, issue_codes, issue_texts


def dialysed(points: tuple[Point, ...], first: int, since: int, last: Date) -> dict[str, Any]:
    """``first``, ``since``: days of June of the first session, and of the first of the last 97 days."""
    dates = {"dialysis_first": days(first), "dialysis_since": days(since), "dialysis_last": last}
    return given(points, end_stage_kidney_disease=False, **dates)


@pytest.mark.parametrize(
    ("first", "since", "last", "value", "text"),
    [
        # In progress: continuous dialysis since 9 days, at a creatinine of 1.1.
        (6, 6, Date(date(2026, 6, 6), date.max), "stage-3", "AKI stage 3: dialysis since 6 Jun, in progress"),
        (-90, -81, Date(date(2026, 3, 11), date.max), ABSENT, ""),
        # Dialysis of last year is no start of today's.
        (-200, 14, days(14), "stage-3", "AKI stage 3: dialysis on 14 Jun"),
        (-200, -70, days(14), "stage-3", "AKI stage 3: dialysis 22 Mar to 14 Jun"),
        (-200, -80, days(14), ABSENT, ""),
        # Over for 7 days, and the only values of the last 7 days are of the 7 days after it.
        (6, 6, days(7), NOT_MET, "1.1"),
        (7, 7, days(8), "stage-3", "dialysis 7 Jun to 8 Jun"),
    ],
)
def test_which_dialysis_is_the_present_one(first: int, since: int, last: Date, value: str, text: str) -> None:
    evaluation = evaluate_module("aki-stage", dialysed((OLD, (12 * DAY, 4.6), (1, 1.1)), first, since, last), AT)
    assert outcome(evaluation) == value
    assert text in claim(evaluation)
    episode = evaluate_module("aki-episode", dialysed((OLD, (12 * DAY, 4.6), (1, 1.1)), first, since, last), AT)
    assert episode.value == (INPUT_ABSENT if value == ABSENT else True)


def test_creatinine_of_the_week_after_dialysis_is_not_called_missing() -> None:
    evaluation = evaluate_module("aki-stage", dialysed((OLD, (20, 2.0)), 6, 6, days(7, 8)), AT)
    assert outcome(evaluation) == "stage-3"
    evaluation = evaluate_module("aki-stage", dialysed((OLD, (40, 2.0)), 5, 5, days(6)), AT)
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
        (AbsentReason.UNCONVERTIBLE, True),  # stopped early, or of an unknown state
    ],
)
def test_dialysis_that_cannot_be_known_carries_a_caution(reason: AbsentReason, warned: bool) -> None:
    missing = {name: Absent(reason) for name in ("dialysis_first", "dialysis_since", "dialysis_last")}
    for module_id in ("aki-stage", "aki-episode"):
        evaluation = evaluate_module(module_id, given((OLD, (96, 4.6), (0, 1.1)), **missing), AT)
        assert ("dialysis-unknown" in issue_codes(evaluation)) is warned


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ((OLD,), True),
        ((OLD, (40, 2.0)), True),  # of the 7 days after it
        ((OLD, (10, 2.0)), True),  # 2.0 times the reference
        ((OLD, (10, 1.1)), False),
    ],
)
def test_an_episode_with_dialysis_is_open_until_creatinine_after_it_is_lower(
    points: tuple[Point, ...], expected: bool
) -> None:
    evaluation = evaluate_module("aki-episode", dialysed(points, 5, 5, days(6)), AT)
    assert evaluation.value is expected
    assert ("dialysis 5 Jun to 6 Jun" in claim(evaluation)) is (expected and (10, 2.0) not in points)


@pytest.mark.parametrize(
    ("first", "last", "points", "expected", "text"),
    [
        (12, 12, (OLD, (96, 2.0)), "stage-3", "AKI stage 3: dialysis on 12 Jun"),
        (12, 14, (OLD, (96, 2.0), (24, 1.0)), "stage-3", "AKI stage 3: dialysis 12 Jun to 14 Jun"),
        # Until 7 days after its end creatinine is no recovery, and no reference after that.
        (7, 8, ((240, 4.0), (100, 1.0)), "stage-3", "AKI stage 3: dialysis 7 Jun to 8 Jun"),
        (5, 7, (OLD, (300, 2.5), (170, 1.0), (10, 2.5)), "stage-2", "2.5 times 1.0 (16 Apr)"),
        (5, 7, ((60 * DAY, 2.0), (200, 0.8), (10, 2.0)), NOT_MET, "2.0 (16 Apr)"),
        # Over more than 90 days it is not told apart from chronic dialysis.
        (-90, 10, (OLD, (0, 3.0)), ABSENT, ""),
    ],
)
def test_dialysis_without_chronic_dialysis_is_stage_3_and_its_creatinine_shows_nothing(
    first: int, last: int, points: tuple[Point, ...], expected: str, text: str
) -> None:
    evaluation = staged(*points, dialysis_first=days(first), dialysis_last=days(last), end_stage_kidney_disease=False)
    assert outcome(evaluation) == expected
    assert text in claim(evaluation)
    if "dialysis" in text:
        assert "AKI or first ESKD" in issue_texts(evaluation)


@pytest.mark.parametrize(
    ("more", "refused"),
    [
        ({"chronic_dialysis": True}, True),
        ({"end_stage_kidney_disease": True, "dialysis_first": days(12), "dialysis_last": days(14)}, True),
        ({"end_stage_kidney_disease": True}, False),
        ({"dialysis_first": days(12), "dialysis_last": days(14)}, False),
    ],
)
def test_only_chronic_dialysis_refuses(more: dict[str, Any], refused: bool) -> None:
    assert (staged(OLD, (2, 2.0), **more).value == NOT_APPLICABLE) is refused

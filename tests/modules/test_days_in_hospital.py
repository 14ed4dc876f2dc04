"""Days since the inpatient stay began, by the calendar; and which days the model of the third day takes."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from ontology.values import Date
from tests.support.fitted_models import ILL, SUPPORT
from tests.support.module_inputs import NOT_APPLICABLE, evaluate_module, issue_codes, issue_texts, number_of

ADMITTED = date(2026, 6, 27)
AT = datetime(2026, 6, 30, 12, tzinfo=UTC)


def days(start: date, end: date | None = None, at: datetime = AT) -> Any:
    return evaluate_module("days-in-hospital", {"stay_start": Date(start, end or start)}, at)


@pytest.mark.parametrize(
    ("at", "count"),
    [
        (datetime(2026, 6, 27, 0, 0, tzinfo=UTC), 0),
        (datetime(2026, 6, 27, 23, 59, 59, tzinfo=UTC), 0),
        (datetime(2026, 6, 28, 0, 0, tzinfo=UTC), 1),
        (datetime(2026, 6, 29, 0, 0, tzinfo=UTC), 2),
        (datetime(2026, 7, 1, 23, 59, 59, tzinfo=UTC), 4),
        (datetime(2026, 7, 2, 0, 0, tzinfo=UTC), 5),
        (datetime(2026, 7, 2, 0, 0, tzinfo=timezone(timedelta(hours=2))), 5),
    ],
)
def test_days_are_those_of_the_calendar(at: datetime, count: int) -> None:
    assert number_of(days(ADMITTED, at=at)) == count


@pytest.mark.parametrize(
    ("start", "end", "limits"),
    [
        (date(2026, 6, 1), date(2026, 6, 30), (0, 29)),
        (date(2026, 5, 1), date(2026, 5, 31), (30, 60)),
        # It may begin after the time asked for, and is going on by then.
        (date(2026, 6, 29), date(2026, 7, 3), (0, 1)),
    ],
)
def test_a_start_that_is_not_precise_gives_limits(start: date, end: date, limits: tuple[int, int]) -> None:
    found = days(start, end)
    assert found.bounds is not None
    assert (found.bounds.low, found.bounds.high) == limits
    assert "partial-stay-start" in issue_codes(found)


def test_nobody_is_in_hospital_before_the_stay() -> None:
    found = days(date(2026, 7, 1))
    assert found.bounds is None
    assert "before-stay" in issue_codes(found)


# The stay began two to four calendar days before the question.
@pytest.mark.parametrize(("count", "refused"), [(0, True), (1, True), (2, False), (3, False), (4, False), (5, True)])
def test_the_model_of_the_third_day_takes_two_to_four_days(count: int, refused: bool) -> None:
    found = evaluate_module(SUPPORT, {**ILL, "inpatient_stay": True, "days_in_hospital": count})
    assert (found.value == NOT_APPLICABLE) is refused
    assert ("did not begin two to four days before" in issue_texts(found)) is refused
    assert "third-day" not in issue_codes(found), "it is known"


def test_a_day_that_is_not_known_is_a_warning() -> None:
    found = evaluate_module(SUPPORT, {**ILL, "inpatient_stay": True})
    assert number_of(found) > 0
    assert "third-day" in issue_codes(found)
    assert "Whether this is the third day is not known" in issue_texts(found)
    assert "not the third day" not in issue_texts(found), "each thing once"

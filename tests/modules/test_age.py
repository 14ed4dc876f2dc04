"""Age: anniversaries and the elapsed part of the year; a partial birth date is an interval."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.age.evaluate import age_on, evaluate
from ontology.values import Date
from tests.support.module_inputs import INPUT_ABSENT, bounds, evaluate_module, issue_codes, issue_texts, number_of

NOON = datetime(2024, 7, 1, 12, tzinfo=UTC)


def full(text: str) -> Date:
    return Date(date.fromisoformat(text), date.fromisoformat(text))


@pytest.mark.parametrize(
    ("born", "today", "age"),
    [
        ("1950-01-01", "2024-01-01", "74"),
        ("1950-01-01", "2023-12-31", "73.997260"),
        ("1950-07-01", "2024-01-01", "73.502732"),  # 184 of 366 days
        ("1966-03-21", "2023-07-01", "57.278689"),
        ("2000-02-29", "2023-02-27", "22.997260"),
        ("2000-02-29", "2023-02-28", "23"),
        ("2000-02-29", "2024-02-28", "23.997268"),  # a leap year has the day itself
        ("2000-02-29", "2024-02-29", "24"),
        ("2024-07-01", "2024-07-01", "0"),
    ],
)
def test_completed_anniversaries_and_the_elapsed_part_of_the_year(born: str, today: str, age: str) -> None:
    assert age_on(date.fromisoformat(born), date.fromisoformat(today)) == Decimal(age)


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.integers(0, 40_000))
def test_age_never_falls_and_reaches_a_whole_year_on_the_birthday_only(born: date, days: int) -> None:
    today = born + timedelta(days=days)
    before, after = age_on(born, today), age_on(born, today + timedelta(days=1))
    assert before < after <= before + Decimal("0.01")
    completed = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    if not (born.month == 2 and born.day == 29):
        assert int(before) == completed


def test_the_day_is_that_of_the_evaluation_time_in_its_own_zone() -> None:
    east = timezone(timedelta(hours=9))
    at = datetime(2024, 1, 1, 3, tzinfo=east)  # still 31 December in UTC
    assert number_of(evaluate_module("age", {"birth_date": full("1950-01-01")}, at)) == 74


def test_a_partial_birth_date_gives_an_interval_and_an_issue() -> None:
    evaluation = evaluate_module("age", {"birth_date": Date(date(1950, 1, 1), date(1950, 12, 31))}, NOON)
    assert evaluation.value == INPUT_ABSENT
    low, high = bounds(evaluation) or (None, None)
    assert low == age_on(date(1950, 12, 31), NOON.date())
    assert high == age_on(date(1950, 1, 1), NOON.date())
    assert "partial-birth-date" in issue_codes(evaluation)


def test_a_partial_birth_date_that_reaches_past_the_evaluation_time_starts_at_zero() -> None:
    evaluation = evaluate(Date(date(2024, 1, 1), date(2024, 12, 31)), NOON)
    assert bounds(evaluation) == (Decimal(0), age_on(date(2024, 1, 1), NOON.date()))


def test_before_birth_there_is_no_age() -> None:
    evaluation = evaluate_module("age", {"birth_date": full("2024-07-02")}, NOON)
    assert evaluation.value == INPUT_ABSENT
    assert evaluation.bounds is None
    assert "before-birth" in issue_codes(evaluation)


def test_a_birth_date_that_stands_for_none_gives_no_age() -> None:
    placeholder = evaluate_module("age", {"birth_date": full("1850-01-01")}, NOON)
    assert placeholder.value == INPUT_ABSENT
    assert placeholder.bounds is None
    assert "implausible-age" in issue_codes(placeholder)
    year = Date(date(1850, 1, 1), date(1850, 12, 31))
    assert evaluate_module("age", {"birth_date": year}, NOON).bounds is None
    assert number_of(evaluate_module("age", {"birth_date": full("1902-01-01")}, NOON)) > 122


def test_words_never_round_an_age_up_to_the_birthday() -> None:
    eve = evaluate_module("age", {"birth_date": full("2006-07-02")}, NOON)
    assert number_of(eve) < 18
    assert eve.working.claim == "Age is 17.9 years"
    partial = evaluate_module("age", {"birth_date": Date(date(2006, 7, 2), date(2006, 7, 31))}, NOON)
    assert issue_texts(partial) == "Born between 2006-07-02 and 2006-07-31: exact age unknown"
    july = evaluate_module("age", {"birth_date": Date(date(2006, 7, 1), date(2006, 7, 31))}, NOON)
    assert issue_texts(july) == "Exact age unknown: only the month of birth, July 2006, is recorded"


def test_without_a_birth_date_there_is_no_age() -> None:
    assert evaluate_module("age", {}, NOON).value == INPUT_ABSENT


# On the day of the 125th birthday an age may still be true, on the next it comes from a placeholder.
@pytest.mark.parametrize(("born", "plausible"), [("1899-07-02", True), ("1899-07-01", True), ("1899-06-30", False)])
def test_the_oldest_age(born: str, plausible: bool) -> None:
    assert ("implausible-age" not in issue_codes(evaluate(full(born), NOON))) is plausible
    end = date.fromisoformat(born)
    partial = Date(date(1890, 1, 1), end)
    assert ("implausible-age" not in issue_codes(evaluate(partial, NOON))) is plausible

"""Rises: baselines, criteria and acute episodes."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ontology.rises import RiseCriteria, episodes, remote_baseline, rises
from ontology.series import days_between

START = datetime(2024, 1, 1, 8, tzinfo=UTC)
CRITERIA = RiseCriteria(Decimal("0.3"), timedelta(hours=48), Decimal("1.5"), recent_days=7, remote_days=365)
LONGEST = timedelta(days=90)


def points(*values: tuple[float, str | float]) -> list[tuple[datetime, Decimal]]:
    return [(START + timedelta(days=day), Decimal(str(value))) for day, value in values]


COURSES = st.lists(
    st.tuples(st.integers(0, 12_000).map(lambda h: h / 24), st.integers(40, 600).map(lambda v: v / 100)),
    unique_by=lambda point: point[0],
    max_size=25,
)


@given(COURSES)
def test_neither_order_nor_zone_matters(course: list[tuple[float, float]]) -> None:
    given_points = points(*course)
    east = timezone(timedelta(hours=9))
    moved = [(time.astimezone(east), value) for time, value in reversed(given_points)]
    assert rises(given_points, CRITERIA) == rises(moved, CRITERIA)
    assert set(episodes(given_points, CRITERIA, LONGEST)) == set(episodes(moved, CRITERIA, LONGEST))


@given(COURSES)
def test_every_value_that_meets_the_criteria_is_in_an_episode(course: list[tuple[float, float]]) -> None:
    found = episodes(points(*course), CRITERIA, LONGEST)
    assert {rise.time for rise in rises(points(*course), CRITERIA) if rise.meets_criteria} <= set(found)
    assert all(
        opened.meets_criteria and timedelta(0) <= time - opened.time <= LONGEST for time, opened in found.items()
    )


@given(COURSES)
def test_a_course_that_never_rises_and_never_falls_is_never_acute(course: list[tuple[float, float]]) -> None:
    flat = points(*((day, 2.0) for day, _ in course))
    assert episodes(flat, CRITERIA, LONGEST) == {}


def test_an_episode_ends_where_the_value_no_longer_meets_what_opened_it() -> None:
    course = points((0, "1.0"), (1, "1.6"), (5, "2.0"), (20, "1.5"), (30, "1.25"), (40, "1.3"))
    # 1.6 was 0.6 above 1.0 within 48 hours: 1.3 would have been enough.
    assert sorted(days_between(START, time) for time in episodes(course, CRITERIA, LONGEST)) == [1, 5, 20]


def test_an_episode_lasts_no_longer_than_it_may() -> None:
    course = points((0, "1.0"), (1, "2.0"), *((1 + 5 * i, "2.0") for i in range(1, 30)))
    last = max(episodes(course, CRITERIA, LONGEST))
    assert days_between(START, last) == 91


def test_the_baseline_is_of_before_unless_a_lower_value_follows() -> None:
    course = points((-100, "0.9"), (0, "1.2"), (3, "1.5"), (6, "1.1"))
    by_day = {days_between(START, rise.time): rise for rise in rises(course, CRITERIA)}
    assert by_day[-100].baseline is None
    first, second = by_day[0].baseline, by_day[3].baseline
    assert first is not None
    assert second is not None
    assert (first.value, first.rule) == (Decimal("0.9"), "median of days 8 to 365 before")
    assert (second.value, second.rule) == (Decimal("1.1"), "lowest value of the 7 days after")


def test_between_the_recent_and_the_remote_days_there_is_no_gap() -> None:
    for hours in range(7 * 24 - 30, 9 * 24):
        course = points((0, "1.0"), (hours / 24, "3.0"))
        assert rises(course, CRITERIA)[1].by_ratio, hours


def test_the_remote_baseline_is_a_median() -> None:
    course = points((-366, 9), (-300, 1), (-200, 2), (-100, 4), (-8, 3), (-7, 9))
    found = remote_baseline(course, START, CRITERIA)
    assert found is not None
    assert found.value == Decimal("2.5")
    assert (days_between(START, found.start), days_between(START, found.end)) == (-300, -8)

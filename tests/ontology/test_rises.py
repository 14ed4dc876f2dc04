"""Rises of creatinine and the episodes that they open: what holds of every course."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ontology.rises import LONGEST_EPISODE, RECENT, REMOTE, Rule, SlidingLow, acute_times, assess
from ontology.series import Point, days_between
from ontology.values import Absent, AbsentReason

START = datetime(2024, 1, 1, 8, tzinfo=UTC)
Course = list[tuple[float, float]]
NONE = Absent(AbsentReason.NOT_FOUND)


def points(*values: tuple[float, str | float]) -> list[Point]:
    return [(START + timedelta(days=day), Decimal(str(value))) for day, value in values]


COURSES: st.SearchStrategy[Course] = st.lists(
    st.tuples(st.integers(0, 12_000).map(lambda h: h / 24), st.integers(40, 600).map(lambda v: v / 100)),
    unique_by=lambda point: point[0],
    max_size=25,
)


@given(COURSES)
def test_neither_order_nor_zone_matters(course: Course) -> None:
    given_points = points(*course)
    east = timezone(timedelta(hours=9))
    moved = [(time.astimezone(east), value) for time, value in reversed(given_points)]
    assert assess(given_points) == assess(moved)
    assert acute_times(given_points, NONE) == acute_times(moved, NONE)


@given(COURSES)
def test_an_episode_begins_above_its_reference_and_lasts_90_days_at_most(course: Course) -> None:
    for value in assess(points(*course)):
        if value.episode is None:
            assert not value.by_rise
            assert all(
                each is None or value.value < Decimal("1.5") * each.value for each in (value.recent, value.remote)
            )
        else:
            assert timedelta(0) <= value.time - value.episode.start <= LONGEST_EPISODE
            assert value.staging is not None
            assert value.staging.value <= value.episode.reference.value
            assert value.episode.raised(value.value) or value.by_rise


@given(COURSES, st.integers(1, 24))
def test_later_values_change_nothing_of_an_episode_whose_reference_came_before(course: Course, kept: int) -> None:
    ordered = points(*sorted(course))
    before, complete = assess(ordered[:kept]), assess(ordered)
    by_fall = any(v.episode is not None and v.episode.seen_by_fall for v in complete)
    if not by_fall:
        assert complete[: len(before)] == before


@given(COURSES, st.sampled_from([Decimal(2), Decimal(4), Decimal("0.5")]))
def test_ratios_hold_at_every_scale(course: Course, scale: Decimal) -> None:
    """What is begun by ratio in one course is so in the same course of other height, where no value rises by 0.3."""
    small = [(time, value * scale / 1000) for time, value in points(*course)]
    smaller = [(time, value / 1000) for time, value in points(*course)]
    assert acute_times(small, NONE) == acute_times(smaller, NONE)


@given(COURSES)
def test_a_course_that_never_rises_and_never_falls_is_never_acute(course: Course) -> None:
    assert acute_times(points(*((day, 2.0) for day, _ in course)), NONE) == frozenset()


@given(COURSES)
def test_references_lie_where_the_criteria_say(course: Course) -> None:
    for value in assess(points(*course)):
        if value.recent is not None:
            assert timedelta(0) < value.time - value.recent.start <= RECENT
        if value.remote is not None:
            assert RECENT < value.time - value.remote.end <= value.time - value.remote.start <= REMOTE


def acute_days(*values: tuple[float, str | float]) -> list[int]:
    return sorted(days_between(START, time) for time in acute_times(points(*values), NONE))


@pytest.mark.parametrize(
    ("course", "days"),
    [
        # By ratio: over below 1.5 times the reference, even where it is high.
        (((0, "1.0"), (1, "1.6"), (5, "2.0"), (20, "1.5"), (30, "1.49"), (40, "1.3")), [1, 5, 20]),
        # By 0.3 mg/dL alone: over below 0.3 above the lowest of those 48 hours.
        (((0, "1.2"), (1, "1.5"), (9, "1.5"), (20, "1.49")), [1, 9]),
        # For 90 days at most.
        (((0, "1.0"), (1, "2.0"), *((1 + 5 * i, "2.0") for i in range(1, 30))), list(range(1, 92, 5))),
    ],
)
def test_an_episode_ends(course: tuple[tuple[float, str], ...], days: list[int]) -> None:
    assert acute_days(*course) == days


def test_between_the_week_and_the_time_before_it_there_is_no_gap() -> None:
    for hours in range(7 * 24 - 30, 9 * 24):
        course = points((0, "1.0"), (hours / 24, "3.0"))
        assert assess(course)[1].episode is not None, hours


def test_the_reference_of_the_higher_ratio_is_frozen() -> None:
    by_week = assess(points((-60, "1.4"), (0, "1.0"), (3, "1.6")))[-1].episode
    by_year = assess(points((-60, "0.9"), (0, "1.4"), (3, "1.6")))[-1].episode
    assert by_week is not None
    assert by_year is not None
    assert (by_week.reference.rule, by_week.reference.value) == (Rule.LOWEST_OF_7_DAYS, Decimal("1.0"))
    assert (by_year.reference.rule, by_year.reference.value) == (Rule.MEDIAN, Decimal("0.9"))


def test_the_reference_of_the_year_is_a_median() -> None:
    found = assess(points((-366, 9), (-300, 2), (-200, 2.2), (-100, 2.8), (-8, 2.6), (-7, 2.9), (0, 2)))[-1].remote
    assert found is not None
    assert found.value == Decimal("2.4")
    assert (days_between(START, found.start), days_between(START, found.end)) == (-300, -8)


def test_excluded_values_are_neither_assessed_nor_compared_with() -> None:
    course = points((-60, "1.0"), (0, "3.0"), (1, "0.5"), (2, "1.4"))
    day = START + timedelta(days=1)
    found = assess(course, ((day, day),))
    assert [each.value for each in found] == [Decimal("1.0"), Decimal("3.0"), Decimal("1.4")]
    assert found[-1].episode is None
    assert assess(course)[-1].episode is not None


SPANS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=30)


@given(st.lists(st.integers(0, 5), min_size=90, max_size=90), SPANS)
def test_the_lowest_of_each_span_is_the_first_of_those_as_low(values: list[int], steps: list[tuple[int, int]]) -> None:
    course = points(*enumerate(values))
    spans, first, stop = [], 0, 0
    for on, further in steps:
        first, stop = first + on, stop + further
        spans.append((first, stop))
    expected = [min(course[a:b], key=lambda point: point[1], default=None) for a, b in spans]
    low = SlidingLow(course)
    assert [low.lowest(*span) for span in spans] == expected


class _Counted(Decimal):
    compared = 0

    def __gt__(self, other: object) -> bool:
        type(self).compared += 1
        return super().__gt__(other)  # type: ignore[operator]  # what Decimal compares with

    def __lt__(self, other: object) -> bool:
        type(self).compared += 1
        return super().__lt__(other)  # type: ignore[operator]  # what Decimal compares with


def test_a_dense_course_is_not_compared_with_itself() -> None:
    count = 2_000
    course = [(START + timedelta(hours=number), _Counted(100 + number % 7) / 100) for number in range(count)]
    _Counted.compared = 0
    assess([(time, _Counted(value)) for time, value in course])
    assert _Counted.compared <= 60 * count


def test_each_point_is_looked_at_once_however_wide_the_spans() -> None:
    course = [(START + timedelta(seconds=number), _Counted(number % 7)) for number in range(2_000)]
    _Counted.compared = 0
    low = SlidingLow(course)
    for stop in range(2_000):
        low.lowest(0, stop)
    assert 0 < _Counted.compared <= 2 * len(course)

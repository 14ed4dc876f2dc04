"""Series: calendar days in UTC, and one value a day."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ontology.series import days_between, first_of_each_day, window_minima

START = datetime(2024, 1, 1, 8, tzinfo=UTC)


def points(*values: tuple[float, str | float]) -> list[tuple[datetime, Decimal]]:
    return [(START + timedelta(days=day), Decimal(str(value))) for day, value in values]


def test_days_are_calendar_days_in_utc_whatever_the_zone() -> None:
    east = timezone(timedelta(hours=9))
    assert days_between(datetime(2024, 1, 2, 3, tzinfo=east), datetime(2024, 1, 1, 23, tzinfo=UTC)) == 0
    assert days_between(datetime(2024, 1, 1, 23, tzinfo=UTC), datetime(2024, 1, 2, 1, tzinfo=UTC)) == 1


def test_the_first_value_of_a_day_stands_for_it() -> None:
    found = first_of_each_day(points((0.2, 3), (0, 1), (0.1, 2), (1, 4)))
    assert [value for _, value in found] == [1, 4]


def test_neither_order_nor_zone_matters() -> None:
    given = points((0, 1), (0.4, 2), (0.8, 3), (2, 4))
    east = timezone(timedelta(hours=9))
    assert first_of_each_day([(time.astimezone(east), value) for time, value in reversed(given)]) == first_of_each_day(
        given
    )


SPANS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=30)


@given(st.lists(st.integers(0, 5), min_size=90, max_size=90), SPANS)
def test_the_lowest_of_each_span_is_the_first_of_those_as_low(values: list[int], steps: list[tuple[int, int]]) -> None:
    course = points(*enumerate(values))
    spans, first, stop = [], 0, 0
    for on, further in steps:
        first, stop = first + on, stop + further
        spans.append((first, stop))
    expected = [min(course[a:b], key=lambda point: point[1], default=None) for a, b in spans]
    assert window_minima(course, spans) == expected


class _Counted(Decimal):
    compared = 0

    def __gt__(self, other: Any) -> bool:
        type(self).compared += 1
        return super().__gt__(other)


def test_each_point_is_looked_at_once_however_wide_the_spans() -> None:
    course = [(START + timedelta(seconds=number), _Counted(number % 7)) for number in range(2_000)]
    window_minima(course, [(0, stop) for stop in range(2_000)])
    assert 0 < _Counted.compared <= 2 * len(course)

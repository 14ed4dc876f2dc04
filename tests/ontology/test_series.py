"""Series: calendar days in UTC, and one value a day."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from ontology.series import days_between, first_of_each_day, periods_of, series_of_periods

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


Days = tuple[tuple[float, float | None], ...]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((), ()),
        (((1, 2),), ((1, 2),)),
        (((5, 6), (1, 2)), ((1, 2), (5, 6))),
        (((1, 3), (2, 4), (4, 5)), ((1, 5),)),  # overlapping, touching
        (((1, 9), (2, 3), (10, 11)), ((1, 9), (10, 11))),
        (((1, 2), (4, None)), ((1, 2), (4, None))),
        (((1, None), (2, 3), (5, None)), ((1, None),)),  # what goes on takes in all that follows
    ],
)
def test_periods_are_joined_and_come_back(given: Days, expected: Days) -> None:
    def at(days: Days) -> list[tuple[datetime, datetime | None]]:
        return [
            (START + timedelta(days=start), None if end is None else START + timedelta(days=end)) for start, end in days
        ]

    assert periods_of(series_of_periods(at(given))) == tuple(at(expected))

"""Series of numbers over time, by calendar day.

Days are calendar days in UTC, since a series is known by its instants alone: what zone a record was written in
changes nothing.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypeAlias

Point: TypeAlias = tuple[datetime, Decimal]


def day(time: datetime) -> date:
    """The calendar day in UTC."""
    return time.astimezone(UTC).date()


def days_between(earlier: datetime, later: datetime) -> int:
    """Whole calendar days from one time to another (negative the other way round)."""
    return (day(later) - day(earlier)).days


def first_of_each_day(points: Iterable[Point]) -> tuple[Point, ...]:
    """The first value of each day, oldest first."""
    first: dict[date, Point] = {}
    for point in sorted(points):
        first.setdefault(day(point[0]), point)
    return tuple(first.values())

"""Series of numbers over time: by calendar day, and the lowest point of each window.

Days are calendar days in UTC, since a series is known by its instants alone: what zone a record was written in
changes nothing.
"""

from collections import deque
from collections.abc import Iterable, Sequence
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


def window_minima(points: Sequence[Point], windows: Iterable[tuple[int, int]]) -> list[Point | None]:
    """The first of the lowest points of each span of positions; None for an empty one.

    No span may begin or end before the one that it follows: so each point is looked at once, however many spans.
    """
    found: list[Point | None] = []
    rising: deque[int] = deque()
    seen = 0
    for first, stop in windows:
        for index in range(seen, stop):
            while rising and points[rising[-1]][1] > points[index][1]:
                rising.pop()
            rising.append(index)
        seen = max(seen, stop)
        while rising and rising[0] < first:
            rising.popleft()
        found.append(points[rising[0]] if rising else None)
    return found

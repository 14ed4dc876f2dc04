"""Series of numbers over time, by calendar day; and periods, as the times at which something went on and off.

Days are calendar days in UTC, since a series is known by its instants alone: what zone a record was written in
changes nothing.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypeAlias

from ontology.values import Series

Point: TypeAlias = tuple[datetime, Decimal]


Period: TypeAlias = tuple[datetime, datetime | None]
"""From when until when; None where it goes on."""
PERIODS = "{on}"
"""The unit of a series of periods: 1 from the point on at which one begins, 0 from where it ends."""
_ON, _OFF = Decimal(1), Decimal(0)


def series_of_periods(periods: Iterable[Period]) -> Series:
    """The periods as a series in ``PERIODS``, oldest first; those that overlap or touch are one."""
    points: list[Point] = []
    until: datetime | None = None
    for start, end in sorted(periods, key=lambda period: period[0]):
        if points and (until is None or start <= until):
            until = None if until is None or end is None else max(until, end)
            continue
        if until is not None:
            points.append((until, _OFF))
        points.append((start, _ON))
        until = end
    if until is not None:
        points.append((until, _OFF))
    return Series(tuple(points), PERIODS)


def periods_of(series: Series) -> tuple[Period, ...]:
    """The periods of a series in ``PERIODS``, oldest first; the last may go on."""
    ends = [time for time, state in series.points if not state]
    starts = [time for time, state in series.points if state]
    return tuple(zip(starts, [*ends, *[None] * (len(starts) - len(ends))], strict=True))


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

"""Acute rises in a series of numbers, each against a baseline, and the episodes that they open.

Nothing clinical is fixed here: the module that uses it gives the limits and names them in its warrant.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from statistics import median

from ontology.series import Point, day, days_between, window_minima


@dataclass(frozen=True, slots=True)
class RiseCriteria:
    """When a rise counts as acute: ``rise`` or more within ``rise_within``, or ``ratio`` times a baseline or more.

    The baseline is the lowest value within ``recent_days`` before; failing that the median of the values from then
    back to ``remote_days``; or the lowest within ``recent_days`` after, where that is lower still.  Rises and ratios
    are compared rounded half up to ``decimals``, so that a published limit holds in either unit system (26.5 µmol/L
    is 0.2998 mg/dL, published as 0.3).
    """

    rise: Decimal
    rise_within: timedelta
    ratio: Decimal
    recent_days: int
    remote_days: int
    decimals: int = 2

    def rounded(self, value: Decimal) -> Decimal:
        """As it is compared."""
        return value.quantize(Decimal(1).scaleb(-self.decimals), ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a value is compared with, by which rule, and from when until when the values behind it are."""

    value: Decimal
    rule: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Rise:
    """One value against what is known around it; None where there is nothing to compare with.

    ``increase`` is over ``lowest``, the least earlier value within the short window.
    """

    time: datetime
    value: Decimal
    lowest: Point | None
    increase: Decimal | None
    baseline: Baseline | None
    ratio: Decimal | None
    by_rise: bool
    by_ratio: bool

    @property
    def meets_criteria(self) -> bool:
        """Whether the value meets one of the criteria."""
        return self.by_rise or self.by_ratio

    @property
    def has_baseline(self) -> bool:
        """Whether there was anything to compare the value with."""
        return self.baseline is not None


def rises(points: Sequence[Point], criteria: RiseCriteria) -> tuple[Rise, ...]:
    """Every value, oldest first, with what it is compared with and whether the rise is acute."""
    ordered = sorted(points)
    course = _IndexedPoints(ordered, [time for time, _ in ordered], [day(time).toordinal() for time, _ in ordered])
    indices = range(len(ordered))
    short = window_minima(ordered, [course.short_window(index, criteria) for index in indices])
    before = window_minima(ordered, [course.days_before(index, criteria) for index in indices])
    after = window_minima(ordered, [course.days_after(index, criteria) for index in indices])
    return tuple(
        _compare_with_baseline(
            ordered[index],
            short[index],
            _choose_baseline(course, index, before[index], after[index], criteria),
            criteria,
        )
        for index in indices
    )


def remote_baseline(points: Iterable[Point], time: datetime, criteria: RiseCriteria) -> Baseline | None:
    """The median of the values before the recent days, back to ``remote_days``; None where there are none."""
    far = (p for p in points if criteria.recent_days < days_between(p[0], time) <= criteria.remote_days)
    return _median_baseline(sorted(far), criteria)


@dataclass(frozen=True, slots=True)
class _IndexedPoints:
    """Points in order, with their times and days beside them to search in: a course may have thousands.

    Each span of positions moves forward only, from one point to the next.
    """

    points: Sequence[Point]
    times: Sequence[datetime]
    days: Sequence[int]

    def short_window(self, index: int, criteria: RiseCriteria) -> tuple[int, int]:
        """What lies before a point, within the short window."""
        time = self.times[index]
        return bisect_left(self.times, time - criteria.rise_within), bisect_left(self.times, time)

    def days_before(self, index: int, criteria: RiseCriteria) -> tuple[int, int]:
        """What lies before a point, within the recent days."""
        return bisect_left(self.days, self.days[index] - criteria.recent_days), bisect_left(
            self.times, self.times[index]
        )

    def days_after(self, index: int, criteria: RiseCriteria) -> tuple[int, int]:
        """What lies after a point, within as many days."""
        return bisect_right(self.times, self.times[index]), bisect_right(
            self.days, self.days[index] + criteria.recent_days
        )


def _compare_with_baseline(
    point: Point, lowest: Point | None, baseline: Baseline | None, criteria: RiseCriteria
) -> Rise:
    time, value = point
    increase = None if lowest is None else criteria.rounded(value - lowest[1])
    ratio = None if baseline is None or baseline.value <= 0 else criteria.rounded(value / baseline.value)
    return Rise(
        time,
        value,
        lowest,
        increase,
        baseline,
        ratio,
        by_rise=increase is not None and increase >= criteria.rise,
        by_ratio=ratio is not None and ratio >= criteria.ratio,
    )


def _choose_baseline(
    course: _IndexedPoints, index: int, low_before: Point | None, low_after: Point | None, criteria: RiseCriteria
) -> Baseline | None:
    """The baseline from before; a lower value soon after takes its place, since the fall shows the rise."""
    before = _lowest_baseline(low_before, criteria, "before")
    if before is None:
        recent, _ = course.days_before(index, criteria)
        remote = bisect_left(course.days, course.days[index] - criteria.remote_days)
        before = _median_baseline(course.points[remote:recent], criteria)
    after = _lowest_baseline(low_after, criteria, "after")
    if before is None or (after is not None and after.value < before.value):
        return after
    return before


def _lowest_baseline(low: Point | None, criteria: RiseCriteria, where: str) -> Baseline | None:
    if low is None:
        return None
    at, value = low
    return Baseline(value, f"lowest value of the {criteria.recent_days} days {where}", at, at)


def _median_baseline(far: Sequence[Point], criteria: RiseCriteria) -> Baseline | None:
    if not far:
        return None
    rule = f"median of days {criteria.recent_days + 1} to {criteria.remote_days} before"
    return Baseline(median(value for _, value in far), rule, far[0][0], far[-1][0])


def episodes(points: Sequence[Point], criteria: RiseCriteria, longest: timedelta) -> dict[datetime, Rise]:
    """The times of all values within acute episodes, each with the rise that opened its episode.

    An episode runs from a value that meets the criteria until one is again below the least value that would have
    met them there, or for ``longest``, after which it is no longer called acute.
    """
    acute: dict[datetime, Rise] = {}
    opened: Rise | None = None
    for rise in rises(points, criteria):
        if opened is not None:
            over = rise.time - opened.time > longest
            below = criteria.rounded(rise.value) < _lowest_acute_value(opened, criteria)
            opened = None if over or below else opened
        if opened is None and rise.meets_criteria:
            opened = rise
        if opened is not None:
            acute[rise.time] = opened
    return acute


def _lowest_acute_value(rise: Rise, criteria: RiseCriteria) -> Decimal:
    limits = []
    if rise.by_rise and rise.lowest is not None:
        limits.append(rise.lowest[1] + criteria.rise)
    if rise.by_ratio and rise.baseline is not None:
        limits.append(rise.baseline.value * criteria.ratio)
    return criteria.rounded(min(limits))

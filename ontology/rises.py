"""Acute rises of creatinine, and the episodes of acute kidney injury that they open.

One reading of the KDIGO criteria (doi:10.1038/kisup.2011.32, recommendation 2.1.1) for all modules that need it.
A value meets them if any of three holds: (1) 1.5 times the lowest of the 168 hours before, or more; (2) 1.5 times the
median of the time from there back to 365 days, or more; (3) 0.3 mg/dL or more above the lowest of the 48 hours before.
"""

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from statistics import median

from ontology.series import Period, Point, periods_of
from ontology.values import Absent, Series

RISE = Decimal("0.2997")
"""In mg/dL: 0.3 mg/dL or 26.5 µmol/L, whichever is less; the second is 0.29977 mg/dL (and 0.2997 at 88.42)."""
RATIO = Decimal("1.5")
SHORT = timedelta(hours=48)
RECENT = timedelta(hours=168)
REMOTE = timedelta(days=365)
LONGEST_EPISODE = timedelta(days=90)
"""What is still raised after that is chronic."""
SAME_LEVEL = Decimal("1.2")
"""Our choice, about the reference change value of creatinine: a value up to here is no rise above an earlier level."""
_NOISE = Decimal("1e-9")
"""What a conversion of units may take off a quotient."""
Excluded = Sequence[tuple[datetime, datetime]]
_LAST = datetime.max.replace(tzinfo=UTC)


class Rule(StrEnum):
    """How a reference was found."""

    LOWEST_OF_48_HOURS = "lowest of 48 hours"
    LOWEST_OF_7_DAYS = "lowest of 7 days"
    MEDIAN = "median"
    LOWEST_AFTER = "later low"


@dataclass(frozen=True, slots=True)
class Reference:
    """What a value is compared with, in mg/dL, by which rule, and from when until when the values behind it are."""

    value: Decimal
    rule: Rule
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Episode:
    """An episode of acute kidney injury, by the value that began it, with the reference frozen there."""

    start: datetime
    reference: Reference
    by_rise_alone: bool

    @property
    def seen_by_fall(self) -> bool:
        """Whether only a later, lower value shows that the first one was raised."""
        return self.reference.rule is Rule.LOWEST_AFTER

    def raised(self, value: Decimal) -> bool:
        """Whether a value is still above the end of the episode."""
        if self.by_rise_alone:
            return value - self.reference.value >= RISE
        return at_least(value, RATIO, self.reference.value)


@dataclass(frozen=True, slots=True)
class AssessedValue:
    """One value with what is known before it: the references of criteria 1 to 3, and the episode that it lies in.

    ``chronic``: the episode that it has been raised since, for more than 90 days.  ``over``: the episode that it ended.
    """

    time: datetime
    value: Decimal
    recent: Reference | None
    remote: Reference | None
    short: Reference | None
    episode: Episode | None
    chronic: Episode | None
    over: Episode | None

    @property
    def by_rise(self) -> bool:
        """Whether criterion 3 is met."""
        return self.short is not None and self.value - self.short.value >= RISE

    @property
    def by_recent(self) -> bool:
        """Whether criterion 1 is met."""
        return self.recent is not None and at_least(self.value, RATIO, self.recent.value)

    @property
    def staging(self) -> Reference | None:
        """The reference of the highest ratio: that of its episode, or that of criterion 1 or 2."""
        frozen = None if self.episode is None else self.episode.reference
        known = [each for each in (frozen, self.remote, self.recent) if each is not None]
        return min(known, key=lambda each: each.value, default=None)


def at_least(value: Decimal, ratio: Decimal, reference: Decimal) -> bool:
    """Whether a value is ``ratio`` times the reference or more."""
    return reference > 0 and value >= ratio * reference - _NOISE


def assess(points: Iterable[Point], excluded: Excluded = ()) -> tuple[AssessedValue, ...]:
    """Every value in mg/dL, oldest first, against what came before it.

    An episode begins at the first value that meets the criteria, and freezes the reference of the higher ratio (by
    criterion 3 alone: the lowest of those 48 hours).  It is over at the first value below 1.5 times that reference
    (begun by 3 alone: less than 0.3 mg/dL above it) that does not meet criterion 3.  What is still raised after 90
    days is chronic, and is from then on compared with values since the episode began only.  Where nothing earlier is
    known, a value of the 168 hours after shows a rise.  Values within the ``excluded`` times (ends included) are
    neither assessed nor compared with.
    """
    kept = [point for point in points if not _lies_within(point[0], excluded)]
    return _Course(sorted(kept)).assess()


def dialysed_times(periods: Iterable[Period]) -> Excluded:
    """From the start of dialysis until 7 days after its end creatinine shows neither recovery nor a reference."""
    return tuple((start, _LAST if end is None else end + RECENT) for start, end in periods)


def dialysis_times(points: Iterable[Point], dialysis: Series | Absent) -> frozenset[datetime]:
    """The times of all values that dialysis conceals; ``dialysis``: its periods."""
    excluded = () if isinstance(dialysis, Absent) else dialysed_times(periods_of(dialysis))
    return frozenset(time for time, _ in points if _lies_within(time, excluded))


def acute_times(points: Iterable[Point], dialysis: Series | Absent) -> frozenset[datetime]:
    """The times of all values within episodes of acute kidney injury, but for those that dialysis conceals."""
    excluded = () if isinstance(dialysis, Absent) else dialysed_times(periods_of(dialysis))
    return frozenset(each.time for each in assess(points, excluded) if each.episode is not None)


def _lies_within(time: datetime, excluded: Excluded) -> bool:
    return any(first <= time <= last for first, last in excluded)


def earlier_level(risen: AssessedValue, values: Sequence[AssessedValue]) -> AssessedValue | None:
    """A value about as high, of the year before the low that the rise began from and of no episode; or None."""
    began = risen.episode
    if began is None or began.reference.rule in (Rule.MEDIAN, Rule.LOWEST_AFTER):
        return None
    since, low = began.start - REMOTE, began.reference.start
    before = [value for value in values if since <= value.time < low and _is_usual(value)]
    if not before:
        return None
    highest = max(before, key=lambda each: each.value)
    usual = highest.value if risen.remote is None else risen.remote.value
    fell = usual >= SAME_LEVEL * began.reference.value
    returned = risen.value <= highest.value or (fell and risen.value <= SAME_LEVEL * usual)
    return highest if returned else None


def _is_usual(value: AssessedValue) -> bool:
    """Whether a value is not known to be raised; one that only a fall shows to be may be the usual one."""
    return value.chronic is None and (value.episode is None or value.episode.seen_by_fall)


def median_outside_episodes(value: AssessedValue, values: Sequence[AssessedValue]) -> Decimal | None:
    """The median of criterion 2 without values of earlier episodes; None where there are none of them, or no others."""
    remote = value.remote
    if remote is None or value.chronic is not None:
        return None
    behind = [each for each in values if remote.start <= each.time <= remote.end]
    usual = [each.value for each in behind if each.episode is None and each.chronic is None]
    return median(usual) if usual and len(usual) < len(behind) else None


def gap_before(latest: AssessedValue, values: Sequence[AssessedValue]) -> tuple[AssessedValue, AssessedValue] | None:
    """The values at both ends of more than 90 days without any, of which the second is of the last 90 days; or None."""
    recent = next(place for place, value in enumerate(values) if value.time >= latest.time - LONGEST_EPISODE)
    before, after = values[max(0, recent - 1)], values[recent]
    return (before, after) if after.time - before.time > LONGEST_EPISODE else None


class _Course:
    """The values in order; each window moves forward only, so that a dense course of thousands stays cheap."""

    def __init__(self, points: Sequence[Point]) -> None:
        self.points = points
        self.times = [time for time, _ in points]
        # The position of the first value that references may come from.
        self.floor = 0
        self._short = SlidingLow(points)
        self._recent = SlidingLow(points)
        self._remote = _SlidingMedian(points)

    def assess(self) -> tuple[AssessedValue, ...]:
        found: list[AssessedValue] = []
        episode: Episode | None = None
        chronic: Episode | None = None
        for index, (time, value) in enumerate(self.points):
            over: Episode | None = None
            short, recent, remote = self._references(index)
            by_rise = short is not None and value - short.value >= RISE
            if episode is not None and not episode.raised(value) and not by_rise:
                episode, over = None, episode
            elif episode is not None and time - episode.start > LONGEST_EPISODE:
                self.floor = bisect_left(self.times, episode.start)
                episode, chronic = None, episode
                short, recent, remote = self._references(index)
            if chronic is not None and not chronic.raised(value):
                chronic = None
            if episode is None:
                episode = self._begin(index, short, recent, remote)
            found.append(AssessedValue(time, value, recent, remote, short, episode, chronic, over))
        return tuple(found)

    def _references(self, index: int) -> tuple[Reference | None, Reference | None, Reference | None]:
        """Of criteria 3, 1 and 2."""
        time = self.times[index]
        before = bisect_left(self.times, time)
        week = self._since(time - RECENT)
        short = self._short.lowest(self._since(time - SHORT), before)
        recent = self._recent.lowest(week, before)
        remote = self._remote.median(self._since(time - REMOTE), week)
        return _lowest(short, Rule.LOWEST_OF_48_HOURS), _lowest(recent, Rule.LOWEST_OF_7_DAYS), remote

    def _since(self, time: datetime) -> int:
        return max(self.floor, bisect_left(self.times, time))

    def _begin(
        self, index: int, short: Reference | None, recent: Reference | None, remote: Reference | None
    ) -> Episode | None:
        time, value = self.points[index]
        known = [each for each in (remote, recent) if each is not None]
        lower = min(known, key=lambda each: each.value, default=None)
        if lower is None:
            stop = bisect_right(self.times, time + RECENT)
            after = min(self.points[bisect_right(self.times, time) : stop], key=lambda point: point[1], default=None)
            later = _lowest(after, Rule.LOWEST_AFTER)
            if later is None or not at_least(value, RATIO, later.value):
                return None
            return Episode(time, later, False)
        if at_least(value, RATIO, lower.value):
            return Episode(time, lower, False)
        if short is not None and value - short.value >= RISE:
            return Episode(time, short, True)
        return None


class SlidingLow:
    """The lowest point of a span of positions that moves forward.

    No span may begin or end before the one that it follows: so each point is looked at once, however many spans.
    """

    def __init__(self, points: Sequence[Point]) -> None:
        self._points = points
        self._rising: deque[int] = deque()
        self._seen = 0

    def lowest(self, first: int, stop: int) -> Point | None:
        """The first of the lowest points from position ``first`` to before ``stop``; None for an empty span."""
        points, rising = self._points, self._rising
        for index in range(self._seen, stop):
            while rising and points[rising[-1]][1] > points[index][1]:
                rising.pop()
            rising.append(index)
        self._seen = max(self._seen, stop)
        while rising and rising[0] < first:
            rising.popleft()
        return points[rising[0]] if rising else None


class _SlidingMedian:
    """The median of a span of positions that moves forward."""

    def __init__(self, points: Sequence[Point]) -> None:
        self._points = points
        self._ordered: list[Decimal] = []
        self._first = self._stop = 0

    def median(self, first: int, stop: int) -> Reference | None:
        stop = max(first, stop)
        for index in range(self._stop, stop):
            if index >= first:
                insort(self._ordered, self._points[index][1])
        for index in range(self._first, min(first, self._stop)):
            del self._ordered[bisect_left(self._ordered, self._points[index][1])]
        self._first, self._stop = max(first, self._first), max(stop, self._stop)
        count = len(self._ordered)
        if not count:
            return None
        middle = (self._ordered[(count - 1) // 2] + self._ordered[count // 2]) / 2
        return Reference(middle, Rule.MEDIAN, self._points[first][0], self._points[stop - 1][0])


def _lowest(point: Point | None, rule: Rule) -> Reference | None:
    return None if point is None else Reference(point[1], rule, point[0], point[0])

"""A result over time as a small line, with the table that says the same."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from ontology.values import Absent, Quantity
from ontology.words.time import moment_words
from server.explain.results import AnswerResult, Status
from server.explain.short_text import worded_value
from server.pages.marked import marked, marked_value

_HEIGHT, _ROOM = 32, 4
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """The result as of one time; ``x`` in percent of the width, ``y`` in pixels of the height."""

    when: str
    value: Markup
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Trend:
    """Oldest first, the result itself last; ``gaps``: at how many times there was no number."""

    points: tuple[TrendPoint, ...]
    lines: tuple[tuple[TrendPoint, TrendPoint], ...]
    gaps: int
    height: int = _HEIGHT


def trend(points: Sequence[AnswerResult], now: AnswerResult) -> Trend | None:
    """The numbers at the times at which the inputs changed, and now; None where there are fewer than two.

    Only a complete number is a point: the lower end of a range is none.
    """
    # The newest change is what the result is computed from: one time for all numbers of a page.
    before = [each for each in points if each.at < now.at]
    if before and before[-1].effective == now.effective:
        before = before[:-1]
    found = [each for each in (*before, now) if each.status is Status.COMPLETE and isinstance(each.value, Quantity)]
    # Other records, or more time, that changed nothing are no further point.
    found = [
        each
        for at, each in enumerate(found)
        if not any(_is_same(each, later, now.at) for later in found[at + 1 : at + 2])
    ]
    if len(found) < _FEWEST or found[-1] is not now:
        return None
    times = [time_of(each) for each in found]
    numbers = [float(each.value.value) for each in found if isinstance(each.value, Quantity)]
    first, last, least, most = times[0], times[-1], min(numbers), max(numbers)
    length = (last - first).total_seconds() or 1.0
    shown = tuple(
        TrendPoint(
            moment_words(when, now.at, each.circumstances.style),
            _words(each, now),
            round(2 + 96 * (when - first).total_seconds() / length, 2),
            round(
                _HEIGHT - _ROOM - (_HEIGHT - 2 * _ROOM) * ((number - least) / (most - least) if most > least else 0.5),
                1,
            ),
        )
        for each, when, number in zip(found, times, numbers, strict=True)
    )
    gaps = sum(isinstance(each.value, Absent) for each in before)
    return Trend(shown, tuple(itertools.pairwise(shown)), gaps)


def _is_same(one: AnswerResult, other: AnswerResult, at: datetime) -> bool:
    style = one.circumstances.style
    if moment_words(time_of(one), at, style) != moment_words(time_of(other), at, style):
        return False
    return _words(one, one).striptags() == _words(other, other).striptags()


def time_of(result: AnswerResult) -> datetime:
    """Of when a result is: the newest of its records, but not later than the evaluation."""
    return result.effective if result.effective is not None and result.effective <= result.at else result.at


def _words(result: AnswerResult, now: AnswerResult) -> Markup:
    """The value; one of an earlier time is as of then."""
    style, when = result.circumstances.style, now.effective if result is now else result.at
    own = worded_value(result.own_claim, result.concept.display)
    if own is not None:
        return marked(result.value, own, when)
    return marked_value(result.value, result.concept, when, style, result.decimals)

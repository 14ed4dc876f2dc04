"""Since when a result has been what it is, in one sentence; of one without a value, when there last was one."""

from collections.abc import Sequence

from markupsafe import Markup

from ontology.values import Absent, Coding, Quantity
from ontology.words.lists import begin_small
from ontology.words.time import calendar_words, moment_words
from ontology.words.values import concept_words
from server.explain.results import AnswerResult, Status
from server.pages.marked import marked_result
from server.pages.not_retrieved import lacks_records
from server.pages.rendering import initial, words
from server.pages.trend import time_of, trend

_NEVER_HAD = (Status.NOT_APPLICABLE, Status.FAILED)


def since_sentence(points: Sequence[AnswerResult], now: AnswerResult) -> Markup:
    """Since when a category, a yes, a range or the band of a number has been so, and what was before.

    ``points``: the result at the times at which its inputs changed, oldest first; none where they could not be
    computed, of which nothing is said.  Of a number without an earlier one it says that, of no value when there last
    was one.  Times at which there was no value end no course.
    """
    before = [each for each in points if each.at < now.at]
    if not before or now.status in _NEVER_HAD:
        return Markup()
    earlier = [each for each in before if not isinstance(each.value, Absent)]
    if isinstance(now.value, Absent):
        return _last_value(earlier, before[0], now)
    if not isinstance(now.value, Quantity):
        return _same_since(earlier, before, now, "Since")
    if now.status is Status.COMPLETE:
        return _none_before(before[0], now) if trend(points, now) is None else _band_since(before, now)
    return _same_since(earlier, before, now, "The same since") if earlier else _none_before(before[0], now)


def _last_value(earlier: list[AnswerResult], first: AnswerResult, now: AnswerResult) -> Markup:
    if lacks_records(now):
        # What was not retrieved may have had a value.
        return Markup()
    if not earlier:
        return words(f"No usable value at any time since {_day(first, now)}.")
    return Markup("{} {}{}").format(
        words("Last value:"), marked_result(earlier[-1]), words(f" on {_when(earlier[-1], now)}.")
    )


def _none_before(first: AnswerResult, now: AnswerResult) -> Markup:
    if lacks_records(now):
        return Markup()
    return words(f"No earlier value for comparison since {_day(first, now)}.")


def _same_since(earlier: list[AnswerResult], course: list[AnswerResult], now: AnswerResult, begin: str) -> Markup:
    """Since when value and limits have been these; ``earlier``: the values of the ``course``."""
    oldest = now
    for each in reversed(earlier):
        if (each.value, each.bounds) != (now.value, now.bounds):
            before = marked_result(each) if isinstance(each.value, Quantity) else words(_words(each))
            if _began_unrecorded(oldest, each, now):
                return Markup("{}{}.").format(words(f"On {_asked(each, now)} the answer still was "), before)
            start = "Since" if oldest is now else begin
            return Markup("{}{}.").format(words(f"{start} {_when(oldest, now)}; before that "), before)
        oldest = each
    return words(f"{begin} {_when(oldest, now, course)} at least.")


def _began_unrecorded(oldest: AnswerResult, other: AnswerResult, now: AnswerResult) -> bool:
    """Whether no record later than the ``other`` result dates the ``oldest`` of those that are as now.

    A birthday passed, or an old record is no longer used.  Where all that is on record goes on (diagnoses), the time
    of a result is that at which it was asked for.
    """
    return time_of(oldest) <= other.at or (oldest is now and time_of(now) == now.at)


def _words(result: AnswerResult) -> str:
    return concept_words(result.value, result.concept, style=result.circumstances.style)


def _band_since(before: list[AnswerResult], now: AnswerResult) -> Markup:
    """Since when the number has been in its band; nothing where the course shows no other number."""
    band, oldest = _band(now), now
    if band is None:
        return Markup()
    name = initial(band.display or band.code)
    for each in reversed(before):
        other = _band(each)
        if other is None:
            continue
        if other.code != band.code:
            then = begin_small(other.display or other.code)
            if _began_unrecorded(oldest, each, now):
                return words(f"On {_asked(each, now)} the band still was: {then}.")
            return words(f"{name} since {_when(oldest, now)}; before that {then}.")
        oldest = each
    return words(f"{name} since {_when(oldest, now, before)} at least.") if oldest is not now else Markup()


def _band(result: AnswerResult) -> Coding | None:
    """The band of a complete number: a range may lie in two."""
    meant = result.interpretation
    return meant.code if meant is not None and result.status is Status.COMPLETE else None


def _when(result: AnswerResult, now: AnswerResult, course: Sequence[AnswerResult] = ()) -> str:
    """Of when a result is; not before its ``course``, since the day of a diagnosis is none of a conclusion."""
    when = max([time_of(result), *(each.at for each in course[:1])])
    return moment_words(when, now.at, now.circumstances.style)


def _asked(earlier: AnswerResult, now: AnswerResult) -> str:
    return moment_words(earlier.at, now.at, now.circumstances.style)


def _day(first: AnswerResult, now: AnswerResult) -> str:
    return calendar_words(first.at, now.circumstances.style)

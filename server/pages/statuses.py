"""The five statuses of an answer, each by four signals: frame, icon, words, and what stands where the number would."""

from dataclasses import dataclass, replace
from decimal import Decimal
from math import floor, log10

from markupsafe import Markup

from ontology.evaluation import Interval
from ontology.values import Absent
from ontology.words.quantities import amount, number_words
from ontology.words.values import in_local_limits, limits_words
from server.explain.phrases import maturity_notice
from server.explain.results import AnswerResult, Status
from server.explain.short_text import meaning_texts, why_absent, with_calendar_days
from server.pages.doubts import Doubts, doubts_of
from server.pages.marked import marked_result
from server.pages.not_retrieved import lacks_records
from server.pages.rendering import initial, words

_WORDS = {
    Status.COMPLETE: "Inputs complete",
    Status.PARTIAL: "Some inputs are not known",
    Status.INSUFFICIENT: "Not enough data",
    Status.NOT_APPLICABLE: "Does not apply",
    Status.FAILED: "Could not be computed",
}
_CAUTIONED = "Computed; see the cautions"
"""Of a complete answer with cautions, which is no all-clear."""
_NOT_RETRIEVED = "Records could not be retrieved"
"""Of an answer without a value where a source did not answer: whether there is enough data is not known."""
_NO_VALUE = Markup("No value")
_FAULT = "A fault of this server, not of the record."


@dataclass(frozen=True, slots=True)
class BoundsBar:
    """Where a value without a number lies, in percent of what it could be at all; ``text`` says the same."""

    left: float
    width: float
    low: str
    high: str
    text: str


@dataclass(frozen=True, slots=True)
class Shown:
    """How a status is shown: ``value`` stands where the number would be, ``reason`` says why there is none.

    ``icon``: that of the kind, but of a complete answer with cautions.  None is a tick, which would read as an
    all-clear.  ``notice`` stands above a value that is not for clinical use.
    """

    kind: str
    label: str
    value: Markup
    long: bool
    reason: str
    bar: BoundsBar | None
    icon: str
    notice: str = ""


def shown_status(result: AnswerResult, doubts: Doubts | None = None) -> Shown:
    """The signals of an answer's status; ``doubts``: those of the result, where they are known already."""
    shown, step = _signals(result, doubts), result.step
    if step is None or isinstance(result.value, Absent):
        return shown
    return replace(shown, notice=initial(maturity_notice(step.module)))


def _signals(result: AnswerResult, doubts: Doubts | None) -> Shown:
    kind, label, bar = result.status.value.lower().replace("_", "-"), _WORDS[result.status], _bounds_bar(result)
    style = result.circumstances.style
    match result.status:
        case Status.COMPLETE | Status.PARTIAL:
            value, icon = claimed_flag(result) or marked_result(result), kind
            if result.status is Status.COMPLETE and (doubts or doubts_of(result)).texts:
                label, icon = _CAUTIONED, "cautioned"
            return Shown(kind, label, value, len(value.striptags()) > _LONG, "", bar, icon)
        case Status.NOT_APPLICABLE:
            return Shown(kind, label, words(initial(why_absent(result, style))), True, "", None, kind)
        case Status.FAILED:
            names = [step.fingerprint[:8] for step in result.chain[-1:] if step.fingerprint]
            named = f" Tell your administrator: id {names[0]}." if names else ""
            return Shown(kind, label, _NO_VALUE, False, f"{_FAULT}{named}", None, kind)
        case _:
            label = _NOT_RETRIEVED if lacks_records(result) else label
            return Shown(kind, label, _NO_VALUE, False, f"{initial(why_absent(result, style))}.", bar, kind)


def claimed_flag(result: AnswerResult) -> Markup | None:
    """What stands for a yes or a no: the module's own sentence, where it has one.

    "no" alone would be taken for more than "not up to the latest creatinine, 14 days ago".
    """
    if not isinstance(result.value, bool) or result.own_claim is None:
        return None
    return words(initial(with_calendar_days(result.own_claim.rstrip("."))))


def further_meaning(result: AnswerResult) -> list[str]:
    """What the value means, beyond what stands in its place."""
    texts = meaning_texts(result, result.circumstances.style)
    if claimed_flag(result) is None or result.own_claim is None:
        return texts
    return [each for each in texts if each != result.own_claim.rstrip(".")]


_LONG = 24
"""A value of more characters is a sentence, and set smaller."""


def _bounds_bar(result: AnswerResult) -> BoundsBar | None:
    bounds = result.bounds
    if bounds is None or bounds.low == bounds.high:
        return None
    style, concept = result.circumstances.style, result.concept
    local = in_local_limits(bounds, concept, style)
    least, most = _range(result, local)
    if most <= least:
        return None
    low, high = (float(each) for each in (local.low, local.high))
    left, right = (100 * (each - least) / (most - least) for each in (low, high))
    return BoundsBar(
        max(0.0, left),
        min(100.0, right) - max(0.0, left),
        number_words(Decimal(f"{least:g}")),
        amount(Decimal(f"{most:g}"), local.unit),
        limits_words(local, concept, result.decimals if local is bounds else None, style),
    )


def _range(result: AnswerResult, bounds: Interval) -> tuple[float, float]:
    """What the value could be at all: of a risk all of it, of a score all its points, else from 0 to a round number."""
    if bounds.unit == "%":
        return 0.0, 100.0
    step = result.step
    if step is not None and step.module.criteria:
        parts = [[float(band.points) for band in each.bands] for each in step.module.criteria]
        return sum(min(0.0, *each) for each in parts), max(sum(max(each) for each in parts), float(bounds.high))
    return 0.0 - _round_up(-float(bounds.low)), _round_up(float(bounds.high))


def _round_up(number: float) -> float:
    """The next of 1, 2, 5, 10, 20 and so on: the end of a scale, and no limit of the value."""
    if number <= 0:
        return 0.0
    step: float = 10.0 ** floor(log10(number))
    return next(step * each for each in (1, 2, 5, 10) if step * each >= number)

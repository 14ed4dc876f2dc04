"""What moved a result, as rows with a bar each: every bar begins where the one above ends, in percent of the width."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import exp, floor, log, log10

from markupsafe import Markup

from ontology.values import Absent, Series, Value
from ontology.words import Style
from ontology.words.quantities import amount, minus, number_words, unit_words
from ontology.words.time import moment_words
from ontology.words.values import concept_words
from server.attribution.result import CODE, LOG_ODDS, POINTS, Attribution, AttributionItem
from server.explain.attribution_text import describe_change, rank_words
from server.explain.comparisons import AttributionView, Baseline, Comparison
from server.explain.results import AnswerResult
from server.explain.short_text import with_calendar_days
from server.pages.context import PageContext
from server.pages.marked import marked
from server.pages.moved_text import input_name, moved_in_short
from server.pages.rendering import words

_MOST_ROWS = 12
_MARGIN = 0.06
_EDGE = 12
_RISKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)
_FEWEST, _MOST_TICKS = 2, 5


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of the scale, in percent of the width; at an end of it the text stands inside (``anchor``)."""

    place: float
    text: str

    @property
    def anchor(self) -> str:
        """Which end of the text stands at the place."""
        return "start" if self.place < _EDGE else "end" if self.place > 100 - _EDGE else "middle"


@dataclass(frozen=True, slots=True)
class MovedRow:
    """One input: its values at both ends, how much beside the others, and its bar (None: a code has no amounts)."""

    name: str
    before: Markup
    after: Markup
    how: str
    up: bool
    left: float | None
    width: float
    record: str | None


@dataclass(frozen=True, slots=True)
class Moved:
    """What moved a result: in ``text`` and in ``rows``; ``start`` and ``end`` are where the bars begin and end.

    ``ends``: the head of the column with the values at both ends.
    """

    heading: str
    ends: str
    short: str
    text: str
    rows: tuple[MovedRow, ...]
    more: int
    ticks: tuple[Tick, ...]
    start: float
    end: float
    scale: str


def moved_view(result: AnswerResult, context: PageContext) -> Moved | None:
    """What moved it since an earlier time where there is such a result, else from usual values; None: neither."""
    found = result.attributions.items()
    for comparison, view in sorted(found, key=lambda item: item[0].baseline is not Baseline.EARLIER):
        if isinstance(view, AttributionView) and _says_something(view, comparison):
            return _moved(result, comparison, view, context)
    return None


def _says_something(view: AttributionView, comparison: Comparison) -> bool:
    return comparison.baseline is not Baseline.EARLIER or not (view.before is None or isinstance(view.before, Absent))


def _moved(result: AnswerResult, comparison: Comparison, view: AttributionView, context: PageContext) -> Moved:
    style, made = result.circumstances.style, view.attribution
    heading, ends = "Compared with usual values", "Usual → now"
    if comparison.since is not None:
        heading, ends = f"What moved it, compared with {moment_words(comparison.since, result.at, style)}", "Then → now"
    text = with_calendar_days(view.text)
    # Of a range neither end stands for it.
    is_open = made.base_bounds is not None or made.output_bounds is not None
    short = "" if is_open else moved_in_short(result, comparison, view, style)
    if made.scale == CODE:
        rows = tuple(_row(item, "decides" if item.needed else "would suffice", result, context) for item in made.items)
        return Moved(heading, ends, short, text, rows[:_MOST_ROWS], max(0, len(rows) - _MOST_ROWS), (), 0, 0, "")
    # Of points the number says how much.
    ranked = [(item, how or minus(f"{item.amount:+.4g}")) for item, how in rank_words(made)]
    shown = ranked[:_MOST_ROWS]
    reached = [made.base]
    for item, _ in shown:
        reached.append(reached[-1] + item.amount)
    # What is not shown has a part in the end.
    least, most = min(*reached, made.output), max(*reached, made.output)
    room = (most - least) * _MARGIN or 1.0
    least, most = least - room, most + room

    def place(number: float) -> float:
        return round(100 * (number - least) / (most - least), 2)

    bars = [
        _row(item, how, result, context, place(min(start, start + item.amount)), abs(place(item.amount) - place(0.0)))
        for (item, how), start in zip(shown, reached, strict=False)
    ]
    scale = _scale_words(made)
    ticks = tuple(_ticks(made, least, most, place))
    more, begin, end = len(ranked) - len(shown), place(made.base), place(made.output)
    return Moved(heading, ends, short, text, tuple(bars), more, ticks, begin, end, scale)


def _scale_words(made: Attribution) -> str:
    """What the marks of the scale are."""
    if made.scale == LOG_ODDS:
        return "Log-odds scale, marked in risks."
    return f"Scale in {unit_words(made.scale)}." if made.scale not in (POINTS, "%", "1", "") else ""


def _row(
    item: AttributionItem,
    how: str,
    result: AnswerResult,
    context: PageContext,
    left: float | None = None,
    width: float = 0.0,
) -> MovedRow:
    records, style = item.records, result.circumstances.style
    return MovedRow(
        input_name(item),
        _end(item, item.before, item.effective_before, 0, style),
        _end(item, item.after, item.effective, 1, style),
        how,
        item.amount > 0,
        left,
        width,
        context.record(records[-1], result.concept.id) if records else None,
    )


def _end(item: AttributionItem, value: Value, when: datetime | None, side: int, style: Style) -> Markup:
    """One end of a change, with as many digits as the sentence about it has."""
    if isinstance(value, Series):
        return words(with_calendar_days(concept_words(value, item.concept, style=style)))
    # "serum creatinine 2.06 → 2.27 mg/dL": the unit stands once, at the end.
    begin, _, end = describe_change(item, style).partition(" → ")
    return marked(value, end if side else _number_of(begin, item), when)


def _number_of(begin: str, item: AttributionItem) -> str:
    name = item.concept.display
    return begin[len(name) :].strip() if begin.casefold().startswith(name.casefold()) else begin


def _ticks(made: Attribution, least: float, most: float, place: Callable[[float], float]) -> Iterator[Tick]:
    if made.scale == LOG_ODDS:
        low, high = (1 / (1 + exp(-each)) for each in (least, most))
        inside = [each for each in _RISKS if low < each < high]
        if len(inside) < _FEWEST:
            inside = [low + (high - low) * part for part in (0.25, 0.75)]
        every = max(1, -(-len(inside) // _MOST_TICKS))
        for risk in inside[::every]:
            yield Tick(place(log(risk / (1 - risk))), f"{number_words(Decimal(f'{100 * risk:.2g}'))} %")
        return
    step: float = 10.0 ** floor(log10((most - least) / _FEWEST)) if most > least else 1.0
    while (most - least) / step > _MOST_TICKS:
        step *= 2 if (most - least) / (step * 2) > _FEWEST else 2.5
    number: float = floor(least / step + 1) * step
    # The unit of others is said above: three of "mL/min/1.73 m² a year" do not fit beside each other.
    unit = "{score}" if made.scale == POINTS else made.scale if made.scale == "%" else ""
    while number < most:
        text = amount(Decimal(f"{number:.6g}"), unit)
        yield Tick(place(number), minus(text) if number < 0 else text)
        number += step

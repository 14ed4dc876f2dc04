"""What moved a result, as rows with a bar each: every bar begins where the one above ends, in percent of the width."""

from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from ontology.values import Absent, Series, Value
from ontology.words import Style
from ontology.words.quantities import minus
from ontology.words.time import moment_words
from ontology.words.values import concept_words
from server.attribution.result import CODE, AttributionItem
from server.explain.attribution_text import describe_change, has_direction, rank_words
from server.explain.comparisons import AttributionView, Baseline, Comparison
from server.explain.results import AnswerResult
from server.explain.short_text import with_calendar_days
from server.pages.context import PageContext
from server.pages.marked import marked
from server.pages.moved_text import input_name, moved_in_short
from server.pages.rendering import words
from server.pages.scale_marks import Tick, scale_words, ticks_of

_MOST_ROWS = 12
_EARLIER_ENDS = "Then → now"
_MARGIN = 0.06


@dataclass(frozen=True, slots=True)
class MovedRow:
    """One input: its values at both ends, how much beside the others, and its bar (None: a code has no amounts).

    ``up``: which way; None where that cannot be said.  ``before_when``, ``after_when``: of when the records are.
    """

    name: str
    before: Markup
    after: Markup
    before_when: str
    after_when: str
    how: str
    up: bool | None
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

    @property
    def is_earlier(self) -> bool:
        """Whether it is compared with an earlier time, not with usual values."""
        return self.ends == _EARLIER_ENDS


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
        heading, ends = (
            f"What moved it, compared with {moment_words(comparison.since, result.at, style)}",
            _EARLIER_ENDS,
        )
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

    total = sum(abs(item.amount) for item in made.items)
    bars = [
        _row(
            item,
            how,
            result,
            context,
            None if how and not has_direction(item.amount, total) else item.amount > 0,
            place(min(start, start + item.amount)),
            abs(place(item.amount) - place(0.0)),
        )
        for (item, how), start in zip(shown, reached, strict=False)
    ]
    scale = scale_words(made)
    ticks = tuple(ticks_of(made, least, most, place))
    more, begin, end = len(ranked) - len(shown), place(made.base), place(made.output)
    return Moved(heading, ends, short, text, tuple(bars), more, ticks, begin, end, scale)


def _row(
    item: AttributionItem,
    how: str,
    result: AnswerResult,
    context: PageContext,
    up: bool | None = None,
    left: float | None = None,
    width: float = 0.0,
) -> MovedRow:
    records, style = item.records, result.circumstances.style
    # What a series has is from when to when.
    dated = not isinstance(item.after, Series)
    return MovedRow(
        input_name(item),
        _end(item, item.before, item.effective_before, 0, style),
        _end(item, item.after, item.effective, 1, style),
        _day(item.effective_before, result) if dated else "",
        _day(item.effective, result) if dated else "",
        how,
        up,
        left,
        width,
        context.record(records[-1], result.concept.id) if records else None,
    )


def _day(when: datetime | None, result: AnswerResult) -> str:
    """Of when an input is, where its records say so."""
    return "" if when is None else moment_words(when, result.at, result.circumstances.style)


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

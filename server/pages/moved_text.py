"""What moved a result, in one sentence of a page: from where to where, and the inputs that moved it most."""

import re
from dataclasses import replace

from ontology.values import Quantity, Series
from ontology.words import Style
from ontology.words.lists import begin_small, list_words
from ontology.words.quantities import minus
from server.attribution.result import CODE, POINTS, Attribution, AttributionItem
from server.explain.attribution_text import describe_change, rank_words
from server.explain.comparisons import AttributionView, Comparison
from server.explain.results import AnswerResult
from server.explain.short_moved import moved_words
from server.explain.short_text import with_calendar_days
from server.pages.rendering import initial

_MORE = re.compile(r" \((?:(\d+) more: )?-vv\)")
_MOST_NAMED, _FEW = 7, 3
_USUAL = " with usual values"


def moved_in_short(result: AnswerResult, comparison: Comparison, view: AttributionView, style: Style) -> str:
    """From where to where, and what moved it most; of points each input with its own."""
    items = sorted((each for each in view.attribution.items if each.amount), key=lambda each: -abs(each.amount))
    text = moved_words(result, comparison, view, style)
    begin, colon, rest = text.partition(": ")
    if view.attribution.scale == POINTS and colon and items:
        named = [f"{begin_small(each.concept.display)} {minus(f'{each.amount:+.4g}')}" for each in items]
        rest = ", ".join(named[:_MOST_NAMED]) + (f" and {len(named) - _MOST_NAMED} more" if named[_MOST_NAMED:] else "")
    elif view.attribution.scale != CODE and items:
        rest = _movers(view.attribution, rest, style)
    for each in view.attribution.items:
        rest = rest.replace(describe_change(each, style), _change_in_short(each, style))
    if begin.endswith(_USUAL):
        # An arrow would read as a change over time.
        before, arrow, now = begin.removesuffix(_USUAL).partition(" → ")
        begin = f"{now} instead of {before} with usual values" if arrow else "The same with usual values"
        if before and before == now.split(" ")[0]:
            begin = f"{now}, as with usual values when rounded"
    # Without the hints of the command line.
    return f"{initial(with_calendar_days(_MORE.sub(_and_more, f'{begin}{colon}{rest}')))}."


def _movers(made: Attribution, words: str, style: Style) -> str:
    """The words for what moved it; where they name but one of several, three of them."""
    ranked = rank_words(made)
    more = _MORE.search(words)
    if any(isinstance(each.after, Series) for each, _ in ranked):
        # How many values from when to when is in the table.
        return list_words(f"{begin_small(input_name(each))} {how}".strip() for each, how in ranked)
    if more is None or int(more[1] or 0) < _FEW:
        return words
    named = [f"{describe_change(each, style)} {how}" for each, how in ranked[:_FEW]]
    rest = len(ranked) - len(named)
    return ", ".join(named) + (f" and {rest} more" if rest else "")


def _change_in_short(item: AttributionItem, style: Style) -> str:
    """An input at both ends; of a series its latest value: how many there are from when to when is in the table."""
    before, after = item.before, item.after
    if not isinstance(before, Series) or not isinstance(after, Series) or not before.points or not after.points:
        return describe_change(item, style)
    name = begin_small(input_name(item))
    begin, end = (Quantity(each.points[-1][1], each.unit) for each in (before, after))
    if begin == end:
        return f"{name}, {len(before.points)} → {len(after.points)} values"
    latest = describe_change(replace(item, before=begin, after=end), style)
    return f"{name}, latest {latest.removeprefix(begin_small(item.concept.display)).strip()}"


def _and_more(found: re.Match[str]) -> str:
    return f" and {found[1]} more" if found[1] else ""


def input_name(item: AttributionItem) -> str:
    """What an input is called; a series of values is one over time."""
    return item.concept.display + (" over time" if isinstance(item.after, Series) else "")

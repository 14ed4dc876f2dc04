"""From where to where a result moved, and what moved it, in two lines."""

import re

from ontology.concepts import Concept
from ontology.evaluation import Issue
from ontology.values import Absent, Quantity, Value
from ontology.words import Style
from ontology.words.quantities import brief_number, rounded_words
from ontology.words.time import moment_words
from ontology.words.values import (
    brief_words,
    concept_words,
    in_local_unit,
)
from server.attribution.result import CODE, Attribution
from server.explain.attribution_text import describe_deciding_inputs, describe_players
from server.explain.claims import WHAT_IF
from server.explain.comparisons import AttributionView, Baseline, Comparison
from server.explain.layout import labelled
from server.explain.results import AnswerResult

_MOST_MOVERS = 3
_WHENCE = {
    Baseline.REFERENCE: "with usual values",
    Baseline.EARLIER: "since then",
    Baseline.ACTUAL: "by the assumption",
}
_MORE_MOVERS = re.compile(r", (\d+) more inputs?, none more than these$")
_MOST_LINES, _COLUMNS = 2, 80
"""How much is said of what moved a result."""


def moved_words(result: AnswerResult, comparison: Comparison, view: AttributionView | Issue, style: Style) -> str:
    """From where to where, and what moved it, in at most two lines; or why that cannot be told."""
    if isinstance(view, Issue):
        return view.text
    made, step = view.attribution, result.step
    simple = comparison.baseline is Baseline.REFERENCE or view.before == made.base_value
    if step is None:
        return view.text
    if not simple or made.base_bounds is not None or made.output_bounds is not None:
        # What was missing at one end has a part in it, which takes sentences to say.
        return _moved_in_part(result, comparison, view, style)
    decimals, concept = step.module.display_decimals, result.concept
    before, now = (_brief_of(each, concept, decimals, style) for each in (made.base_value, made.output_value))
    then = moment_words(comparison.since, result.at, style) if comparison.since is not None else ""
    whence = _WHENCE[comparison.baseline]
    what_if = f"; {WHAT_IF}" if comparison.baseline is Baseline.ACTUAL else ""
    items = [each for each in made.items if each.amount or each.needed or each.alone]
    if not items:
        same = f"the same on {then}" if then else f"unchanged {whence}"
        return f"{same}{what_if}" if made.base_value == made.output_value else view.text
    if isinstance(made.base_value, Quantity) and isinstance(made.output_value, Quantity):
        # One unit for both.
        local = in_local_unit(made.base_value, concept, style)
        decimals = decimals if local is made.base_value else None
        if isinstance(local, Quantity):
            number = local.value if decimals is not None else brief_number(local.value)
            before = rounded_words(number, local.unit, decimals)
    # "since" would be taken as when the value began.
    begin, movers = f"{before} ({then}) → {now}: " if then else f"{before} → {now} {whence}: ", ""
    for most in range(_MOST_MOVERS, 0, -1):
        if made.scale == CODE:
            rest = f" ({len(items) - most} more: -vv)" if len(items) > most else ""
            movers = describe_deciding_inputs(items[:most], style) + rest
        else:
            movers = describe_players(made, step.module.display_decimals, concept, style, most)
            movers = _MORE_MOVERS.sub(r" (\1 more: -vv)", movers).replace(_direction(made), "")
        if len([*labelled("Moved", f"{begin}{movers}", _COLUMNS)]) <= _MOST_LINES:
            break
    return f"{begin}{movers}{what_if}"


def _brief_of(value: Value, concept: Concept, decimals: int | None, style: Style) -> str:
    """A value of a concept; three digits of a number where its module does not say how many."""
    local = in_local_unit(value, concept, style)
    if isinstance(local, Quantity) and (decimals is None or local is not value):
        return brief_words(local, style)
    return concept_words(value, concept, decimals, style)


def _direction(made: Attribution) -> str:
    """What is said of an input that moved the result to where all of them did: the arrow between the values says it."""
    ends = made.base_value, made.output_value
    numbers = [each.value for each in ends if isinstance(each, Quantity)]
    return " (up)" if len(numbers) == len(ends) and numbers[0] < numbers[1] else " (down)"


def _moved_in_part(result: AnswerResult, comparison: Comparison, view: AttributionView, style: Style) -> str:
    """From where to where, where inputs were missing at one end, and that not all of it is explained here."""
    made, step, concept = view.attribution, result.step, result.concept
    decimals = step.module.display_decimals if step is not None else None
    before, now = (
        "no value" if value is None or isinstance(value, Absent) else concept_words(value, concept, decimals, style)
        for value in (view.before if comparison.baseline is not Baseline.REFERENCE else made.base_value, result.value)
    )
    ends = f"{before} → {now} with the inputs compared"
    if comparison.since is not None:
        ends = f"{before} ({moment_words(comparison.since, result.at, style)}) → {now}"
    what_if = f"; {WHAT_IF}" if comparison.baseline is Baseline.ACTUAL else ""
    return f"{ends}; inputs were missing at one end (-vv){what_if}"

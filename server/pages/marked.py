"""Numbers on a page: each is a ``<data>`` element with its value, unit and time, as the GraphQL answer has them."""

from datetime import datetime
from typing import TypeAlias

from markupsafe import Markup

from ontology.concepts import Concept
from ontology.series import PERIODS
from ontology.values import Bound, Date, Quantity, Series, Value
from ontology.words import Style
from ontology.words.quantities import minus
from ontology.words.time import calendar_words
from ontology.words.values import brief_words, concept_words, in_local_unit, limits_words
from server.explain.results import AnswerResult, GroundView, StepView
from server.explain.short_text import value_text, with_calendar_days, worded_value
from server.explain.text import describe_value
from server.pages.rendering import spaced, words

Time: TypeAlias = datetime | None


def marked(value: Value | None, text: str, when: Time) -> Markup:
    """The words for a value, with the value itself; a code or a flag is words alone."""
    time = "" if when is None else when.isoformat()
    match value:
        case Quantity(number, unit):
            return _data(format(number, "f"), unit, time, text)
        case Bound(comparator, number, unit):
            opened = Markup('<data value="{}" data-unit="{}" data-time="{}" data-comparator="{}">').format(
                format(number, "f"), unit, time, comparator
            )
            return opened + spaced(text) + Markup("</data>")
        case Date(start, _):
            return Markup('<time datetime="{}">{}</time>').format(start.isoformat(), with_calendar_days(text))
        case _:
            return words(text)


def _data(number: str, unit: str, time: str, text: str) -> Markup:
    return Markup('<data value="{}" data-unit="{}" data-time="{}">{}</data>').format(
        number, unit, time, spaced(_signed(text))
    )


def _signed(text: str) -> str:
    """With a minus sign, not a hyphen."""
    return minus(text) if text.startswith("-") else text


def marked_result(result: AnswerResult) -> Markup:
    """The value of an answer as it is shown: with its limits, where it has some."""
    return marked(result.value, value_text(result, result.circumstances.style), result.effective)


def marked_ground(ground: GroundView, style: Style) -> Markup:
    """The value of an input, as it was recorded first; of a series its latest, and how many there are."""
    value = ground.value if ground.presumed is None else ground.presumed
    if isinstance(value, Series):
        if not value.points or value.unit == PERIODS:
            return words(concept_words(value, ground.concept, style=style))
        (first, _), (when, number) = value.points[0], value.points[-1]
        latest = Quantity(number, value.unit)
        if len(value.points) == 1:
            return marked_value(latest, ground.concept, when, style)
        count = Markup(' <span class="soft ages">({} values since {})</span>').format(
            len(value.points), calendar_words(first, style)
        )
        return marked_value(latest, ground.concept, when, style) + count
    return marked(value, describe_value(ground, style), ground.effective)


def marked_value(value: Value, concept: Concept, when: Time, style: Style, decimals: int | None = None) -> Markup:
    """A value of a concept, in its reader's unit."""
    local = in_local_unit(value, concept, style)
    if isinstance(local, Quantity) and decimals is None:
        text = brief_words(local, style)
    else:
        text = concept_words(value, concept, decimals, style)
    return marked(value, text, when)


def step_words(step: StepView, result: AnswerResult) -> str:
    """The value of a step; where its inputs leave it open, with its limits: never the lower end alone."""
    style, concept, decimals = result.circumstances.style, step.module.produces, step.module.display_decimals
    if step is result.step:
        return value_text(result, style)
    own = worded_value(step.claim.split(" (as of ")[0], concept.display)
    text = own or concept_words(step.value, concept, decimals, style)
    limits = step.bounds
    if limits is None or limits.low == limits.high:
        return text
    return f"{text} ({limits_words(limits, concept, decimals, style)})"

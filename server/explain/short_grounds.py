"""The inputs of an answer and its records in a few words each."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import ROUND_DOWN, Decimal

from ontology.concepts import EVENT_ORIGINS
from ontology.values import Absent, Coding, Quantity, Series, Value
from ontology.words import Style
from ontology.words.lists import begin_small, count_words, list_words
from ontology.words.quantities import brief_number, number_words
from ontology.words.time import age_words, calendar_words, moment_words, period_words
from ontology.words.values import (
    brief_words,
    concept_words,
    in_local_unit,
)
from server.explain.claim_inputs import value_before
from server.explain.results import AnswerResult, GroundView, Status

_MOST_GROUNDS = 8


def grounds_words(result: AnswerResult, style: Style) -> Iterator[str]:
    """The inputs of the last step that have a value, up to eight; all that are assumed or set for the site."""
    if result.step is None or result.status is Status.NOT_APPLICABLE:
        return
    points = result.step.contributions
    scored = {each.slot: each.amount for each in points.items} if points and points.scale == "POINTS" else {}
    used = [each for each in result.step.grounds if is_used(each)]
    # The latest of a series is in the words of the series.
    series = {
        (each.concept.id, Quantity(each.value.points[-1][1], each.value.unit))
        for each in used
        if isinstance(each.value, Series) and each.value.points
    }
    used = [each for each in used if each.assumed or (each.concept.id, each.value) not in series]
    named = [
        each for place, each in enumerate(used) if place < _MOST_GROUNDS or each.assumed or each.presumed is not None
    ]
    before = _series_in_hand(result)
    for each in named:
        score = f" ({number_words(scored[each.slot])})" if each.slot in scored else ""
        yield ground_words(each, style) + (score or _previous(each, before, result.at, style))
    if len(used) > len(named):
        yield count_words(len(used) - len(named), "more input")


def _series_in_hand(result: AnswerResult) -> dict[str, Series]:
    """The longest series of each concept among the inputs of the steps as of the time asked for, by concept id."""
    found: dict[str, Series] = {}
    for step in result.chain:
        for each in step.grounds if step.as_of == result.at else ():
            if isinstance(each.value, Series) and len(each.value.points) > len(
                found.get(each.concept.id, _NONE).points
            ):
                found[each.concept.id] = each.value
    return found


_NONE = Series((), "")


def _previous(ground: GroundView, series: dict[str, Series], at: datetime, style: Style) -> str:
    """`` (was 1.85 on 8 Apr 2025)``: the value before, where a series of the concept is in hand."""
    known = series.get(ground.concept.id)
    if known is None or ground.time is None or not isinstance(ground.value, Quantity):
        return ""
    earlier = value_before(known, ground.time)
    if earlier is None:
        return ""
    shown = in_local_unit(earlier[1], ground.concept, style)
    number = brief_number(shown.value if isinstance(shown, Quantity) else earlier[1].value)
    return f" (was {number_words(number)} on {moment_words(earlier[0], at, style)})"


def is_used(ground: GroundView) -> bool:
    """Whether the value rests on this input."""
    if ground.input.applicability_only or ground.input.comparison:
        return False
    return ground.presumed is not None or not isinstance(ground.value, Absent)


def ground_words(ground: GroundView, style: Style) -> str:
    """An input in a few words: ``eGFR 23 mL/min/1.73 m²``, ``age 64``, ``female``, ``in North America: yes (site)``."""
    name, value = begin_small(ground.concept.display), ground.value if ground.presumed is None else ground.presumed
    whence = " (site)" if ground.by_site else " (assumed)" if ground.assumed else ""
    if ground.presumed is not None:
        whence = " (assumed: not on the list)"
    if isinstance(value, bool):
        return f"{name}: {'yes' if value else 'no'}{whence}"
    if isinstance(value, Coding) and ground.concept.element is not None:
        return f"{begin_small(brief_words(value, style))}{whence}"
    if isinstance(value, Quantity) and value.unit == "a" and value.value >= 2:
        return f"{name} {value.value.quantize(Decimal(1), ROUND_DOWN)}{whence}"
    if isinstance(value, Series) and value.points:
        (first, _), (_, number) = value.points[0], value.points[-1]
        latest = _brief(Quantity(number, value.unit), ground, style)
        count = count_words(len(value.points), "value")
        return f"{name} {latest} ({count} {'since' if len(value.points) > 1 else 'of'} {calendar_words(first, style)})"
    return f"{name} {_brief(value, ground, style)}{whence}"


def _brief(value: Value, ground: GroundView, style: Style) -> str:
    local = in_local_unit(value, ground.concept, style)
    return (
        brief_words(local, style) if isinstance(local, Quantity) else concept_words(local, ground.concept, style=style)
    )


def records_words(result: AnswerResult, style: Style) -> str:
    """The newest and the oldest time, how many records, and of which sources."""
    grounds = list(_grounds_below(result))
    used = dict.fromkeys(record for each in grounds for record in each.records)
    if not used:
        return ""
    parts = []
    if result.effective is not None and any(each.time is not None for each in grounds):
        newest, age = result.effective, f" ({age_words(result.effective, result.at, style)})"
        dated = [each for each in grounds if each.time is not None]
        if newest >= result.at and all(each.concept.origin in EVENT_ORIGINS for each in dated):
            # What goes on is of its beginning.
            newest, age = max(each.time.start for each in dated if each.time is not None), " (ongoing)"
        begin = _as_dated(newest, dated, style) or moment_words(newest, result.at, style)
        parts.append(f"newest {begin}{age}")
        oldest = result.grounds_from
        if oldest is not None and calendar_words(oldest, style) != calendar_words(newest, style):
            parts.append(f"oldest {_as_dated(oldest, dated, style) or calendar_words(oldest, style)}")
    counts = {source: sum(each.source == source for each in used) for source in sorted({each.source for each in used})}
    parts.append(list_words(f"{count_words(count, 'record')} in {source}" for source, count in counts.items()))
    return ", ".join(parts)


def _as_dated(when: datetime, grounds: Iterable[GroundView], style: Style) -> str | None:
    """The month or the year of a record that is no more precise, and begins or ends then; None of others."""
    spans = (each.time for each in grounds if each.time is not None and when in (each.time.start, each.time.end))
    words = next((period_words(span, style) for span in spans), None)
    return None if words == calendar_words(when, style) else words


def _grounds_below(result: AnswerResult) -> Iterator[GroundView]:
    """The inputs that the value rests on, those of its steps included, each step's once."""
    if result.leaf is not None:
        yield result.leaf
    pending = [len(result.chain) - 1] if result.chain else []
    seen = set(pending)
    while pending:
        for ground in result.chain[pending.pop()].grounds:
            if ground.input.applicability_only or ground.input.comparison:
                continue
            if is_used(ground) or ground.bounds is not None:
                yield ground
            pending += [step for step in ground.steps if step not in seen]
            seen.update(ground.steps)

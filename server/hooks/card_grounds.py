"""The grounds of a card: each with our concept's label, its value with unit, and its ISO date."""

import re
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal

from ontology.concepts import EVENT_ORIGINS, Concept, Origin
from ontology.resources import Span
from ontology.values import Absent, Bound, Coding, Quantity, Series, Value
from ontology.words import Style
from ontology.words.lists import begin_small, list_words
from ontology.words.quantities import amount, unit_words
from ontology.words.time import day_words, exact_span_words, is_dated_to_day, time_words
from ontology.words.values import brief_words, concept_words, in_local_unit
from server.explain.claims import recorded_first
from server.explain.results import AnswerResult, GroundView
from server.explain.short_grounds import is_used
from server.explain.short_text import value_text

_MOST = 8
_MOST_BELOW = 3
_MOST_OF_SERIES = 6
_RECENT = timedelta(days=2)
"""Within this the time of day of a record matters."""
_RECORDED_UNIT = re.compile(r"(?:[<>]=?)? *[+-]?\d+(?:\.\d+)? *(\S.*)?")
_NO_EARLIER = "no earlier value for comparison"


def ground_lines(result: AnswerResult, but: frozenset[str] = frozenset()) -> list[str]:
    """What a result rests on, numbers first, else in the order of its module; of more than eight, the rest is counted.

    ``but``: ids of concepts that are shown beside it.
    """
    if result.leaf is not None:
        return [_ground_line(result.leaf, result)]
    if result.step is None:
        return []
    points = _points(result)
    used = [each for each in result.step.grounds if is_used(each) and each.concept.origin is not Origin.DRAFT_ORDER]
    used = sorted((each for each in used if each.concept.id not in but), key=_is_no_number)
    lines = [_scored_line(each, result, points) for each in used[:_MOST]]
    if len(used) > _MOST:
        lines.append(f"Further inputs: {list_words(begin_small(each.concept.display) for each in used[_MOST:])}")
    return lines


def beside_lines(result: AnswerResult) -> list[str]:
    """What is shown beside the grounds: ``Statin: on record, 2026-05-01``; of a score also which inputs gave points."""
    if result.leaf is None:
        line = f"{result.concept.display}: {value_text(result, result.circumstances.style)}{_as_of(result)}"
        return [line, *_scored_lines(result)]
    if result.value is not True:
        return [_ground_line(result.leaf, result)]
    when = _when(result.leaf.time, result)
    return [f"{result.concept.display}: on record{f', {when}' if when else ''}"]


def change_line(result: AnswerResult, earlier: AnswerResult) -> str:
    """From what to what a result has changed, with the time of the records before: that of the call is another soon."""
    if isinstance(earlier.value, Absent) or isinstance(result.value, Absent):
        return f"Change: {_NO_EARLIER}"
    before, now = (value_text(each, result.circumstances.style) for each in (earlier, result))
    then = _time_of(earlier, result)
    return f"Change: {now}, unchanged since {then}" if before == now else f"Change: {before} ({then}) → {now}"


def value_of(ground: GroundView, result: AnswerResult) -> str:
    """The value of a ground in words, in the units of its reader."""
    return _value_words(ground, ground.value, result.circumstances.style)


def day_of(ground: GroundView, result: AnswerResult) -> str:
    """The day of a ground, its last one if it is of several; empty without one."""
    return day_words(ground.time.end, result.circumstances.style) if ground.time is not None else ""


def rests_on_events(result: AnswerResult) -> bool:
    """Whether all dated grounds are diagnoses, drugs and procedures: they began at their time, and go on."""
    found: list[GroundView] = []
    steps = [len(result.chain) - 1] if result.chain else []
    for step in steps:
        used = [each for each in result.chain[step].grounds if is_used(each)]
        steps += dict.fromkeys(below for each in used for below in each.steps if below not in steps)
        found += (each for each in used if not each.steps and each.time is not None)
    return bool(found) and all(each.concept.origin in EVENT_ORIGINS for each in found)


def _points(result: AnswerResult) -> dict[str, Decimal]:
    """By slot, the points that an input of a score gave."""
    given = result.step.contributions if result.step is not None else None
    return {each.slot: each.amount for each in given.items} if given and given.scale == "POINTS" else {}


def _scored_lines(result: AnswerResult) -> list[str]:
    """The inputs of a score that gave points; those that are known in part only are in its limits."""
    points = _points(result)
    grounds = result.step.grounds if result.step is not None else ()
    return [_scored_line(each, result, points) for each in grounds if points.get(each.slot)]


def _scored_line(ground: GroundView, result: AnswerResult, points: dict[str, Decimal]) -> str:
    scored = f" ({amount(points[ground.slot], '{score}')})" if ground.slot in points else ""
    return f"{_ground_line(ground, result)}{scored}"


def _is_no_number(ground: GroundView) -> bool:
    return not isinstance(ground.value, (Quantity, Bound, Series))


def _as_of(result: AnswerResult) -> str:
    return "" if result.effective is None else f", {_time_of(result, result)}"


def _time_of(answer: AnswerResult, result: AnswerResult) -> str:
    """Of when the records of an answer are; of what goes on the day: the minute of a call is another each time."""
    if answer.effective is None or answer.effective >= answer.at:
        return day_words(answer.at, result.circumstances.style)
    return _iso(answer.effective, result)


def _ground_line(ground: GroundView, result: AnswerResult) -> str:
    style = result.circumstances.style
    value = ground.value if ground.presumed is None else ground.presumed
    line = f"{ground.concept.display}: {_value_words(ground, value, style)}"
    if isinstance(value, Series) and ground.time is not None:
        return f"{line}, {_when(ground.time, result)}{_before(value, ground, result)}"
    if ground.by_site:
        return f"{line}, set for this site"
    if ground.presumed is not None:
        return f"{line}, if the list is complete"
    if ground.assumed:
        return f"{line}, assumed"
    if ground.by_closed_world:
        return f"{line} (not documented)"
    if ground.time is not None:
        line += f", {_when(ground.time, result)}"
    elif ground.steps and isinstance(value, Quantity):
        line += f", {day_words(result.at, style)}"
    below = _below(ground, result) if ground.step is not None else ""
    return f"{line}, from {below}" if below else line


def _before(series: Series, ground: GroundView, result: AnswerResult) -> str:
    """The values before the latest, newest first, as far as they have room: the reference is one of them."""
    earlier = series.points[-2 : -_MOST_OF_SERIES - 1 : -1]
    style = result.circumstances.style
    values = [(time, in_local_unit(Quantity(value, series.unit), ground.concept, style)) for time, value in earlier]
    words = [f"{brief_words(value, style)} of {_iso(time, result)}" for time, value in values]
    if len(series.points) > _MOST_OF_SERIES:
        words.append("older ones")
    return f", before that {list_words(words)}" if words else ""


def _below(ground: GroundView, result: AnswerResult) -> str:
    """What was measured below a computed input: ``serum creatinine 2.27 mg/dL of 2026-06-16``."""
    step = result.chain[ground.step] if ground.step is not None else None
    used = [] if step is None else [each for each in step.grounds if is_used(each) and not each.steps]
    measured = [each for each in used if isinstance(each.value, (Quantity, Bound)) and each.time is not None]
    style = result.circumstances.style
    return list_words(
        f"{begin_small(each.concept.display)} {_value_words(each, each.value, style)} of {_when(each.time, result)}"
        for each in measured[:_MOST_BELOW]
    )


def _value_words(ground: GroundView, value: Value, style: Style) -> str:
    concept = ground.concept
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Coding):
        return brief_words(value, style)
    if isinstance(value, Quantity) and value.unit == "a" and value.value >= 2:
        return amount(value.value.quantize(Decimal(1), ROUND_DOWN), value.unit, style=style)
    if isinstance(value, Series) and value.points:
        local = in_local_unit(Quantity(value.points[-1][1], value.unit), concept, style)
        return brief_words(local, style)
    if isinstance(value, (Quantity, Bound)) and _is_in_units_of(ground.recorded, concept, style):
        return recorded_first(value, ground.recorded, concept, style)
    local = in_local_unit(value, concept, style)
    return brief_words(local, style) if isinstance(local, Quantity) else concept_words(local, concept, style=style)


def _is_in_units_of(recorded: str | None, concept: Concept, style: Style) -> bool:
    """Whether what was written is a number in a unit that the concept is read in: any other text stays out."""
    match = _RECORDED_UNIT.fullmatch(recorded.strip()) if recorded is not None else None
    if match is None:
        return False
    known = {*concept.units, *(unit_words(unit, style) for unit in concept.units)}
    return match[1] is None or match[1] in known


def _when(span: Span | None, result: AnswerResult) -> str:
    """``2026-06-16``; of the two days before the question with the time; of what goes on ``since 2026-06-16``."""
    if span is None:
        return ""
    style = result.circumstances.style
    if span.start == span.end:
        return _iso(span.end, result)
    if span.end >= result.at:
        return f"since {day_words(span.start, style)}"
    return exact_span_words(span, style)


def _iso(when: datetime, result: AnswerResult) -> str:
    style = result.circumstances.style
    exact = not is_dated_to_day(when) and result.at - when < _RECENT
    return time_words(when, style) if exact else day_words(when, style)

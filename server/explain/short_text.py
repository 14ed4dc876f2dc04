"""Answers in six lines each: value, meaning, grounds, what moved it, cautions, and the age of its records.

What was recorded of a caution, what a source did not give, and a step back to an older record are never left out:
only general limits are counted instead of shown.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from decimal import ROUND_DOWN, Decimal

from ontology.concepts import EVENT_ORIGINS, Concept
from ontology.evaluation import Issue
from ontology.values import Absent, Bound, Coding, Quantity, Series, Value
from ontology.words import Style
from ontology.words.lists import begin_small, count_words, list_words, sentences
from ontology.words.quantities import amount, brief_number, number_words, rounded_words
from ontology.words.risks import people_words
from ontology.words.time import age_words, calendar_words, moment_words, period_words
from ontology.words.values import (
    brief_words,
    concept_words,
    in_local_limits,
    in_local_unit,
    interval_words,
    uncertainty_words,
)
from server.attribution.result import CODE, Attribution
from server.catalog.descriptions import Kind
from server.explain.attribution_text import describe_deciding_inputs, describe_players
from server.explain.cautions import describe_cautions, every_caution_text
from server.explain.claim_inputs import value_before
from server.explain.claims import WHAT_IF, recorded_first
from server.explain.comparisons import AttributionView, Baseline, Comparison
from server.explain.layout import heading, labelled, right_aligned
from server.explain.phrases import missing_reasons
from server.explain.results import AnswerResult, GroundView, Status
from server.explain.short_meaning import band_words, different_advice, is_said_in
from server.explain.text import laboratory_fields

HINT = "-v steps   -vv everything   --format json|fhir|turtle"
_MOST_GROUNDS = 8
_MOST_MOVERS = 3
_MORE_MOVERS = re.compile(r", (\d+) more inputs?, none more than these$")
_MOST_LINES, _COLUMNS = 2, 80
"""How much is said of what moved a result."""
_NUMBER = re.compile(r"\d+\.\d+")
_STATUS = {Status.COMPLETE: "complete", Status.PARTIAL: "partial", Status.FAILED: "failed"}


def render_short(results: Iterable[AnswerResult], width: int) -> str:
    """A block of six lines for each answer, and how to see more, for a terminal of so many columns."""
    blocks = ["\n".join(answer_lines(result, width)) for result in results]
    return "\n\n".join(blocks) + "\n" + right_aligned(HINT, width) + "\n"


def answer_lines(result: AnswerResult, width: int, every_caution: bool = False) -> Iterator[str]:
    """The lines of one answer; a line that has nothing to say is left out.

    ``every_caution``: one to a line, instead of those that matter and the number of the others.
    """
    style = result.circumstances.style
    yield from heading([*map(with_calendar_days, _headline(result, style))], _STATUS.get(result.status, ""), width)
    yield from _labelled("Means", _meaning(result, style), width)
    yield from _labelled("From", " · ".join(grounds_words(result, style)), width)
    for comparison, view in result.attributions.items():
        yield from _labelled("Moved", moved_words(result, comparison, view, style), width)
    cautions = every_caution_text(result) if every_caution else [describe_cautions(result)]
    for place, text in enumerate(cautions):
        yield from _labelled("Caution" if place == 0 else "", text, width)
    yield from _labelled("Records", records_words(result, style), width)


def _labelled(label: str, text: str, width: int) -> Iterator[str]:
    return labelled(label, with_calendar_days(text), width) if text else iter(())


# Neither in an address or an id, nor as a part of a longer time.
_DAY = re.compile(r"(?<![\w/.:-])(\d{4}-\d\d-\d\d)(?![\w-]|:\d)")


def with_calendar_days(text: str) -> str:
    """The text with its days as people write them: ``27 Nov 2025``."""
    return _DAY.sub(_calendar_day, text)


def _calendar_day(found: re.Match[str]) -> str:
    try:
        return calendar_words(datetime.combine(date.fromisoformat(found[1]), time.min))
    except ValueError:
        return found[0]


def _headline(result: AnswerResult, style: Style) -> list[str]:
    display = result.concept.display
    if isinstance(result.value, Absent):
        word = "not applicable" if result.status is Status.NOT_APPLICABLE else "no value"
        return [display, word, why_absent(result, style)]
    state = f", unreliable in {result.unreliable_in}" if result.unreliable_in is not None else ""
    parts = [display, f"{value_text(result, style)}{state}"]
    if result.risk is not None and not result.presumed:
        decimals = result.step.module.display_decimals if result.step is not None else None
        parts.append(people_words(result.risk.probability, decimals))
    if result.assumed:
        parts.append("on an assumption")
    return parts


def value_text(result: AnswerResult, style: Style) -> str:
    """The value of an answer in its reader's unit, with its limits where it has some: it never stands without them."""
    concept, value = result.concept, result.value
    decimals = result.step.module.display_decimals if result.step is not None else None
    if result.leaf is not None and isinstance(value, (Quantity, Bound)):
        return recorded_first(value, result.leaf.recorded, concept, style)
    words = worded_value(result.own_claim, concept.display) or concept_words(value, concept, decimals, style)
    if result.bounds is None or result.bounds.low == result.bounds.high:
        return words
    limits = in_local_limits(result.bounds, concept, style)
    decimals = decimals if limits is result.bounds else None
    if result.presumed:
        return f"{words} if the lists are complete; {interval_words(limits, decimals)} whatever they leave out"
    if isinstance(value, Quantity) and value.value == result.bounds.low:
        return f"at least {number_words(limits.low, decimals)}, up to {amount(limits.high, limits.unit, decimals)}"
    return f"{words} ({interval_words(limits, decimals)})"


_MOST_VALUE_WORDS = 3


def worded_value(claim: str | None, display: str) -> str | None:
    """The value in the module's own words, where these are no more than that: ``47.9 years``, an age rounded down."""
    begin = f"{display} is "
    words = claim.removeprefix(begin).rstrip(".") if claim is not None and claim.startswith(begin) else ""
    return words if 0 < len(words.split()) <= _MOST_VALUE_WORDS else None


def why_absent(result: AnswerResult, style: Style) -> str:
    """Why there is no value, and between which limits it lies where that is known."""
    display = result.concept.display
    if result.leaf is not None:
        # What is on record and not understood is in its own words.
        return result.text.removeprefix(f"{display}: ").rstrip(".")
    text = result.text.rstrip(".").removesuffix(f"; on an assumption: {WHAT_IF}")
    if result.status is Status.NOT_APPLICABLE:
        return text.removeprefix(f"{display} does not apply: ").removeprefix(f"{display} does not apply ")
    reasons = list(missing_reasons(result.missing, short=True))
    could_be = ""
    if result.bounds is not None:
        decimals = result.step.module.display_decimals if result.step is not None else None
        limits = in_local_limits(result.bounds, result.concept, style)
        words = interval_words(limits, decimals if limits is result.bounds else None)
        could_be = f"what is recorded gives {words}" if limits.low == limits.high else f"could be {words}"
    elif undecided := next((each for each in result.issues if each.code == "undecided"), None):
        could_be = f"could be {undecided.text.split(': ', 1)[-1]}"
    if not reasons:
        # The module's own words, of which the limits come last.
        reasons = [text.removeprefix(f"{display} could not be computed: ").split("; it lies ")[0].split("; it is ")[0]]
    return "; ".join(each for each in (*reasons, could_be) if each)


def _meaning(result: AnswerResult, style: Style) -> str:
    """What the module says of the value beyond the value itself, its band, its uncertainty and the advice for it."""
    if result.leaf is not None:
        return ", ".join(f"{label} {text}" for label, text in laboratory_fields(result.leaf) if text)
    return sentences([*meaning_texts(result, style), *different_advice(result)])


def meaning_texts(result: AnswerResult, style: Style) -> list[str]:
    """What the value means, without the advice for it: the module's own sentence, its band and its uncertainty."""
    parts = []
    scored = result.step is not None and result.step.module.kind is Kind.SCORE
    if result.own_claim is not None and not scored and not _repeats_headline(result.own_claim, result, style):
        parts.append(result.own_claim.rstrip("."))
    if (meant := result.interpretation) is not None:
        words = band_words(meant.code.display or meant.code.code, meant.text, value_text(result, style))
        if not is_said_in(words.partition(": ")[2] or words, " ".join(each.text for each in result.recommendations)):
            parts.append(words)
    if result.interval is not None:
        words = uncertainty_words(result.interval, result.step.module.display_decimals if result.step else None)
        limits = set(_NUMBER.findall(words))
        # The module's own sentence may have both limits.
        if not limits or not limits <= set(_NUMBER.findall(result.own_claim or "")):
            parts.append(words)
    return parts


def _repeats_headline(claim: str, result: AnswerResult, style: Style) -> bool:
    """Whether a claim has only the parts of the first line: the concept, the value and the people of a risk."""
    rest = claim.casefold()
    for part in (result.concept.display, *_headline(result, style)):
        rest = rest.replace(part.casefold(), "")
    return not rest.replace(" is ", "").strip(" .,:") or rest.strip(" .,:").startswith("over ")


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
    whence = {
        Baseline.REFERENCE: "with usual values",
        Baseline.EARLIER: f"since {moment_words(comparison.since, result.at, style)}" if comparison.since else "",
        Baseline.ACTUAL: "by the assumption",
    }[comparison.baseline]
    what_if = f"; {WHAT_IF}" if comparison.baseline is Baseline.ACTUAL else ""
    items = [each for each in made.items if each.amount or each.needed or each.alone]
    if not items:
        return f"unchanged {whence}{what_if}" if made.base_value == made.output_value else view.text
    if isinstance(made.base_value, Quantity) and isinstance(made.output_value, Quantity):
        # One unit for both.
        local = in_local_unit(made.base_value, concept, style)
        decimals = decimals if local is made.base_value else None
        if isinstance(local, Quantity):
            number = local.value if decimals is not None else brief_number(local.value)
            before = rounded_words(number, local.unit, decimals)
    begin, movers = f"{before} → {now} {whence}: ", ""
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
    whence = (
        f"since {moment_words(comparison.since, result.at, style)}" if comparison.since else "with the inputs compared"
    )
    what_if = f"; {WHAT_IF}" if comparison.baseline is Baseline.ACTUAL else ""
    return f"{before} → {now} {whence}; inputs were missing at one end (-vv){what_if}"


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
    parts.append(list_words(f"{count_words(count, 'record')} of {source}" for source, count in counts.items()))
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

"""Answers in six lines each: value, meaning, grounds, what moved it, cautions, and the age of its records.

What was recorded of a caution, what a source did not give, and a step back to an older record are never left out:
only general limits are counted instead of shown.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time

from ontology.values import Absent, Bound, Quantity
from ontology.words import Style
from ontology.words.lists import sentences
from ontology.words.quantities import amount, number_words
from ontology.words.risks import people_words
from ontology.words.time import calendar_words
from ontology.words.values import (
    concept_words,
    in_local_limits,
    interval_words,
    uncertainty_words,
)
from server.catalog.descriptions import Kind
from server.explain.cautions import describe_cautions, every_caution_text
from server.explain.claims import WHAT_IF, recorded_first
from server.explain.layout import heading, labelled, right_aligned
from server.explain.phrases import missing_reasons
from server.explain.results import AnswerResult, Status
from server.explain.short_grounds import grounds_words, records_words
from server.explain.short_meaning import band_words, different_advice, is_said_in
from server.explain.short_moved import moved_words
from server.explain.text import laboratory_fields

HINT = "-v steps   -vv everything   --format json|fhir|turtle"
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

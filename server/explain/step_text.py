"""Answers with every caution, and the steps behind all of them: each once, in three lines."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from ontology.values import Absent, AbsentReason, Series
from ontology.words import Style
from ontology.words.absence import reason_words
from ontology.words.lists import list_words
from ontology.words.time import period_words
from ontology.words.values import concept_words
from server.explain.layout import heading, labelled, right_aligned, wrapped
from server.explain.results import AnswerResult, GroundView, StepView
from server.explain.short_grounds import ground_words, is_used
from server.explain.short_text import answer_lines, worded_value

HINT = "-vv everything   --format json|fhir|turtle"
# A date, completed: its source is that of a rule of arithmetic, which no reader of an answer follows up.
_UNCITED = frozenset({"age"})


def render_steps(results: Iterable[AnswerResult], width: int) -> str:
    """The answers with all their cautions, then the steps of the question and the intended uses, each once."""
    found = tuple(results)
    blocks = ["\n".join(answer_lines(result, width, every_caution=True)) for result in found]
    if steps := "\n".join(_step_lines(found, width)):
        blocks.append(f"Steps\n{steps}")
    uses = dict.fromkeys(result.intended_use for result in found if result.step is not None)
    if uses:
        blocks.append("\n".join(("Intended use", *(line for use in uses for line in wrapped(use, width, "  ", "  ")))))
    return "\n\n".join(blocks) + "\n" + right_aligned(HINT, width) + "\n"


def _step_lines(results: Sequence[AnswerResult], width: int) -> Iterator[str]:
    """The steps as of the time asked for, inputs first; those of earlier times (points of series) are counted."""
    seen: set[tuple[str, str, datetime]] = set()
    points: dict[str, int] = {}
    for result in results:
        style = result.circumstances.style
        for step in result.chain:
            key = (step.module.iri, step.fingerprint, step.as_of)
            if key in seen:
                continue
            seen.add(key)
            if step.as_of != result.at:
                points[step.module.title] = points.get(step.module.title, 0) + 1
            else:
                yield from _one_step(step, width, style)
    if points:
        counts = list_words(f"{title} ({count})" for title, count in points.items())
        yield from wrapped(f"At earlier times too: {counts}", width, "  ", "    ")


def _one_step(step: StepView, width: int, style: Style) -> Iterator[str]:
    concept = step.module.produces
    words = (
        _absence_in_words(step.value)
        if isinstance(step.value, Absent)
        else worded_value(step.claim.split(" (as of ")[0], concept.display)
        or concept_words(step.value, concept, step.module.display_decimals, style)
    )
    first, *others = heading([step.module.title, words], "", width - 2)
    yield f"  {first}"
    yield from (f"  {line}" for line in others)
    cited = "" if step.module.produces.id in _UNCITED else f" ({'; '.join(step.module.citations)})"
    yield from labelled("how", f"{step.warrant.rstrip('.')}{cited}", width, "    ")
    used = [_dated(each, style) for each in step.grounds if is_used(each)]
    absent = [each.concept.display for each in step.grounds if isinstance(each.value, Absent) and _matters(each)]
    missing = [f"missing: {list_words(absent)}"] if absent else []
    if used or missing:
        yield from labelled("from", " · ".join([*used, *missing]), width, "    ")


def _absence_in_words(value: Absent) -> str:
    """Why a step has no value, as far as its own text does not say it."""
    return "no value" if value.reason is AbsentReason.INPUT_ABSENT else f"no value: {reason_words(value.reason)}"


def _matters(ground: GroundView) -> bool:
    return ground.input.required and not (ground.input.applicability_only or ground.input.comparison)


def _dated(ground: GroundView, style: Style) -> str:
    """An input with the day of its record."""
    dated = ground.time is not None and not isinstance(ground.value, Series) and not ground.steps
    when = f" ({period_words(ground.time, style)})" if dated and ground.time is not None else ""
    return ground_words(ground, style) + when

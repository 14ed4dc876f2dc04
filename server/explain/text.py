"""An argument rendered as plain text: the claim, then a tree of every step with value, unit, time and source."""

from collections.abc import Hashable, Iterable, Iterator
from typing import TypeAlias

from ontology.evaluation import Issue, Severity
from ontology.resources import RecordRef
from ontology.values import Absent, Bound, Quantity, Series
from ontology.words import Style
from ontology.words.lists import begin_small
from ontology.words.time import span_words, time_words
from ontology.words.values import concept_words, limits_words, uncertainty_words
from server.explain.claims import INAPPLICABLE_PREFIX, recorded_first
from server.explain.comparisons import AttributionView
from server.explain.layout import wrapped
from server.explain.phrases import (
    describe_contributions,
    describe_ground_times,
    describe_maturity,
    describe_meaning,
    describe_standing,
)
from server.explain.results import AnswerResult, GroundView, StepView

_MARKS = {Severity.ERROR: "!!", Severity.WARNING: "!", Severity.INFORMATION: "i"}
# Codes of what the line of a missing input shows already.
_SHOWN_BY_LINE = frozenset({"not-found", "not-recorded", "not-set"})
# Codes of what concerns all inputs of a list alike: told once, not beside each of them.
_SHOWN_ONCE = frozenset({"codes-unreadable"})
_INDENT = "    "


Shown: TypeAlias = set[Hashable]
"""The steps, and the texts of a whole question, that are shown already."""


def render_argument(result: AnswerResult) -> str:
    """The whole argument behind one result, in plain text."""
    return "\n".join(_argument_lines(result, set())) + "\n"


def render_arguments(results: Iterable[AnswerResult], width: int) -> str:
    """The arguments of a question's results for a terminal of so many columns; what they share is shown once."""
    shown: Shown = set()
    return "\n".join("".join(_wrapped_lines(_argument_lines(result, shown), width)) for result in results)


def _wrapped_lines(lines: Iterable[str], width: int) -> Iterator[str]:
    for line in lines:
        text = line.lstrip(" ")
        indent = line[: len(line) - len(text)]
        yield from (f"{each}\n" for each in wrapped(text, width, indent, indent + "  "))


def _argument_lines(result: AnswerResult, shown_before: Shown) -> Iterator[str]:
    style = result.circumstances.style
    yield result.text
    when = time_words(result.at, style)
    yield f"  {result.concept.display} · {result.status.value} · {result.reference} · as of {when}"
    if (span := describe_ground_times(result)) is not None:
        yield f"  {span}"
    if (meant := describe_meaning(result)) is not None:
        yield f"  means: {meant}"
    if result.interval is not None:
        decimals = result.step.module.display_decimals if result.step is not None else None
        yield f"  uncertainty: {uncertainty_words(result.interval, decimals)}"
    if result.step is not None:
        # The limits of the answer come before its steps, which may be long.
        first = (INAPPLICABLE_PREFIX, f"{result.concept.display}: ")
        limits = _not_shown_by_inputs(result.step, result.step.rebuttals)
        # The claim has said why the module does not apply, and what is undecided.
        yield from (f"  ! {text}" for text in limits if not text.startswith(first))
    for view in result.attributions.values():
        if isinstance(view, AttributionView):
            yield f"  moved, compared with {view.baseline}: {view.text}"
    for advice in result.recommendations:
        strength = f", strength {advice.strength}" if advice.strength else ""
        yield f"  recommended: {advice.text} ({advice.citation}{strength})"
    if result.step is not None:
        yield from _step_lines(result, result.step, "  ", shown_before)
        if result.intended_use not in shown_before:
            shown_before.add(result.intended_use)
            yield f"  intended use: {result.intended_use}"
    elif result.leaf is not None:
        yield from _ground_lines(result, result.leaf, "  ", shown_before)
    shown = {text for step in result.chain for text in (*step.rebuttals, *step.notes)}
    # Those of steps are shown with these.
    run = [each for each in result.issues if each.slot is None and each.step is None and each.text not in shown]
    own = {text for step in result.chain for ground in step.grounds for text in _texts_shown_by(ground)}
    new = [issue for issue in run if issue.text not in own and issue.text not in result.text]
    new = [issue for issue in new if issue not in shown_before]
    shown_before.update(new)
    yield from (f"  {_issue_line(issue)}" for issue in new)


def _key(step: StepView) -> Hashable:
    """What names a step in all results of a question."""
    return step.module.iri, step.fingerprint, step.as_of


def _step_lines(result: AnswerResult, step: StepView, indent: str, rendered: Shown) -> Iterator[str]:
    if _key(step) in rendered:
        yield f"{indent}by {step.module.title}, shown above"
        return
    rendered.add(_key(step))
    yield f"{indent}by {step.module.title}, version {step.module.version} ({describe_run(step)})"
    inner = indent + _INDENT
    if step.warrant:
        yield f"{inner}how: {step.warrant}"
    yield f"{inner}after: {'; '.join(step.module.citations)}"
    if (kind := describe_maturity(step.module)) is not None:
        yield f"{inner}a {kind} (its card: python -m server card {step.module.id})"
    if step.standing is not None:
        yield f"{inner}{describe_standing(step.standing)}"
        if step.standing.calibration not in step.warrant:
            yield f"{inner}calibration: {step.standing.calibration}"
    if step.contributions is not None:
        yield f"{inner}{describe_contributions(step.contributions)}"
    if step.qualifier:
        yield f"{inner}limited: {step.qualifier}"
    for ground in step.grounds:
        yield from _ground_lines(result, ground, inner, rendered)
    if step is not result.step:
        yield from (f"{inner}! {text}" for text in _not_shown_by_inputs(step, step.rebuttals))
    yield from (f"{inner}i {text}" for text in _not_shown_by_inputs(step, step.notes))


def _not_shown_by_inputs(step: StepView, texts: Iterable[str]) -> Iterator[str]:
    """The texts about a step that are not shown beside one of its inputs."""
    shown = {text for ground in step.grounds for text in _texts_shown_by(ground)}
    shown |= {f"{ground.concept.display}: {ground.absence_reason}" for ground in step.grounds}
    return (text for text in texts if text not in shown)


def _texts_shown_by(ground: GroundView) -> Iterator[str]:
    return (issue.text for issue in ground.issues if issue.code not in _SHOWN_ONCE)


def describe_run(step: StepView) -> str:
    """Whether a step was computed now or reused, and why."""
    if not step.reused:
        return f"computed now: {begin_small(step.reason)}" if step.reason else "computed now"
    reason = begin_small(step.reason)
    return reason if reason.startswith("reused") else f"reused: {reason}" if reason else "reused"


def _ground_lines(result: AnswerResult, ground: GroundView, indent: str, rendered: Shown) -> Iterator[str]:
    yield f"{indent}- {_describe_ground(ground, result.circumstances.style)}"
    inner = indent + _INDENT
    missing = isinstance(ground.value, Absent)
    own = (issue for issue in ground.issues if issue.code not in _SHOWN_ONCE)
    yield from (f"{inner}{_issue_line(i)}" for i in own if not (missing and i.code in _SHOWN_BY_LINE))
    if ground.step is not None:
        yield from _step_lines(result, result.chain[ground.step], inner, rendered)
    elif ground.steps:
        last = result.chain[ground.steps[-1]]
        yield f"{inner}each by {last.module.title}, version {last.module.version} ({_describe_reuse(result, ground)})"
        yield f"{inner}the last: {begin_small(last.claim)}"
        rebuttals = dict.fromkeys(text for step in ground.steps for text in result.chain[step].rebuttals)
        yield from (f"{inner}! {text}" for text in rebuttals)


def _describe_reuse(result: AnswerResult, ground: GroundView) -> str:
    reused = sum(result.chain[step].reused for step in ground.steps)
    return f"{reused} of {len(ground.steps)} reused"


def _describe_ground(ground: GroundView, style: Style) -> str:
    """One line: what, how much, when, from which record."""
    concept = ground.concept
    name = concept.display
    if ground.presumed is not None:
        return f"{name}: {concept_words(ground.presumed, concept, style=style)} · ASSUMED, not on the list"
    if isinstance(ground.value, Absent):
        bounds = f", {limits_words(ground.bounds, concept, style=style)}" if ground.bounds is not None else ""
        word = "MISSING, " if not (ground.input.applicability_only or ground.input.comparison) else ""
        role = ", optional" if word and not ground.input.required else ""
        return f"{name}: {word}{ground.absence_reason}{role}{bounds}{_describe_source(ground.records)}"
    if ground.assumed:
        whence = "SET FOR THIS SITE" if ground.by_site else "ASSUMED"
        return f"{name}: {concept_words(ground.value, concept, style=style)} · {whence}, not recorded"
    if isinstance(ground.value, Series):
        return f"{name}: {concept_words(ground.value, concept, style=style)}{_describe_source(ground.records)}"
    when = f" · {span_words(ground.time, style)}" if ground.time is not None else ""
    flags = "".join(f" · {label} {text}" for label, text in laboratory_fields(ground) if text)
    source = _describe_source(ground.records) or ("" if ground.steps else " · no record of it")
    return f"{name}: {describe_value(ground, style)}{when}{flags}{source}"


def laboratory_fields(ground: GroundView) -> tuple[tuple[str, str | None], ...]:
    """What the record itself says of its value: a status other than final, the reference range, the flag."""
    status = ground.status if ground.status not in (None, "final") else None
    return (("status", status), ("range", ground.reference_range), ("flag", ground.interpretation))


def describe_value(ground: GroundView, style: Style) -> str:
    """The value of an input: a number as it was recorded first, a code with the words of its record."""
    if isinstance(ground.value, (Quantity, Bound)):
        return recorded_first(ground.value, ground.recorded, ground.concept, style)
    words = concept_words(ground.value, ground.concept, style=style)
    differs = ground.recorded is not None and _normalised(ground.recorded) != _normalised(words)
    return f"{words} (recorded as {ground.recorded})" if differs else words


def _normalised(text: str) -> str:
    return text.replace(" ", "").casefold()


def _describe_source(records: tuple[RecordRef, ...]) -> str:
    if not records:
        return ""
    first, *others = records
    version = f" version {first.version}" if first.version else ""
    if others:
        whence = " and ".join(dict.fromkeys(record.source for record in records))
        return f" · {len(records)} records of {whence}, {first.type}/{first.id}{version} first"
    return f" · {first.type}/{first.id}{version} ({first.source})"


def _issue_line(issue: Issue) -> str:
    return f"{_MARKS[issue.severity]} {issue.text}"

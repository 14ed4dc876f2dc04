"""Attributions of results: computed against usual values, an earlier time or the record alone, with their text.

The text names what moved *the estimate*, and never claims a cause; of a what-if, that it is no expected effect.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from ontology.evaluation import Issue, Severity
from ontology.values import Value
from ontology.words import Style
from ontology.words.time import time_words
from server.attribution.attribute import attribute
from server.attribution.game import snapshot_of
from server.attribution.reference_baseline import USUAL, reference_snapshot
from server.attribution.result import Attribution, NoAttribution
from server.executor.budget import Effort
from server.executor.trace import GoalAnswer, Trace
from server.explain.attribution_text import describe_attribution
from server.explain.comparisons import AttributionView, Baseline, Comparison
from server.explain.results import AnswerResult


def with_attributions(
    trace: Trace,
    results: Iterable[AnswerResult],
    comparisons: Iterable[Comparison],
    effort: Callable[[], Effort] = Effort,
) -> tuple[AnswerResult, ...]:
    """The results with the attributions of every comparison.  Blocks for up to seconds: not for an event loop.

    ``effort`` gives what each of them may cost.
    """
    wanted = tuple(dict.fromkeys(comparisons))
    return tuple(
        replace(
            result, attributions={each: attribution_view(trace, result.concept.id, each, effort()) for each in wanted}
        )
        for result in results
    )


def attribution_view(
    trace: Trace, concept: str, comparison: Comparison, effort: Effort | None = None
) -> AttributionView | Issue:
    """What moved the result for a concept; an issue (``not-attributed``) says why there is no attribution."""
    answered = next(each for each in trace.answers if each.goal.concept.id == concept)
    found = _compute_attribution(trace, answered, comparison, effort)
    if isinstance(found, str):
        return Issue(Severity.INFORMATION, "not-attributed", found, short="no attribution for this comparison")
    attribution, before = found
    style = trace.circumstances.style
    description = trace.plan.call(answered.goal.call or "").description
    return AttributionView(
        attribution,
        baseline=_describe_baseline(comparison, attribution, style),
        text=describe_attribution(attribution, description, comparison.baseline.value, comparison.since, before, style),
        before=before,
    )


def _compute_attribution(
    trace: Trace, answered: GoalAnswer, comparison: Comparison, effort: Effort | None
) -> tuple[Attribution, Value | None] | str:
    """The attribution, and the result at the baseline (None: usual values give none); or why there is none."""
    goal, display = answered.goal, answered.goal.concept.display
    if answered.leaf is not None and answered.leaf.assumed:
        return f"{display} is assumed, not computed, so there are no inputs that move it."
    if goal.call is None or answered.execution is None:
        return f"{display} is read, not computed, so there are no inputs that move it."
    actual = snapshot_of(trace, goal.concept.id)
    if actual is None:
        return f"{display} was not computed."
    before: Value | None = None
    if comparison.baseline is Baseline.REFERENCE:
        side = reference_snapshot(trace.plan, goal.call, actual)
    else:
        other = (
            trace.without_assumptions
            if comparison.baseline is Baseline.ACTUAL
            else _earlier_trace(trace, comparison.since)
        )
        found = None if other is None else snapshot_of(other, goal.concept.id)
        if found is None:
            return _no_baseline_reason(display, comparison)
        side = found
        before = found.values.get(goal.call)
    made = attribute(trace.plan, goal, side, actual, trace.zone, effort)
    return made.reason if isinstance(made, NoAttribution) else (made, before)


def _earlier_trace(trace: Trace, since: datetime | None) -> Trace | None:
    return None if since is None else trace.earlier_traces.get(since)


def _no_baseline_reason(display: str, comparison: Comparison) -> str:
    if comparison.baseline is Baseline.ACTUAL:
        return f"{display}: nothing was assumed, or the record alone has no answer to compare with."
    return f"{display} was not evaluated for an earlier time."


def _describe_baseline(comparison: Comparison, attribution: Attribution, style: Style) -> str:
    match comparison.baseline:
        case Baseline.REFERENCE:
            other = dict.fromkeys(item.usual for item in attribution.items if item.usual not in (None, USUAL))
            return "usual values, where the inputs have one" + "".join(f", or the {each}" for each in other)
        case Baseline.EARLIER:
            when = time_words(comparison.since, style) if comparison.since is not None else "an earlier time"
            return f"the record as of {when}, with what was known then"
        case Baseline.ACTUAL:
            return "the record, without the assumptions"

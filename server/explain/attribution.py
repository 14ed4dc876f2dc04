"""Attributions of results: computed against usual values, an earlier time or the record alone, with their text.

The sentence comes first.  It says what moved *the estimate*, never that something was caused, and of a what-if that it
is no expected effect.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from ontology.evaluation import Issue, Severity
from ontology.resources import Resource
from ontology.values import Value
from server.attribution.attribute import attribute
from server.attribution.game import snapshot_of
from server.attribution.reference_baseline import USUAL, reference_snapshot
from server.attribution.result import Attribution, AttributionItem, NoAttribution
from server.executor.budget import Effort
from server.executor.trace import GoalAnswer, Trace
from server.explain.attribution_text import describe_attribution
from server.explain.comparisons import AttributionView, Baseline, Comparison, GroupView, ItemView
from server.explain.dependencies import records_of
from server.explain.results import AnswerResult
from server.explain.wording import time_words


def with_attributions(
    trace: Trace,
    results: Iterable[AnswerResult],
    comparisons: Iterable[Comparison],
    effort: Callable[[], Effort] = Effort,
) -> tuple[AnswerResult, ...]:
    """The results with what moved each, for every comparison asked for.  Takes a while: not for an event loop.

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
    """What moved the result for a concept; an issue says why that cannot be told."""
    answered = next(each for each in trace.answers if each.goal.concept.id == concept)
    found = _compute_attribution(trace, answered, comparison, effort)
    if isinstance(found, str):
        return Issue(Severity.INFORMATION, "not-attributed", found)
    told, before = found
    description = trace.plan.call(answered.goal.call or "").description
    items = {id(item): _item_view(item) for item in told.items}
    return AttributionView(
        scale=told.scale,
        baseline=_describe_baseline(comparison, told),
        base=told.base,
        output=told.output,
        base_value=told.base_value,
        output_value=told.output_value,
        residual=told.residual,
        items=tuple(items.values()),
        stayed=told.stayed,
        flipped=told.flipped,
        text=describe_attribution(told, description, comparison.baseline.value, comparison.since, before),
        groups=tuple(
            GroupView(each.text, tuple(items[id(item)] for item in each.items), each.amount, each.error)
            for each in told.groups
        ),
        between=told.between,
    )


def _compute_attribution(
    trace: Trace, answered: GoalAnswer, comparison: Comparison, effort: Effort | None
) -> tuple[Attribution, Value | None] | str:
    """The attribution, and what the result was at the baseline; or why there is none."""
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
    told = attribute(trace.plan, goal, side, actual, trace.zone, effort)
    return told.reason if isinstance(told, NoAttribution) else (told, before)


def _earlier_trace(trace: Trace, since: datetime | None) -> Trace | None:
    return None if since is None else trace.earlier_traces.get(since)


def _no_baseline_reason(display: str, comparison: Comparison) -> str:
    if comparison.baseline is Baseline.ACTUAL:
        return f"{display}: nothing was assumed, or the record alone has no answer, so there is nothing to compare."
    return f"{display} was not evaluated for an earlier time."


def _describe_baseline(comparison: Comparison, attribution: Attribution) -> str:
    match comparison.baseline:
        case Baseline.REFERENCE:
            other = dict.fromkeys(item.usual for item in attribution.items if item.usual not in (None, USUAL))
            return "usual values, where the inputs have one" + "".join(f", or the {each}" for each in other)
        case Baseline.EARLIER:
            when = time_words(comparison.since) if comparison.since is not None else "an earlier time"
            return f"the record as of {when}, with what was known then"
        case Baseline.ACTUAL:
            return "the record, without the assumptions"


def _item_view(item: AttributionItem) -> ItemView:
    return ItemView(
        concept=item.concept,
        slot=item.slot,
        before=item.before,
        after=item.after,
        amount=item.amount,
        error=item.error,
        effective_before=_latest_time(item.resources_before),
        effective=_latest_time(item.resources),
        records_before=records_of(item.resources_before),
        records=records_of(item.resources),
        assumed=item.assumed,
        alone=item.alone,
        needed=item.needed,
        usual=item.usual,
    )


def _latest_time(resources: tuple[Resource, ...]) -> datetime | None:
    return max((each.effective.end for each in resources if each.effective is not None), default=None)

"""What moved a result, told: against what is usual, against an earlier time, or against the record.

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
from server.attribution.effort import Effort
from server.attribution.reference import USUAL, reference_side
from server.attribution.sides import side_of
from server.attribution.told import Attribution, Item, Undefined
from server.executor.trace import Answered, Trace
from server.explain.comparisons import Against, AttributionView, Baseline, GroupView, ItemView
from server.explain.moved import sentence
from server.explain.reach import records_of
from server.explain.results import AnswerResult
from server.explain.wording import time_words


def with_attributions(
    trace: Trace, results: Iterable[AnswerResult], asked: Iterable[Against], effort: Callable[[], Effort] = Effort
) -> tuple[AnswerResult, ...]:
    """The results with what moved each, for every comparison asked for.  Takes a while: not for an event loop.

    ``effort`` gives what each of them may cost.
    """
    wanted = tuple(dict.fromkeys(asked))
    return tuple(
        replace(result, attributions={each: attribution(trace, result.concept.id, each, effort()) for each in wanted})
        for result in results
    )


def attribution(trace: Trace, concept: str, against: Against, effort: Effort | None = None) -> AttributionView | Issue:
    """What moved the result for a concept; an issue says why that cannot be told."""
    answered = next(each for each in trace.answers if each.goal.concept.id == concept)
    found = _compared(trace, answered, against, effort)
    if isinstance(found, str):
        return Issue(Severity.INFORMATION, "not-attributed", found)
    told, before = found
    description = trace.plan.call(answered.goal.call or "").description
    items = {id(item): _item(item) for item in told.items}
    return AttributionView(
        scale=told.scale,
        baseline=_named(against, told),
        base=told.base,
        output=told.output,
        base_value=told.base_value,
        output_value=told.output_value,
        residual=told.residual,
        items=tuple(items.values()),
        stayed=told.stayed,
        flipped=told.flipped,
        text=sentence(told, description, against.baseline.value, against.since, before),
        groups=tuple(
            GroupView(each.text, tuple(items[id(item)] for item in each.items), each.amount, each.error)
            for each in told.groups
        ),
        between=told.between,
    )


def _compared(
    trace: Trace, answered: Answered, against: Against, effort: Effort | None
) -> tuple[Attribution, Value | None] | str:
    """The attribution, and what the result was at the baseline; or why there is none."""
    goal, display = answered.goal, answered.goal.concept.display
    if answered.leaf is not None and answered.leaf.assumed:
        return f"{display} is assumed, not computed, so there are no inputs that move it."
    if goal.call is None or answered.execution is None:
        return f"{display} is read, not computed, so there are no inputs that move it."
    actual = side_of(trace, goal.concept.id)
    if actual is None:
        return f"{display} was not computed."
    before: Value | None = None
    if against.baseline is Baseline.REFERENCE:
        side = reference_side(trace.plan, goal.call, actual)
    else:
        other = trace.recorded if against.baseline is Baseline.ACTUAL else _earlier(trace, against.since)
        found = None if other is None else side_of(other, goal.concept.id)
        if found is None:
            return _nothing_to_compare(display, against)
        side = found
        before = found.values.get(goal.call)
    told = attribute(trace.plan, goal, side, actual, trace.zone, effort)
    return told.why if isinstance(told, Undefined) else (told, before)


def _earlier(trace: Trace, since: datetime | None) -> Trace | None:
    return None if since is None else trace.earlier.get(since)


def _nothing_to_compare(display: str, against: Against) -> str:
    if against.baseline is Baseline.ACTUAL:
        return f"{display}: nothing was assumed, or the record alone has no answer, so there is nothing to compare."
    return f"{display} was not evaluated for an earlier time."


def _named(against: Against, told: Attribution) -> str:
    match against.baseline:
        case Baseline.REFERENCE:
            other = dict.fromkeys(item.usual for item in told.items if item.usual not in (None, USUAL))
            return "usual values, where the inputs have one" + "".join(f", or the {each}" for each in other)
        case Baseline.EARLIER:
            when = time_words(against.since) if against.since is not None else "an earlier time"
            return f"the record as of {when}, with what was known then"
        case Baseline.ACTUAL:
            return "the record, without the assumptions"


def _item(item: Item) -> ItemView:
    return ItemView(
        concept=item.concept,
        slot=item.slot,
        before=item.before,
        after=item.after,
        amount=item.amount,
        error=item.error,
        effective_before=_time(item.resources_before),
        effective=_time(item.resources),
        records_before=records_of(item.resources_before),
        records=records_of(item.resources),
        assumed=item.assumed,
        alone=item.alone,
        needed=item.needed,
        usual=item.usual,
    )


def _time(resources: tuple[Resource, ...]) -> datetime | None:
    return max((each.effective.end for each in resources if each.effective is not None), default=None)

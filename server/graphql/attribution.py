"""Attribution: its GraphQL types, the comparisons that a query requests, and their computation beside the event loop.

The comparisons are known before anything is retrieved.  A few are computed at a time, within the time limit of a
question, and only as long as the client waits.
"""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Annotated, Any

import strawberry
from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLResolveInfo,
    GraphQLSkipDirective,
    SelectionNode,
    SelectionSetNode,
    get_directive_values,
)
from graphql.execution.values import get_argument_values
from strawberry import Info

from server.errors import QuestionError
from server.executor.budget import MAX_ATTRIBUTION_CALLS, Budget, Effort
from server.executor.trace import Trace
from server.explain.attribution import with_attributions
from server.explain.comparisons import AttributionView, Baseline, Comparison
from server.explain.results import AnswerResult
from server.graphql.modules import Concept
from server.graphql.values import EhrRecord, Value, describe_enum, described, field_at

ATTRIBUTION_FIELD = "attribution"
MOST_COMPARISONS = 4
"""Different comparisons in one question."""

describe_enum(
    Baseline,
    "Baseline",
    "What a result is compared with.",
    {
        "REFERENCE": "Usual values of its inputs.",
        "EARLIER": "The same patient at an earlier time, with what was known then.",
        "ACTUAL": "The record, without the assumptions of the question.",
    },
)


@strawberry.type
class AttributionItem:
    """How far one input moved the result."""

    concept: Concept = described("What the input is.")
    slot: str | None = described("The slot that it fills, where it fills one.")
    before: Value = described("Its value at the baseline.", name="from")
    after: Value = described("Its value now.", name="to")
    amount: float = described("How far it moved the result, on the scale of the attribution; 0 where that is CODE.")
    records: list[EhrRecord] = described("The records of the value now.")
    error: float | None = described("Standard error, where more than 12 inputs differ.")
    effective_before: datetime | None = described("The time of the value at the baseline.")
    effective: datetime | None = described("The time of the value now.")
    records_before: list[EhrRecord] = described("The records at the baseline.")
    assumed: bool = described("Whether the value now is an assumption.")
    alone: bool = described("Of a code: this input by itself changes it from the baseline.")
    needed: bool = described("Of a code: without this input it would be another.")
    usual: str | None = strawberry.field(
        description="Of the baseline REFERENCE: what `from` is: usual in an adult, or the median of some training data."
    )


@strawberry.type
class AttributionGroup:
    """What correlated inputs moved together, as the description of a model groups them."""

    text: str = described("What the inputs have in common.")
    items: list[AttributionItem] = described("Its inputs; each is in `Attribution.items` too.")
    amount: float = described("The sum of the amounts of its inputs.")
    error: float | None = described("Standard error, where more than 12 inputs differ.")


@strawberry.type
class ComputedBetween:
    """A number computed on the way from the inputs to the result."""

    concept: Concept = described("What is computed.")
    before: Value = described("Its value at the baseline.", name="from")
    after: Value = described("Its value now.", name="to")


@strawberry.type
class StayedInput:
    """An input that is the same at both ends, since one of them has no value for it."""

    concept: Concept = described("What the input is.")
    slot: str = described("The slot that it fills.")
    value: Value = described("Its value at both ends.")
    why: str = described("Why it stays, in words.")


@strawberry.type
class Attribution:
    """How much each input moved the result: the engine's attribution, with the words of its view."""

    scale: str = field_at(
        "attribution.scale",
        "LOG_ODDS of a risk, POINTS of a score, the unit of any other number, "
        "or CODE: then base, output and amounts are 0, and `flipped` and the items say what the change hangs on.",
    )
    baseline: str = described("What `base` stands for.")
    base: float = field_at("attribution.base", "The result at the baseline, on the scale.")
    output: float = field_at("attribution.output", "The result now, on the scale.")
    residual: float = field_at("attribution.residual", "output - base - sum(amounts)")
    items: list[AttributionItem] = field_at("attribution.items", "What each input moved.")
    text: str = described("The same in words: what moved the estimate, which is no cause.")
    base_value: Value = field_at("attribution.base_value", "The result at the baseline.")
    output_value: Value = field_at("attribution.output_value", "The result now.")
    stayed: list[StayedInput] = field_at("attribution.stayed", "What stayed as it is at both ends, and why.")
    flipped: list[str] = field_at(
        "attribution.flipped",
        "Criteria of rules, special rules of scores and the band of the result: met now, and not before.",
    )
    groups: list[AttributionGroup] = field_at("attribution.groups", "What correlated inputs moved together.")
    between: list[ComputedBetween] = field_at(
        "attribution.between", "Numbers on the way that are not the same at both ends; the items moved them."
    )


def resolve_attribution(
    root: strawberry.Parent[Any],
    baseline: Annotated[
        Baseline | None, strawberry.argument(description="What the result is compared with.")
    ] = Baseline.REFERENCE,
    since: Annotated[
        datetime | None, strawberry.argument(description="Of EARLIER, and of no other: the earlier time.")
    ] = strawberry.UNSET,
) -> Attribution | None:
    """The attribution against the baseline; None where there is none: an issue of the result says why."""
    found = root.attributions.get(Comparison(baseline or Baseline.REFERENCE, since or None))
    return found if isinstance(found, AttributionView) else None  # type: ignore[return-value]  # read off the view


def requested_comparisons(info: Info[Any, None]) -> tuple[Comparison, ...]:
    """The comparisons that the selections under a list of results ask for, each once.

    Raises QuestionError where a comparison needs a time and has none, or has one and needs none.
    """
    raw = info._raw_info
    found: dict[Comparison, None] = {}
    for node in (each for field in raw.field_nodes for each in _attribution_fields(field.selection_set, raw)):
        found[_read_comparison(node, raw)] = None
    if len(found) > MOST_COMPARISONS:
        raise QuestionError(
            "too-many-comparisons", f"a question may be compared with at most {MOST_COMPARISONS} baselines"
        )
    return tuple(found)


def _attribution_fields(selections: SelectionSetNode | None, raw: GraphQLResolveInfo[Any]) -> Iterator[FieldNode]:
    """The fields of this name of the results: on their own level, fragments included."""
    for node in selections.selections if selections is not None else ():
        if not _is_included(node, raw):
            continue
        if isinstance(node, FieldNode):
            if node.name.value == ATTRIBUTION_FIELD:
                yield node
        elif isinstance(node, FragmentSpreadNode):
            yield from _attribution_fields(raw.fragments[node.name.value].selection_set, raw)
        else:
            yield from _attribution_fields(getattr(node, "selection_set", None), raw)


def _is_included(node: SelectionNode, raw: GraphQLResolveInfo[Any]) -> bool:
    """Whether the directives on it, if any, leave it in the query."""
    skip = get_directive_values(GraphQLSkipDirective, node, raw.variable_values)
    include = get_directive_values(GraphQLIncludeDirective, node, raw.variable_values)
    return not (skip and skip["if"]) and (include is None or bool(include["if"]))


def _read_comparison(node: FieldNode, raw: GraphQLResolveInfo[Any]) -> Comparison:
    result: Any = raw.schema.type_map["Result"]
    given = get_argument_values(result.fields[ATTRIBUTION_FIELD], node, raw.variable_values)
    baseline = Baseline(getattr(given.get("baseline"), "value", given.get("baseline")) or Baseline.REFERENCE)
    since = given.get("since")
    if baseline is Baseline.EARLIER and since is None:
        raise QuestionError("since-required", "the baseline EARLIER needs `since`")
    if baseline is not Baseline.EARLIER and since is not None:
        raise QuestionError("since-unwanted", "`since` belongs to the baseline EARLIER")
    return Comparison(baseline, since)


WORKERS = 2
"""Questions whose attributions are computed at a time: they compete with the event loop, and more would starve it."""
_threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="attribution")


async def attribute_results(
    trace: Trace, results: Sequence[AnswerResult], comparisons: Sequence[Comparison], budget: Budget | None
) -> tuple[AnswerResult, ...]:
    """The results with their attributions.  One that exceeds the time limit of a question becomes an issue.

    The time starts now, and includes waiting for other questions.  When the client is gone, the computation stops.
    """
    stopped = threading.Event()
    late = _never_late if budget is None else budget.start_work().is_late
    effort = partial(Effort, MAX_ATTRIBUTION_CALLS, late, stopped)
    try:
        work = partial(with_attributions, trace, results, comparisons, effort)
        return await asyncio.get_running_loop().run_in_executor(_threads, work)
    finally:
        stopped.set()


def _never_late() -> bool:
    return False

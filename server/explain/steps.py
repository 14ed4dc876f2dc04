"""Executions as steps of one result's chain: grounds, issues, contributions, and positions in the chain."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from ontology.evaluation import Evaluation, Issue, Severity, SlotInput
from ontology.resources import records_of
from ontology.values import Absent, Quantity
from ontology.words.values import value_words
from server.executor.trace import BoundInput, Execution
from server.explain.claims import WHAT_IF, claim
from server.explain.dependencies import Dependencies, is_untaken, supports_value
from server.explain.phrases import describe_absence
from server.explain.results import Contributions, GroundView, StepView

INPUT_ABSENT_CODE = "input-absent"
ABSENCE_CODES = frozenset(
    {
        *("not-found", "not-recorded", "stale", "not-within", "not-set", "recorded-unknown"),
        *("no-from-list", "list-not-reconciled", "list-contradicted"),
    }
)
"""Codes of the issues that report why a slot stays empty."""
_ZERO = Decimal(0)


def chain(dependencies: Dependencies, position: int, at: datetime) -> tuple[StepView, ...]:
    """The steps under an execution and itself, inputs first, numbered from 0."""
    order = {step: place for place, step in enumerate(dependencies.steps(position))}
    return tuple(_with_chain_positions(_step_view(dependencies, step, at), order) for step in order)


def _with_chain_positions(step: StepView, order: Mapping[int, int]) -> StepView:
    """The step with the positions of its producers as one result numbers them."""
    if not any(each.steps for each in step.grounds):
        return step
    return replace(step, grounds=tuple(_renumbered(each, order) if each.steps else each for each in step.grounds))


def _renumbered(ground: GroundView, order: Mapping[int, int]) -> GroundView:
    steps = tuple(order[step] for step in ground.steps)
    return ground if steps == ground.steps else replace(ground, steps=steps, step=steps[0] if len(steps) == 1 else None)


def _step_view(dependencies: Dependencies, position: int, at: datetime) -> StepView:
    """The step as the trace numbers it: made once, however many results depend on it."""
    cached = dependencies.step_views.get(position)
    if cached is not None:
        return cached
    execution = dependencies.executions[position]
    evaluation = execution.evaluation
    issues = step_issues(dependencies, position)
    view = dependencies.step_views[position] = StepView(
        module=execution.description,
        value=evaluation.value,
        as_of=execution.as_of,
        claim=claim(dependencies, position, at),
        grounds=tuple(ground_view(dependencies, given) for given in execution.inputs.values()),
        warrant=evaluation.working.warrant,
        qualifier=evaluation.working.qualifier,
        rebuttals=tuple(dict.fromkeys(i.text for i in issues if i.severity is not Severity.INFORMATION)),
        notes=tuple(dict.fromkeys(i.text for i in issues if i.severity is Severity.INFORMATION and i.slot is None)),
        fingerprint=execution.fingerprint,
        reused=execution.reused,
        reason=execution.reason,
        contributions=contributions_of(evaluation, execution.inputs),
        standing=evaluation.working.standing,
        bounds=evaluation.bounds,
    )
    return view


def ground_view(dependencies: Dependencies, given: BoundInput) -> GroundView:
    """One filled slot, with positions in the trace.  Status, issue time and the like are those of a single record."""
    latest = dependencies.input_times(given).latest
    record = given.resources[0] if len(given.resources) == 1 and not given.steps else None
    steps = given.steps
    return GroundView(
        slot=given.slot.name,
        concept=given.slot.concept,
        input=given.slot,
        value=given.value,
        bounds=given.bounds,
        effective=latest.end if latest is not None else None,
        time=latest,
        records=records_of(given.resources),
        step=steps[0] if len(steps) == 1 else None,
        steps=steps,
        assumed=given.assumed or given.presumed is not None,
        by_site=given.by_site,
        status=record.status if record else None,
        issued=record.issued if record else None,
        recorded=record.recorded if record else None,
        reference_range=record.reference_range if record else None,
        interpretation=record.interpretation if record else None,
        absence_reason=describe_absence(given) if isinstance(given.value, Absent) else None,
        issues=input_issues(given),
        presumed=given.presumed,
    )


def step_issues(dependencies: Dependencies, position: int) -> tuple[Issue, ...]:
    """The issues of one execution: the module's own, those of its records, and what is missing."""
    cached = dependencies.step_issues.get(position)
    if cached is None:
        cached = dependencies.step_issues[position] = _compute_step_issues(dependencies.executions[position])
    return cached


def _compute_step_issues(execution: Execution) -> tuple[Issue, ...]:
    inputs = execution.inputs
    found = dict.fromkeys(issue for issue in execution.evaluation.issues if not _repeats_absence(issue, inputs))
    for given in inputs.values():
        found.update(dict.fromkeys(input_issues(given)))
        found.update(dict.fromkeys(_assumption_issues(given)))
        if isinstance(given.value, Absent) and not is_untaken(given) and not _absence_reported(given, found):
            found[_absence_issue(given)] = None
    return tuple(found)


def input_issues(given: BoundInput) -> tuple[Issue, ...]:
    """The issues of the records under one input.

    That an optional input stays empty is no rebuttal by itself; that there is nothing to compare with is no issue.
    """
    empty = isinstance(given.value, Absent) and not given.slot.required
    issues = (*given.issues, *_record_note_issues(given))
    if empty and (given.slot.comparison or is_untaken(given)):
        issues = tuple(issue for issue in issues if issue.code not in ("not-found", "not-recorded"))
    # Which sex is meant matters to what is computed from it, and little to whom a module is for.
    lesser = "not-found" if empty else "administrative-gender" if given.slot.applicability_only else None
    if lesser is not None:
        issues = tuple(replace(i, severity=Severity.INFORMATION) if i.code == lesser else i for i in issues)
    return tuple(dict.fromkeys(issues))


def _repeats_absence(issue: Issue, inputs: Mapping[str, BoundInput]) -> bool:
    """Whether a kind's own issue on an absent input is reported here in more detail: with its window and records."""
    given = inputs.get(issue.slot) if issue.slot is not None else None
    return (
        issue.code == INPUT_ABSENT_CODE
        and given is not None
        and isinstance(given.value, Absent)
        and supports_value(given)
    )


def _absence_reported(given: BoundInput, issues: Mapping[Issue, None]) -> bool:
    """Whether the absence of an input is reported already; that of a comparison need not be."""
    return not supports_value(given) or any(
        issue.slot == given.slot.name and issue.code in ABSENCE_CODES for issue in issues
    )


def _absence_issue(given: BoundInput) -> Issue:
    assert isinstance(given.value, Absent)  # noqa: S101 - the caller has looked
    why = describe_absence(given)
    severity = Severity.WARNING if given.slot.required else Severity.INFORMATION
    return Issue(severity, INPUT_ABSENT_CODE, f"{given.slot.concept.display} is missing: {why}", given.slot.name)


def _assumption_issues(given: BoundInput) -> tuple[Issue, ...]:
    if not given.assumed or isinstance(given.value, Absent):
        return ()
    display, value = given.slot.concept.display, value_words(given.value)
    if given.by_site:
        return (
            Issue(Severity.INFORMATION, "site-setting", f"{display}: {value}, as set for this site", given.slot.name),
        )
    return (Issue(Severity.WARNING, "assumption", f"{display}: {value} is assumed; {WHAT_IF}", given.slot.name),)


def _record_note_issues(given: BoundInput) -> tuple[Issue, ...]:
    notes = (note for resource in given.resources for note in resource.notes)
    reported = {issue.text for issue in given.issues}
    return tuple(Issue(Severity.INFORMATION, "record-note", n, given.slot.name) for n in notes if n not in reported)


def contributions_of(evaluation: Evaluation, inputs: Mapping[str, BoundInput | SlotInput]) -> Contributions | None:
    """What each slot of ``inputs`` added; None where the evaluation has no contributions."""
    points = evaluation.working.contributions
    if not points:
        return None
    items = tuple(each for each in points if each.slot in inputs)
    margin = evaluation.working.margin
    if margin is not None:
        return Contributions(
            margin.scale, margin.base, margin.output, margin.residual, margin.background, margin.groups, items
        )
    total = sum((each.amount for each in points), _ZERO)
    output = evaluation.value.value if isinstance(evaluation.value, Quantity) else total
    return Contributions("POINTS", _ZERO, output, output - total, "no points", items=items)

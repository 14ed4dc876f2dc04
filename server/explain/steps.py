"""Executions as steps of one result's chain: grounds, issues, contributions, and positions in the chain."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from ontology.evaluation import Evaluation, Issue, Severity, SlotInput
from ontology.resources import records_of
from ontology.values import Absent, Quantity
from ontology.words import Style
from ontology.words.values import concept_words
from server.executor.trace import BoundInput
from server.explain.claims import WHAT_IF, claim
from server.explain.dependencies import Dependencies, is_suspected, is_untaken, supports_value
from server.explain.phrases import describe_absence, short_text
from server.explain.results import Contributions, GroundView, StepView
from server.kinds.interpretation import OpenGround, unknown_issues

INPUT_ABSENT_CODE, UNKNOWN_CODE = "input-absent", "applicability-unknown"
_UNMEASURED = frozenset({"not-found", "not-recorded", "stale", "not-within", "not-set", "recorded-unknown"})
ABSENCE_CODES = _UNMEASURED | {"no-from-list", "list-not-reconciled", "list-contradicted"}
"""Codes of the issues that report why a slot stays empty."""
_UNRECORDED = frozenset({"not-found", "not-recorded"})
# What is recorded, and is no yes: more than that it is not recorded.
_NEGATED = frozenset({"negated", "over", "doubted"})
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
        interval=evaluation.interval,
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
        absence_reason=describe_absence(given, dependencies.style) if isinstance(given.value, Absent) else None,
        issues=_input_issues(dependencies, given),
        presumed=given.presumed,
        subject=dependencies.patient,
    )


def answer_issues(dependencies: Dependencies, position: int) -> tuple[Issue, ...]:
    """The issues of an answer: those of its own step, then of the steps below it that could change it, nearest first.

    Each fact once: of equal texts the gravest, and what could not be excluded at the step nearest to the answer.  Of a
    step that only decides applicability, what is not recorded is INFORMATION; what failed, was forbidden or cannot be
    read is a WARNING.  So is what leaves a step below without a value, where the answer has one all the same.
    """
    has_value = not isinstance(dependencies.executions[position].evaluation.value, Absent)
    place = {step: number for number, step in enumerate(dependencies.steps(position))}
    roles = dependencies.relevant_steps(position)
    found: dict[tuple[str, str], Issue] = {}
    excluded: dict[str, Severity] = {}
    for step, supports in sorted(roles.items(), key=lambda item: (item[0] != position, not item[1], -item[0])):
        for issue in _issues_at(dependencies, step, supports, excluded):
            if has_value and step != position and issue.severity is Severity.ERROR:
                issue = replace(issue, severity=Severity.WARNING)
            known = found.get((issue.code, issue.text))
            if known is None or _RANKS.index(issue.severity) < _RANKS.index(known.severity):
                first = place[step] if known is None else known.step
                found[issue.code, issue.text] = replace(issue, step=first)
    return tuple(found.values())


_RANKS = (Severity.ERROR, Severity.WARNING, Severity.INFORMATION)


def _issues_at(
    dependencies: Dependencies, position: int, supports: bool, excluded: dict[str, Severity]
) -> Iterable[Issue]:
    """The issues of one step as an answer reports them; ``excluded``: the grounds that are reported by now."""
    unread = dependencies.is_unread(position)
    for issue in step_issues(dependencies, position, excluded):
        yield issue if supports else replace(issue, severity=_severity_for_applicability(issue, unread))


def _severity_for_applicability(issue: Issue, unread: bool) -> Severity:
    missing = issue.severity is Severity.ERROR or issue.code in _UNMEASURED | {INPUT_ABSENT_CODE, UNKNOWN_CODE}
    if issue.severity is Severity.INFORMATION or not missing:
        return issue.severity
    return Severity.WARNING if unread else Severity.INFORMATION


def step_issues(
    dependencies: Dependencies, position: int, excluded: dict[str, Severity] | None = None
) -> tuple[Issue, ...]:
    """The issues of one execution: the module's own, those of its records, and what is missing.

    Left out are inputs that cannot change its result.  ``excluded``: the grounds that could not be excluded and are
    reported by now, which are left out; those of this step are added.
    """
    execution, inputs = dependencies.executions[position], dependencies.executions[position].inputs
    grounds = dependencies.open_grounds(position)
    described = bool(execution.description.applicability)
    own = [
        issue
        for issue in execution.evaluation.issues
        if not _repeats_absence(issue, inputs) and not (described and issue.code == UNKNOWN_CODE)
    ]
    found = dict.fromkeys((*own, *_unknown_issues(dependencies, position, grounds, excluded)))
    covered = {name for each in grounds for name in each.slots}
    irrelevant = dependencies.irrelevant_inputs(position)
    for name, given in inputs.items():
        if name in irrelevant:
            continue
        issues = _input_issues(dependencies, given)
        if given.slot.applicability_only and name in covered:
            # That it is not recorded is said with what it leaves open.
            issues = tuple(i for i in issues if i.severity is not Severity.INFORMATION or i.code not in _UNRECORDED)
        found.update(dict.fromkeys((*issues, *_assumption_issues(given, dependencies.style))))
        if isinstance(given.value, Absent) and not is_untaken(given) and not _absence_reported(given, found):
            found[_absence_issue(given, dependencies.style)] = None
    return tuple(found)


def _unknown_issues(
    dependencies: Dependencies, position: int, grounds: Iterable[OpenGround], excluded: dict[str, Severity] | None
) -> tuple[Issue, ...]:
    """What could not be excluded, where its cause is known from the steps below, too."""
    inputs = dependencies.executions[position].inputs
    wanted = []
    for each in grounds:
        unread = any(dependencies.is_input_unread(inputs[name]) for name in each.slots)
        severity = Severity.WARNING if each.ground.refuse or unread else Severity.INFORMATION
        if excluded is not None:
            known = excluded.get(each.ground.text)
            if known is not None and _RANKS.index(known) <= _RANKS.index(severity):
                continue
            excluded[each.ground.text] = severity
        wanted.append(each)
    consumed = dependencies.consumed_inputs(position)
    return unknown_issues(
        wanted,
        consumed,
        lambda name: dependencies.is_input_unread(inputs[name]),
        lambda name: any(issue.code in _NEGATED for issue in inputs[name].issues),
    )


def _input_issues(dependencies: Dependencies, given: BoundInput) -> tuple[Issue, ...]:
    """The same, made once: by the views of the steps, and by every answer that depends on the input."""
    known = dependencies.input_issues.get(id(given))
    if known is None:
        known = dependencies.input_issues[id(given)] = (given, input_issues(given))
    return known[1]


def input_issues(given: BoundInput) -> tuple[Issue, ...]:
    """The issues of the records under one input, each with a short text.

    That an optional input stays empty is no rebuttal by itself, nor that one which only decides applicability is not
    recorded, or only too long ago; that there is nothing to compare with is no issue.
    """
    empty = isinstance(given.value, Absent) and not given.slot.required
    issues = (*given.issues, *_record_note_issues(given))
    codes = {issue.code for issue in issues}
    if empty and (given.slot.comparison or is_untaken(given)):
        issues = tuple(issue for issue in issues if issue.code not in _UNRECORDED)
    if "not-recorded" in codes and codes & _NEGATED:
        issues = tuple(issue for issue in issues if issue.code != "not-recorded")
    lesser = frozenset({"not-found"} if empty else ())
    if given.slot.applicability_only:
        # Which sex is meant matters to what is computed from it, and little to whom a module is for.
        lesser = _UNMEASURED if empty else frozenset({"administrative-gender"})
    issues = tuple(replace(i, severity=Severity.INFORMATION) if i.code in lesser else i for i in issues)
    if given.slot.applicability_only and is_suspected(given):
        # A suspected ground to refuse or to caution is what a reader must decide on.
        issues = tuple(replace(i, severity=Severity.WARNING) if i.code == "doubted" else i for i in issues)
    name = given.slot.concept.display
    return tuple(dict.fromkeys(replace(each, short=short_text(each, name)) for each in issues))


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
    codes = ABSENCE_CODES | _NEGATED
    return not supports_value(given) or any(issue.slot == given.slot.name and issue.code in codes for issue in issues)


def _absence_issue(given: BoundInput, style: Style) -> Issue:
    assert isinstance(given.value, Absent)  # noqa: S101 - the caller has looked
    why, name = describe_absence(given, style), given.slot.concept.display
    severity = Severity.WARNING if given.slot.required else Severity.INFORMATION
    issue = Issue(severity, INPUT_ABSENT_CODE, f"{name}: {why}", given.slot.name)
    return replace(issue, short=short_text(issue, name))


def _assumption_issues(given: BoundInput, style: Style) -> tuple[Issue, ...]:
    if not given.assumed or isinstance(given.value, Absent):
        return ()
    concept = given.slot.concept
    display, value = concept.display, concept_words(given.value, concept, style=style)
    if given.by_site:
        issue = Issue(
            Severity.INFORMATION, "site-setting", f"{display}: {value}, as set for this site", given.slot.name
        )
    else:
        issue = Issue(Severity.WARNING, "assumption", f"{display}: {value} is assumed; {WHAT_IF}", given.slot.name)
    return (replace(issue, short=short_text(issue, f"{display} {value}")),)


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

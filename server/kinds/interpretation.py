"""What a result means, by the bands that its module's source gives, and the remarks that its description adds."""

from collections.abc import Mapping
from dataclasses import replace

from ontology.evaluation import Evaluation, Issue, Severity, SlotInput
from ontology.values import Absent, AbsentReason, Coding
from server.catalog.criteria import Outcome
from server.catalog.descriptions import Description
from server.kinds.logic import Verdict, all_of, judge_optional
from server.kinds.rule import NO_CASE
from server.kinds.score import judge_single_criterion

RESULT = "result"


def with_result(inputs: Mapping[str, SlotInput], evaluation: Evaluation) -> dict[str, SlotInput]:
    """The inputs, and the result under its pseudo-slot.

    A value that has bounds is only the least that the result can be, so the bounds stand for it.
    """
    if evaluation.bounds is not None:
        result = SlotInput(Absent(AbsentReason.INPUT_ABSENT), evaluation.bounds)
    else:
        result = SlotInput(evaluation.value)
    return {**inputs, RESULT: result}


def interpret(description: Description, inputs: Mapping[str, SlotInput], evaluation: Evaluation) -> Outcome | None:
    """The first band that is known to hold; None where it cannot be determined, or there is no result.

    An earlier band that might hold as well leaves it open, unless it means the same (has the same code).  A value with
    a confidence interval is of a band only if all of the interval is.
    """
    if isinstance(evaluation.value, Absent) and evaluation.bounds is None:
        return None
    known = with_result(inputs, evaluation)
    if evaluation.interval is not None and evaluation.bounds is None:
        known[RESULT] = SlotInput(Absent(AbsentReason.INPUT_ABSENT), evaluation.interval)
    open_codes: set[Coding] = set()
    for outcome in description.outcomes:
        verdict = _judge_outcome(description, outcome, known)
        if verdict is True:
            return outcome if open_codes <= {outcome.coding} else None
        if verdict is None:
            open_codes.add(outcome.coding)
    return None


def _judge_outcome(description: Description, outcome: Outcome, known: Mapping[str, SlotInput]) -> Verdict:
    verdicts = [judge_optional(outcome.match, known), judge_optional(outcome.when, known)]
    if outcome.single is not None:
        verdicts.append(judge_single_criterion(description, known, outcome.single))
    return all_of(verdicts)


def with_remarks(description: Description, inputs: Mapping[str, SlotInput], evaluation: Evaluation) -> Evaluation:
    """The evaluation with the remarks that hold: as issues, or as qualifiers of the claim.

    Criteria may read the pseudo-slot ``result``.  A remark whose criterion is unknown is made only if it says so.
    A rule of which no case is met, and which warns of what it read, has not found that it does not hold: what is
    recorded contradicts itself.
    """
    known = with_result(inputs, evaluation)
    issues: list[Issue] = []
    qualifiers = [evaluation.working.qualifier] if evaluation.working.qualifier else []
    for remark in description.remarks:
        verdict = judge_optional(remark.criterion, known)
        if verdict is False or (verdict is None and not remark.on_unknown):
            continue
        if remark.qualifier:
            qualifiers.append(remark.text)
        else:
            issues.append(Issue(Severity(remark.severity), remark.code, remark.text))
    if not issues and not qualifiers:
        return evaluation
    working = replace(evaluation.working, qualifier="; ".join(qualifiers) or None)
    own = evaluation.issues
    if any(i.code == NO_CASE for i in own) and any(i.severity is Severity.WARNING for i in issues):
        own = tuple(i for i in own if i.code != NO_CASE)
        evaluation = replace(evaluation, value=Absent(AbsentReason.CONFLICTING))
    return replace(evaluation, working=working, issues=(*own, *issues))

"""What a description has said to the reader beside the value."""

from collections.abc import Mapping
from dataclasses import replace

from ontology.evaluation import Evaluation, Issue, Severity
from ontology.inputs import Consumed
from ontology.values import Absent, AbsentReason
from server.catalog.descriptions import Description
from server.kinds.interpret import with_result
from server.kinds.logic import judge_optional
from server.kinds.rule import NO_CASE


def with_remarks(description: Description, inputs: Mapping[str, Consumed], evaluation: Evaluation) -> Evaluation:
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

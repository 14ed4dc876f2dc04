"""For whom a module is valid: refused where a ground is known, cautioned, or unknown."""

from collections.abc import Iterable, Mapping

from ontology.evaluation import Issue, Severity, SlotInput
from ontology.values import Absent, AbsentReason
from server.catalog.criteria import Applicability
from server.catalog.descriptions import Description
from server.kinds.logic import judge, slots_of


def judge_applicability(
    description: Description, inputs: Mapping[str, SlotInput]
) -> tuple[Issue | None, tuple[Issue, ...]]:
    """Whether the module is refused, and the other issues.

    Refused: one ERROR ``not-applicable`` that names every known ground, and nothing else, since there will be no
    number to qualify.  Else: a WARNING ``caution`` for each known ground; and, grouped, what could not be determined:
    grounds to refuse as a WARNING, grounds for caution as INFORMATION, both ``applicability-unknown``.
    A ground is left out where one that says more is known to hold (``unless``).
    """
    grounds = (
        each for each in description.applicability if each.unless is None or judge(each.unless, inputs) is not True
    )
    verdicts = [(ground, judge(ground.criterion, inputs)) for ground in grounds]
    refused = [_known_text(ground) for ground, verdict in verdicts if ground.refuse and verdict]
    if refused:
        return Issue(Severity.ERROR, "not-applicable", f"Does not hold: {'; '.join(refused)}"), ()
    issues = [
        Issue(Severity.WARNING, "caution", f"To be read with caution: {_known_text(ground)}")
        for ground, verdict in verdicts
        if verdict
    ]
    for refuse, severity in ((True, Severity.WARNING), (False, Severity.INFORMATION)):
        unknown = [ground for ground, verdict in verdicts if verdict is None and ground.refuse is refuse]
        if unknown:
            text = f"Could not be excluded ({_reason(unknown, inputs)}): {'; '.join(ground.text for ground in unknown)}"
            issues.append(Issue(severity, "applicability-unknown", text))
    return None, tuple(issues)


def _known_text(ground: Applicability) -> str:
    return ground.text if ground.consequence is None else f"{ground.text}: {ground.consequence}"


def _reason(grounds: Iterable[Applicability], inputs: Mapping[str, SlotInput]) -> str:
    """``not recorded`` only where that is the reason for all; a failed search is something else."""
    names = {name for ground in grounds for name in slots_of(ground.criterion)}
    values = [inputs[name].value for name in names if name in inputs]
    reasons = {value.reason for value in values if isinstance(value, Absent)}
    return "not recorded" if reasons == {AbsentReason.NOT_FOUND} else "not known"

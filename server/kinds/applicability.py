"""For whom a module is valid: refused where a ground is known, cautioned, or unknown."""

from collections.abc import Mapping

from ontology.evaluation import Evaluation, Issue, Severity, SlotInput
from ontology.words.lists import short_list
from server.catalog.criteria import Applicability
from server.catalog.descriptions import Description
from server.kinds.interpretation import open_grounds, reported_grounds, short_ground, unknown_issues
from server.kinds.logic import is_unread, judge


def judge_applicability(
    description: Description, inputs: Mapping[str, SlotInput], evaluation: Evaluation | None = None
) -> tuple[Issue | None, tuple[Issue, ...]]:
    """Whether the module is refused, and the other issues.

    Refused: one ERROR ``not-applicable`` that names every known ground, and nothing else, since there will be no
    number to qualify.  Else: a WARNING ``caution`` for each known ground; and, grouped, what could not be determined,
    as ``applicability-unknown``: INFORMATION where a ground for caution is not recorded, else WARNING.
    ``evaluation``: the result, where there is one by now; an unknown that cannot change it is not raised.
    A ground is left out where one that says more is known to hold (``unless``).
    """
    verdicts = [(ground, judge(ground.criterion, inputs)) for ground in reported_grounds(description, inputs)]
    refused = [ground for ground, verdict in verdicts if ground.refuse and verdict]
    if refused:
        short = short_list("not applicable:", map(short_ground, refused))
        text = f"Not applicable: {'; '.join(_known_text(ground) for ground in refused)}"
        return Issue(Severity.ERROR, "not-applicable", text, short=short), ()
    cautions = tuple(
        Issue(Severity.WARNING, "caution", f"Caution: {_known_text(ground)}", short=short_ground(ground))
        for ground, verdict in verdicts
        if verdict
    )
    unknown = open_grounds(description, inputs, evaluation)
    return None, (*cautions, *unknown_issues(unknown, inputs, lambda slot: is_unread(inputs, slot)))


def _known_text(ground: Applicability) -> str:
    return ground.text if ground.consequence is None else f"{ground.text}: {ground.consequence}"

"""What a result means, by the bands that its module's source gives."""

from collections.abc import Mapping

from ontology.evaluation import Evaluation
from ontology.inputs import Consumed
from ontology.values import Absent, AbsentReason, Coding
from server.catalog.criteria import Outcome
from server.catalog.descriptions import Description
from server.kinds.logic import Verdict, all_of, judge_optional
from server.kinds.points import alone

RESULT = "result"


def with_result(inputs: Mapping[str, Consumed], evaluation: Evaluation) -> dict[str, Consumed]:
    """The inputs, and the result under its pseudo-slot.

    A value that has bounds is only the least that the result can be, so the bounds stand for it.
    """
    if evaluation.bounds is not None:
        result = Consumed(Absent(AbsentReason.INPUT_ABSENT), evaluation.bounds)
    else:
        result = Consumed(evaluation.value)
    return {**inputs, RESULT: result}


def interpret(description: Description, inputs: Mapping[str, Consumed], evaluation: Evaluation) -> Outcome | None:
    """The first band that is known to hold; None where it cannot be told, or there is no result.

    An earlier band that might hold as well leaves it open, unless it means the same (has the same code).  A value with
    a confidence interval is of a band only if all of the interval is.
    """
    if isinstance(evaluation.value, Absent) and evaluation.bounds is None:
        return None
    known = with_result(inputs, evaluation)
    if evaluation.interval is not None and evaluation.bounds is None:
        known[RESULT] = Consumed(Absent(AbsentReason.INPUT_ABSENT), evaluation.interval)
    open_codes: set[Coding] = set()
    for outcome in description.outcomes:
        verdict = _holds(description, outcome, known)
        if verdict is True:
            return outcome if open_codes <= {outcome.coding} else None
        if verdict is None:
            open_codes.add(outcome.coding)
    return None


def _holds(description: Description, outcome: Outcome, known: Mapping[str, Consumed]) -> Verdict:
    verdicts = [judge_optional(outcome.match, known), judge_optional(outcome.when, known)]
    if outcome.single is not None:
        verdicts.append(alone(description, known, outcome.single))
    return all_of(verdicts)

"""One module call: its applicability, the evaluator of its kind, then range issues and remarks."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from ontology.evaluation import Evaluation, SlotInput, Working
from ontology.values import Absent, AbsentReason
from server.catalog.descriptions import Description, Kind
from server.kinds.applicability import judge_applicability
from server.kinds.description_checks import check_result
from server.kinds.equation import evaluate_equation
from server.kinds.inputs import check_inputs, range_issues
from server.kinds.interpretation import with_remarks
from server.kinds.model import evaluate_model
from server.kinds.rule import evaluate_rule
from server.kinds.score import evaluate_score

Evaluator: TypeAlias = Callable[[Description, Mapping[str, SlotInput], datetime | None], Evaluation]

# A kind is one entry here.
EVALUATORS: dict[Kind, Evaluator] = {
    Kind.EQUATION: evaluate_equation,
    Kind.SCORE: lambda description, inputs, _: evaluate_score(description, inputs),
    Kind.RULE: lambda description, inputs, _: evaluate_rule(description, inputs),
    Kind.MODEL: lambda description, inputs, _: evaluate_model(description, inputs),
}


def evaluate(description: Description, inputs: Mapping[str, SlotInput], at: datetime | None = None) -> Evaluation:
    """Evaluate one module on what fills its slots; pure.

    ``at`` is the evaluation time, at the granularity that the description declares; only modules that declare one
    read it.  A refused module gives ``Absent(NOT_APPLICABLE)`` and is not called.  KindError where the description,
    the implementation and the inputs do not match; and whatever an ``evaluate`` itself raises.
    """
    evaluator = EVALUATORS[description.kind]
    check_inputs(description, inputs)
    refused, _ = judge_applicability(description, inputs)
    if refused is not None:
        return Evaluation(Absent(AbsentReason.NOT_APPLICABLE), Working(f"{refused.text}."), (refused,))
    evaluation = evaluator(description, inputs, at)
    check_result(description, evaluation)
    _, issues = judge_applicability(description, inputs, evaluation)
    issues = (*evaluation.issues, *issues, *range_issues(description, inputs))
    return with_remarks(description, inputs, replace(evaluation, issues=issues))

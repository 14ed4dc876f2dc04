"""Which issues of a step, and of those below it, reach an answer, and how grave they are there.

The table: for each kind of module, an input could not be retrieved for four reasons; the slot decides the value,
only to whom the module applies, or nothing.  The issues of the slots are as collectors report them.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from ontology.evaluation import Issue, Severity
from ontology.values import Absent, AbsentReason
from server.executor.trace import BoundInput, Execution
from server.explain.explain import explain
from server.explain.results import AnswerResult, Status
from server.kinds import evaluate
from tests.support import traces as t
from tests.support.fitted_models import DIABETES, VISITOR
from tests.support.module_inputs import FEMALE, INPUT_ABSENT, MALE, consumed_inputs, course, level, module

INFORMATION, WARNING, ERROR = Severity.INFORMATION, Severity.WARNING, Severity.ERROR
NOT_RECORDED = AbsentReason.NOT_FOUND
UNREAD = (AbsentReason.UNREACHABLE, AbsentReason.NOT_PERMITTED, AbsentReason.UNCONVERTIBLE)
REASONS = (NOT_RECORDED, *UNREAD)

NO = dict.fromkeys(("dialysis", "acute_kidney_injury", "pregnancy", "amputation"), False)
EGFR: dict[str, Any] = {
    "creatinine": "1.1",
    "age": 50,
    "sex": FEMALE,
    "gender": FEMALE,
    **NO,
    "aki_stage": INPUT_ABSENT,
    "aki_episode": False,
}
NEWS2: dict[str, Any] = {
    "respiratory_rate": 16, "spo2": 97, "supplemental_oxygen": False, "systolic_bp": 120, "pulse": 70,
    "consciousness": level("alert"), "temperature": 37, "age": 50, "sex": FEMALE, "gender": FEMALE,
    "pregnancy": False, "spinal_cord_injury": False,
}  # fmt: skip
GFR_CATEGORY: dict[str, Any] = {"egfr": 70, "chronicity": False, "age": 50, "dialysis": False}
MODEL: dict[str, Any] = {
    **VISITOR, "gender": MALE, **dict.fromkeys(("diabetes", "pregnancy", "metformin", "dialysis"), False),
    "end_stage_kidney_disease": False,
}  # fmt: skip
USUAL: Mapping[str, dict[str, Any]] = {
    "egfr": EGFR, "news2": NEWS2, "gfr-category": GFR_CATEGORY, DIABETES: MODEL,
}  # fmt: skip


def absence(slot: str, reason: AbsentReason, event: bool) -> Issue:
    """As a collector reports it: that an event is not recorded is for information, all else is a warning."""
    if reason is NOT_RECORDED:
        return Issue(INFORMATION, "not-recorded", f"{slot} is not recorded", slot) if event else Issue(
            WARNING, "not-found", f"No {slot} was found", slot
        )  # fmt: skip
    return Issue(WARNING, reason.value.lower().replace("_", "-"), f"{slot}: {reason.value}", slot)


def executed(
    module_id: str, given: Mapping[str, Any], issues: Mapping[str, Issue] | None = None, **steps: int
) -> Execution:
    """The execution of a shipped module; ``steps``: the positions of the executions that fill slots."""
    description = module(module_id)
    inputs = consumed_inputs(description, given)
    bound = {
        slot.name: BoundInput(
            slot,
            inputs[slot.name].value,
            steps=(steps[slot.name],) if slot.name in steps else (),
            issues=tuple(each for each in (issues or {}).values() if each.slot == slot.name),
        )
        for slot in description.slots
    }
    evaluation = evaluate(description, inputs, t.AT)
    run = t.run(description, tuple(bound.values()), evaluation.value)
    return replace(run, evaluation=evaluation)


def answer(*executions: Execution) -> AnswerResult:
    (result,) = explain(t.trace(executions, goals=(len(executions) - 1,)))
    return result


def lacking(module_id: str, slot: str, reason: AbsentReason) -> AnswerResult:
    event = module(module_id).slot(slot).concept.value_type.value == "FLAG"
    given = {**USUAL[module_id], slot: Absent(reason)}
    return answer(executed(module_id, given, {slot: absence(slot, reason, event)}))


def severities(result: AnswerResult, *words: str) -> set[Severity]:
    return {issue.severity for issue in result.issues if any(word in issue.text.casefold() for word in words)}


# Of a slot: the words of the ground that it leaves open, or of the value that it decides.
REFUSES = [
    ("egfr", "dialysis", "dialysis"),
    ("news2", "pregnancy", "pregnancy"),
    ("gfr-category", "dialysis", "dialysis"),
    (DIABETES, "diabetes", "diabetes"),
]
CAUTIONS = [
    ("egfr", "amputation", "amputation"),
    ("news2", "spinal_cord_injury", "spinal cord injury"),
    (DIABETES, "metformin", "metformin"),
]
DECIDES_VALUE = [("egfr", "creatinine"), ("news2", "pulse"), ("gfr-category", "egfr"), (DIABETES, "body_mass_index")]


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize(("module_id", "slot", "words"), REFUSES)
def test_whom_a_module_refuses_is_a_warning_where_it_is_unknown(
    module_id: str, slot: str, words: str, reason: AbsentReason
) -> None:
    result = lacking(module_id, slot, reason)
    assert result.status is Status.COMPLETE
    assert severities(result, words) == {WARNING}
    assert ERROR not in {issue.severity for issue in result.issues}


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize(("module_id", "slot", "words"), CAUTIONS)
def test_a_ground_for_caution_warns_where_records_may_have_it(
    module_id: str, slot: str, words: str, reason: AbsentReason
) -> None:
    result = lacking(module_id, slot, reason)
    assert result.status is Status.COMPLETE
    wanted = INFORMATION if reason is NOT_RECORDED else WARNING
    assert severities(result, words) == {wanted}
    if reason in UNREAD:
        # Both the fault and what it leaves open; and a rebuttal of the step.
        assert {"applicability-unknown", reason.value.lower().replace("_", "-")} <= {i.code for i in result.issues}
        assert any(words in text.casefold() for text in result.chain[-1].rebuttals)


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize(("module_id", "slot"), DECIDES_VALUE)
def test_what_the_value_needs_is_never_less_than_a_warning(module_id: str, slot: str, reason: AbsentReason) -> None:
    result = lacking(module_id, slot, reason)
    assert result.status is Status.INSUFFICIENT
    about = [issue for issue in result.issues if issue.slot == slot]
    assert about and {issue.severity for issue in about} <= {WARNING, ERROR}


def acute_kidney_injury(reason: AbsentReason | None) -> Execution:
    """The stage that decides on a caution of the eGFR; its own input is missing, or too old."""
    given = {
        "creatinine": course("mg/dL", (0, 1)) if reason is None else Absent(reason),
        "age": 50,
        "chronic_dialysis": False,
    }
    issues = {} if reason is None else {"creatinine": absence("creatinine", reason, False)}
    return executed("aki-stage", given, issues)


@pytest.mark.parametrize("reason", [None, *REASONS])
def test_a_step_that_only_decides_on_a_caution_never_makes_an_error(reason: AbsentReason | None) -> None:
    below = acute_kidney_injury(reason)
    assert any(issue.severity is ERROR for issue in below.evaluation.issues)
    result = answer(below, executed("egfr", EGFR, aki_stage=0))
    assert result.status is Status.COMPLETE
    of_step = {issue.severity for issue in result.issues if issue.step == 0}
    wanted = WARNING if reason in UNREAD else INFORMATION
    assert of_step == {wanted}
    assert severities(result, "acute kidney injury") == {wanted}


@pytest.mark.parametrize("reason", REASONS)
def test_a_step_that_can_change_nothing_is_not_spoken_of(reason: AbsentReason) -> None:
    """An injury that is recorded is cautioned whatever its stage is; dialysis refuses whatever it is."""
    for known in ({"acute_kidney_injury": True}, {"dialysis": True}):
        result = answer(acute_kidney_injury(reason), executed("egfr", {**EGFR, **known}, aki_stage=0))
        assert [issue for issue in result.issues if issue.step == 0] == []


def test_albuminuria_matters_to_a_category_only_from_60_on() -> None:
    """It is a marker of kidney damage in G1 and G2 (KDIGO 2024), and says nothing of G3a."""
    below = executed("albuminuria-category", {"uacr": 40, "age": 50})
    (warned,) = (issue.code for issue in below.evaluation.issues)
    for egfr, told in ((60, True), (59.9, False)):
        given = {**GFR_CATEGORY, "egfr": egfr, "albuminuria": below.evaluation.value}
        result = answer(below, executed("gfr-category", given, albuminuria=0))
        assert (warned in {issue.code for issue in result.issues}) is told


def test_without_a_creatinine_nothing_is_said_of_one_that_is_too_high() -> None:
    for reason in REASONS:
        result = lacking("egfr", "creatinine", reason)
        assert not any("above 30" in issue.text for issue in result.issues)
        assert any(issue.slot == "creatinine" for issue in result.issues)


def test_a_fact_is_reported_once_at_the_step_nearest_to_the_answer() -> None:
    gender = Issue(WARNING, "administrative-gender", "Administrative gender is used.", "sex")
    egfr = executed("egfr", {**EGFR, "dialysis": Absent(NOT_RECORDED)}, {"sex": gender})
    risk = {
        "age": 50,
        "sex": FEMALE,
        "egfr": "41",
        "uacr": 300,
        "north_america": True,
        "aki_episode": False,
        "end_stage_kidney_disease": False,
    }
    result = answer(egfr, executed("kidney-failure-risk-5y", risk, {"sex": gender}, egfr=0))
    assert [issue.text for issue in result.issues if "dialysis" in issue.text.casefold()] == [
        "Dialysis, kidney transplant: not documented. The answer holds only if there is none."
    ]
    assert [(i.code, i.step) for i in result.issues if i.code == "administrative-gender"] == [
        ("administrative-gender", 1)
    ]
    assert any("dialysis" in text.casefold() for text in result.chain[0].rebuttals), "the step by itself still says so"


def test_what_is_recorded_as_absent_is_not_said_to_be_not_recorded_too() -> None:
    issues = {
        "a": Issue(INFORMATION, "negated", "Recorded as refuted: Condition/1.", "amputation"),
        "b": Issue(INFORMATION, "not-recorded", "Amputation is not recorded.", "amputation"),
    }
    result = answer(executed("egfr", {**EGFR, "amputation": Absent(NOT_RECORDED)}, issues))
    assert [issue.code for issue in result.issues if issue.slot == "amputation"] == ["negated"]


def test_issues_name_the_step_that_they_are_of_and_none_for_the_question() -> None:
    away = Issue(WARNING, "source-unreachable", "ehr could not be reached.")
    below = acute_kidney_injury(NOT_RECORDED)
    executions = (below, executed("egfr", EGFR, aki_stage=0))
    (result,) = explain(t.trace(executions, goals=(1,), issues=(away,)))
    assert {issue.step for issue in result.issues if issue.code != away.code} == {0, 1}
    assert [issue.step for issue in result.issues if issue.code == away.code] == [None]


def test_points_of_a_series_do_not_speak_of_the_stage_that_they_leave_out() -> None:
    given = {**EGFR, **dict.fromkeys(("aki_stage", "aki_episode"), Absent(AbsentReason.NOT_QUERIED))}
    result = answer(executed("egfr", given))
    assert [issue for issue in result.issues if "acute kidney injury" in issue.text.casefold()] == []

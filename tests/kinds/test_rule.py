"""Rules: ordered cases; an earlier unknown keeps its output possible."""

from dataclasses import replace
from decimal import Decimal

import pytest

from ontology.concepts import ValueType
from ontology.evaluation import Severity, SlotInput
from ontology.values import Absent, AbsentReason, Coding
from server.catalog.criteria import AnyOf, Compare, Is, RuleCase
from server.kinds import evaluate
from tests.support.descriptions import absent, between, bound, code, make_concept, make_description, make_slot, number

GFR = make_description(
    produces=make_concept("gfr-category", ValueType.CODING, display="GFR category"),
    slots=(make_slot("egfr"),),
    cases=(
        RuleCase(Compare("egfr", at_least=Decimal(60)), code("G2"), "eGFR at least 60"),
        RuleCase(Compare("egfr", at_least=Decimal(45)), code("G3a"), "eGFR 45 to 59"),
        RuleCase(Compare("egfr", at_least=Decimal(30)), code("G3b"), "eGFR 30 to 44"),
        RuleCase(None, code("G4"), "eGFR below 30"),
    ),
)


@pytest.mark.parametrize(
    ("egfr", "expected"),
    [(number(60), "G2"), (number("59.99"), "G3a"), (number(45), "G3a"), (number(10), "G4"), (bound(">", 90), "G2")],
)
def test_the_first_case_that_holds(egfr: SlotInput, expected: str) -> None:
    evaluation = evaluate(GFR, {"egfr": egfr})
    assert evaluation.value == code(expected)
    assert evaluation.issues == ()


def test_the_warrant_names_the_case_and_what_it_read() -> None:
    assert evaluate(GFR, {"egfr": number(52)}).working.warrant == "eGFR 45 to 59 (egfr 52)"
    assert evaluate(GFR, {"egfr": number(12)}).working.warrant == "eGFR below 30 (egfr 12)"


def test_an_interval_inside_one_case_settles_it_though_the_input_is_absent() -> None:
    evaluation = evaluate(GFR, {"egfr": between(46, 52)})
    assert evaluation.value == code("G3a")
    assert [(i.severity, i.code) for i in evaluation.issues] == [(Severity.WARNING, "input-absent")]


def test_an_interval_across_two_cases_names_both() -> None:
    evaluation = evaluate(GFR, {"egfr": between(40, 52)})
    assert evaluation.value == Absent(AbsentReason.INPUT_ABSENT)
    issue = next(issue for issue in evaluation.issues if issue.code == "undecided")
    assert issue.text == "GFR category: G3a or G3b"
    assert "eGFR 45 to 59; eGFR 30 to 44" in evaluation.working.warrant


def test_nothing_known_leaves_all() -> None:
    evaluation = evaluate(GFR, {"egfr": absent()})
    assert evaluation.value == Absent(AbsentReason.INPUT_ABSENT)
    assert [(i.severity, i.code, i.text) for i in evaluation.issues] == [
        (Severity.ERROR, "input-absent", "egfr: not found"),
        (Severity.WARNING, "undecided", "GFR category: G2, G3a, G3b or G4"),
    ]


def test_alternatives_with_commas_are_apart_by_semicolons() -> None:
    cases = tuple(
        replace(each, output=replace(each.output, display=f"{each.output.code}, at present"))
        for each in GFR.cases
        if isinstance(each.output, Coding)
    )
    evaluation = evaluate(replace(GFR, cases=cases), {"egfr": between(20, 52)})
    issue = next(issue for issue in evaluation.issues if issue.code == "undecided")
    assert issue.text == "GFR category: G3a, at present; G3b, at present; or G4, at present"


EITHER = (make_slot("a", ValueType.FLAG, required=False), make_slot("b", ValueType.FLAG, required=False))
OXYGEN = make_description(
    produces=make_concept("oxygen", ValueType.FLAG, display="Supplemental oxygen"),
    slots=(make_slot("flow", required=False), make_slot("air", ValueType.FLAG, required=False)),
    cases=(
        RuleCase(Compare("flow", above=Decimal(0)), True, "flow above 0"),
        RuleCase(Is("air", True), False, "on room air"),
        RuleCase(Compare("flow", at_most=Decimal(0)), False, "flow 0"),
    ),
)


def test_without_an_otherwise_nothing_recorded_is_unknown_not_no() -> None:
    evaluation = evaluate(OXYGEN, {"flow": absent(), "air": absent()})
    assert evaluation.value == Absent(AbsentReason.INPUT_ABSENT)
    assert evaluation.issues[-1].text == "Supplemental oxygen: yes or no"


def test_equal_outputs_settle_it_whichever_case_it_is() -> None:
    same = make_description(
        slots=(make_slot("a", ValueType.FLAG), make_slot("b", ValueType.FLAG)),
        cases=(
            RuleCase(Is("a", True), code("x"), "a"),
            RuleCase(Is("b", True), code("x"), "b"),
            RuleCase(None, code("y"), "neither"),
        ),
    )
    evaluation = evaluate(same, {"a": absent(), "b": SlotInput(True)})
    assert evaluation.value == code("x")
    assert evaluation.working.warrant == "a or b (a missing, B yes)"
    assert evaluate(same, {"a": absent(), "b": SlotInput(False)}).value == Absent(AbsentReason.INPUT_ABSENT)


def test_the_warrant_leaves_out_what_the_case_could_do_without() -> None:
    case = RuleCase(AnyOf((Is("a", True), Is("b", True))), code("x"), "a or b")
    either = make_description(slots=EITHER, cases=(case,))
    assert evaluate(either, {"a": absent(), "b": SlotInput(True)}).working.warrant == "a or b (B yes)"


def test_no_case_met_is_not_applicable() -> None:
    only = make_description(
        slots=(make_slot("a", ValueType.FLAG), make_slot("b", ValueType.FLAG)),
        cases=(RuleCase(AnyOf((Is("a", True), Is("b", True))), code("x"), "a or b"),),
    )
    evaluation = evaluate(only, {"a": SlotInput(False), "b": SlotInput(False)})
    assert evaluation.value == Absent(AbsentReason.NOT_APPLICABLE)
    assert [issue.code for issue in evaluation.issues] == ["no-case"]
    undecided = evaluate(only, {"a": SlotInput(False), "b": absent()})
    assert undecided.value == Absent(AbsentReason.INPUT_ABSENT)
    assert undecided.issues[-1].text == "Result: x or none of them"

"""Interpretation: the first band that is known to hold, on the value or on what limits it; and remarks."""

from decimal import Decimal

import pytest

from ontology.concepts import ValueType
from ontology.evaluation import Evaluation, Interval, Issue, Severity, SlotInput, Working
from ontology.values import Absent, AbsentReason, Quantity
from server.catalog.criteria import Band, Compare, Is, Not, OneOf, Outcome, Present, Remark, RuleCase, ScoreCriterion
from server.catalog.descriptions import Kind
from server.kinds import evaluate, interpret
from server.kinds.interpretation import with_remarks
from tests.support.descriptions import absent, code, make_concept, make_description, make_slot, number

OUTCOMES = (
    Outcome(Compare("result", at_least=Decimal(7)), code("high"), "high"),
    Outcome(Compare("result", at_least=Decimal(5)), code("medium"), "medium"),
    Outcome(None, code("single"), "a single 3", single=Decimal(3)),
    Outcome(None, code("low"), "low"),
)
BANDS = tuple(Band(Compare("x", at_most=Decimal(n)), Decimal(n), str(n)) for n in range(9))
SCORE = make_description(
    Kind.SCORE,
    produces=make_concept("score", unit="{score}"),
    slots=(make_slot("x"), make_slot("y", required=False)),
    criteria=(ScoreCriterion("x", "X", BANDS),),
    outcomes=OUTCOMES,
)


def result(low: int = 0, high: int | None = None, value: int | None = None) -> Evaluation:
    bounds = None if high is None else Interval(Decimal(low), Decimal(high), "{score}", "")
    given = Absent(AbsentReason.INPUT_ABSENT) if value is None else Quantity(Decimal(value), "{score}")
    return Evaluation(given, Working(""), bounds=bounds)


@pytest.mark.parametrize(
    ("x", "evaluation", "expected"),
    [
        (number(8), result(value=8), "high"),
        (number(5), result(value=5), "medium"),
        (number(3), result(value=3), "single"),
        (number(2), result(value=2), "low"),
        (absent(), result(), None),
        (absent(), result(7, 9), "high"),
        (absent(), result(5, 6), "medium"),
        (absent(), result(5, 8), None),
        (absent(), result(0, 2), None),  # a single 3 cannot be excluded
        (number(1), result(0, 2), "low"),
        (number(2), result(2, 6, value=2), None),  # a lowest total is not the total
        (number(2), result(7, 9, value=7), "high"),
    ],
)
def test_the_first_band_known_to_hold(x: SlotInput, evaluation: Evaluation, expected: str | None) -> None:
    outcome = interpret(SCORE, {"x": x, "y": absent()}, evaluation)
    assert (outcome.coding.code if outcome else None) == expected


def test_a_refused_result_is_not_interpreted_even_by_a_band_for_everything() -> None:
    refused = Evaluation(Absent(AbsentReason.NOT_APPLICABLE), Working(""))
    assert interpret(SCORE, {"x": number(1), "y": absent()}, refused) is None


BY_SEX = make_description(
    slots=(make_slot("sex", ValueType.CODING),),
    cases=(RuleCase(None, code("any"), "always"),),
    outcomes=(
        Outcome(None, code("high"), "3 or more", when=OneOf("sex", (code("male"),))),
        Outcome(OneOf("result", (code("any"),)), code("high"), "2 or more in men"),
        Outcome(None, code("low"), "low"),
    ),
)


def test_an_earlier_unknown_does_not_matter_where_it_means_the_same() -> None:
    inputs = {"sex": absent()}
    assert interpret(BY_SEX, inputs, evaluate(BY_SEX, inputs)) is BY_SEX.outcomes[1]


def test_no_band_known_to_hold_is_none() -> None:
    description = make_description(
        slots=(), cases=BY_SEX.cases, outcomes=(Outcome(OneOf("result", (code("b"),)), code("o"), "o"),)
    )
    assert interpret(description, {}, evaluate(description, {})) is None


REMARKED = make_description(
    produces=make_concept("shown", ValueType.FLAG),
    slots=(make_slot("acr", ValueType.FLAG, required=False),),
    cases=(RuleCase(None, True, "always"),),
    remarks=(
        Remark(None, "urine output not assessed", "urine", qualifier=True),
        Remark(Not(Present("acr")), "chronicity not shown", "chronicity", qualifier=True),
        Remark(Is("acr", True), "damage is marked", "damage", severity="INFORMATION"),
        Remark(Is("acr", False), "no marker of damage, or none known", "marker", on_unknown=True),
        Remark(Is("result", False), "never said", "never"),
    ),
)


@pytest.mark.parametrize(
    ("acr", "qualifier", "codes"),
    [
        (absent(), "urine output not assessed; chronicity not shown", ["marker"]),
        (SlotInput(True), "urine output not assessed", ["damage"]),
        (SlotInput(False), "urine output not assessed", ["marker"]),
    ],
)
def test_remarks_are_issues_or_qualify_the_claim(acr: SlotInput, qualifier: str, codes: list[str]) -> None:
    evaluation = evaluate(REMARKED, {"acr": acr})
    assert evaluation.working.qualifier == qualifier
    assert [issue.code for issue in evaluation.issues] == codes


def test_remarks_are_added_to_what_the_module_said_itself() -> None:
    said = Evaluation(True, Working("w", qualifier="its own"), (Issue(Severity.WARNING, "own", "own"),))
    evaluation = with_remarks(REMARKED, {"acr": SlotInput(True)}, said)
    assert evaluation.working == Working("w", qualifier="its own; urine output not assessed")
    assert evaluation.issues == (*said.issues, Issue(Severity.INFORMATION, "damage", "damage is marked"))

"""Who is refused, who is cautioned, and what could not be told: never "no" for "unknown"."""

from dataclasses import replace
from decimal import Decimal

import pytest

from ontology.concepts import ValueType
from ontology.evaluation import Issue, Severity, SlotInput
from ontology.values import Absent, AbsentReason
from server.catalog.criteria import Applicability, Compare, Is, Not, Present, RuleCase
from server.kinds import evaluate
from server.kinds.applicability import judge_applicability
from tests.support.descriptions import absent, between, code, make_description, make_slot, number

ADULT = Applicability(Compare("age", below=Decimal(18), completed=True), True, "under 18 years")
DIALYSIS = Applicability(Is("dialysis", True), True, "on dialysis")
TRANSPLANT = Applicability(Is("transplant", True), True, "kidney transplant")
PREGNANCY = Applicability(Is("pregnancy", True), False, "pregnancy")
DESCRIPTION = make_description(
    slots=(
        make_slot("age"),
        *(
            make_slot(name, ValueType.FLAG, required=False, applicability_only=True)
            for name in ("dialysis", "transplant", "pregnancy")
        ),
    ),
    applicability=(ADULT, DIALYSIS, TRANSPLANT, PREGNANCY),
    cases=(RuleCase(None, code("any"), "always"),),
)
NO = SlotInput(False)
YES = SlotInput(True)


def inputs(**given: SlotInput) -> dict[str, SlotInput]:
    return {"age": number(40), "dialysis": NO, "transplant": NO, "pregnancy": NO, **given}


def test_nothing_to_mind() -> None:
    assert judge_applicability(DESCRIPTION, inputs()) == (None, ())


def test_refused_names_every_known_ground_and_nothing_else() -> None:
    refused, issues = judge_applicability(
        DESCRIPTION, inputs(age=number("17.99"), dialysis=YES, transplant=absent(), pregnancy=YES)
    )
    assert refused == Issue(Severity.ERROR, "not-applicable", "Not applicable: under 18 years; on dialysis")
    assert issues == ()


def test_a_refused_module_gives_no_value() -> None:
    evaluation = evaluate(DESCRIPTION, inputs(dialysis=YES))
    assert evaluation.value == Absent(AbsentReason.NOT_APPLICABLE)
    assert [issue.code for issue in evaluation.issues] == ["not-applicable"]
    assert "on dialysis" in evaluation.working.warrant


def test_caution_leaves_the_value() -> None:
    evaluation = evaluate(DESCRIPTION, inputs(pregnancy=YES))
    assert evaluation.value == code("any")
    assert evaluation.issues == (Issue(Severity.WARNING, "caution", "Caution: pregnancy"),)


def test_unknown_grounds_are_grouped_and_the_value_stands() -> None:
    evaluation = evaluate(DESCRIPTION, inputs(dialysis=absent(), transplant=absent(), pregnancy=absent()))
    assert evaluation.value == code("any")
    assert evaluation.issues == (
        Issue(
            Severity.WARNING,
            "applicability-unknown",
            "Dialysis, kidney transplant: not documented. The answer holds only if there is none.",
        ),
        Issue(Severity.INFORMATION, "applicability-unknown", "Pregnancy: not documented. Caution if present."),
    )


@pytest.mark.parametrize(
    ("named", "refuses", "short"),
    [
        (("on dialysis",), True, "dialysis not documented: holds only without it"),
        (("valve", "stenosis"), True, "valve and stenosis not documented: holds only without them"),
        # In twelve words: what follows matters more than why, and the names more than both.
        (
            ("mechanical heart valve", "prosthetic heart valve", "mitral stenosis"),
            True,
            "holds only without: mechanical heart valve, prosthetic heart valve, mitral stenosis",
        ),
        (
            (
                "mechanical heart valve",
                "prosthetic heart valve",
                "mitral stenosis",
                "rheumatic heart disease",
            ),
            True,
            "not documented: mechanical heart valve, prosthetic heart valve and 2 more",
        ),
        (
            ("mechanical heart valve", "prosthetic heart valve", "mitral stenosis"),
            False,
            "not documented: mechanical heart valve, prosthetic heart valve, mitral stenosis",
        ),
    ],
)
def test_in_short_all_names_and_what_follows(named: tuple[str, ...], refuses: bool, short: str) -> None:
    slots = [f"s{place}" for place in range(len(named))]
    description = make_description(
        slots=tuple(make_slot(each, ValueType.FLAG, required=False, applicability_only=True) for each in slots),
        applicability=tuple(
            Applicability(Is(slot, True), refuses, text) for slot, text in zip(slots, named, strict=True)
        ),
    )
    _, issues = judge_applicability(description, {each: absent() for each in slots})
    assert [issue.short for issue in issues] == [short]


def test_not_recorded_is_said_only_where_it_is_the_reason() -> None:
    _, issues = judge_applicability(DESCRIPTION, inputs(dialysis=absent(AbsentReason.UNREACHABLE)))
    assert [issue.text for issue in issues] == ["Dialysis: unknown. The answer holds only without it."]
    _, issues = judge_applicability(DESCRIPTION, inputs(age=between("17.5", "18.4")))
    assert [issue.text for issue in issues] == ["Under 18 years: unknown. The answer holds only without it."]


def test_a_failed_search_is_no_absence_of_the_condition() -> None:
    needs = Applicability(Not(Present("dialysis")), True, "no dialysis recorded")
    description = make_description(slots=DESCRIPTION.slots, applicability=(needs,))
    assert judge_applicability(description, inputs(dialysis=absent()))[0] is not None
    refused, issues = judge_applicability(description, inputs(dialysis=absent(AbsentReason.UNREACHABLE)))
    assert refused is None
    assert [issue.code for issue in issues] == ["applicability-unknown"]


VALVE = Applicability(Is("dialysis", True), True, "valve", consequence="one drug only")
ANY_VALVE = Applicability(
    Is("transplant", True), True, "any valve", consequence="to be found out", unless=VALVE.criterion
)


@pytest.mark.parametrize(
    ("exact", "refused"),
    [
        (YES, "Not applicable: valve: one drug only"),
        (NO, "Not applicable: any valve: to be found out"),
        (absent(), "Not applicable: any valve: to be found out"),
        (absent(AbsentReason.UNREACHABLE), "Not applicable: any valve: to be found out"),
    ],
)
def test_a_ground_yields_to_one_that_is_known_and_says_more(exact: SlotInput, refused: str) -> None:
    description = replace(DESCRIPTION, applicability=(VALVE, ANY_VALVE))
    found, issues = judge_applicability(description, inputs(dialysis=exact, transplant=YES))
    assert (found and found.text, issues) == (refused, ())


def test_a_consequence_is_told_only_of_what_is_known() -> None:
    caution = replace(PREGNANCY, consequence="call somebody")
    description = replace(DESCRIPTION, applicability=(caution,))
    _, known = judge_applicability(description, inputs(pregnancy=YES))
    _, unknown = judge_applicability(description, inputs(pregnancy=absent()))
    assert [issue.text for issue in known] == ["Caution: pregnancy: call somebody"]
    assert "call somebody" not in unknown[0].text

"""Scores: points of ordered bands; with inputs missing, limits or a partial total, and never an invented one."""

from decimal import Decimal
from typing import Any

import pytest

from ontology.concepts import Origin, ValueType
from ontology.evaluation import Contribution, Interval, Severity, SlotInput
from ontology.values import Absent, AbsentReason, Quantity
from server.catalog.criteria import Band, Compare, Criterion, Is, OneOf, Outcome, ScoreCriterion
from server.catalog.descriptions import Description, Kind
from server.kinds import evaluate
from server.kinds.score import judge_single_criterion
from tests.support.descriptions import absent, between, bound, code, make_concept, make_description, make_slot, number
from tests.support.module_inputs import bounds

INSUFFICIENT = Absent(AbsentReason.INPUT_ABSENT)


def band(points: int, label: str, match: Criterion | None = None, when: Criterion | None = None) -> Band:
    return Band(match, Decimal(points), label, when)


RATE = ScoreCriterion(
    "rate",
    "Respiratory rate",
    (
        band(3, "8 or less", Compare("rate", at_most=Decimal(8), precision=Decimal(1))),
        band(0, "9 to 20", Compare("rate", at_most=Decimal(20), precision=Decimal(1))),
        band(2, "21 to 24", Compare("rate", at_most=Decimal(24), precision=Decimal(1))),
        band(3, "25 or more"),
    ),
)
OXYGEN = ScoreCriterion(
    "oxygen", "Oxygen", (band(2, "oxygen", Is("oxygen", True)), band(0, "air", Is("oxygen", False)))
)
SPO2 = ScoreCriterion(
    "spo2",
    "SpO2",
    (
        band(3, "below 90", Compare("spo2", below=Decimal(90))),
        band(0, "90 or more, on air", when=Is("oxygen", False)),
        band(1, "90 to 96 on oxygen", Compare("spo2", at_most=Decimal(96))),
        band(3, "97 or more on oxygen"),
    ),
)
HIGH = Outcome(Compare("result", at_least=Decimal(7)), code("high"), "high")
SINGLE = Outcome(None, code("single"), "a single 3", single=Decimal(3))


def make_score(*criteria: ScoreCriterion, required: bool = True, **overrides: Any) -> Description:
    types = {"oxygen": ValueType.FLAG, "sex": ValueType.CODING}
    slots = tuple(make_slot(c.slot, types.get(c.slot, ValueType.QUANTITY), required=required) for c in criteria)
    produces = make_concept("score", unit="{score}", origin=Origin.COMPUTED, display="Score")
    return make_description(Kind.SCORE, produces=produces, slots=slots, criteria=criteria, **overrides)


CHART = make_score(RATE, SPO2, OXYGEN)


def points(value: int) -> Quantity:
    return Quantity(Decimal(value), "{score}")


@pytest.mark.parametrize(
    ("rate", "spo2", "oxygen", "total"),
    [
        (number(16), number(97), False, 0),
        (number(16), number(97), True, 5),
        (number(16), number(96), True, 3),
        (number("8.4"), number(89), True, 8),
        (number("8.5"), number(97), False, 0),
        (bound("<", 8), number(97), False, 3),
        (bound(">", 24), number(97), False, None),
        (bound(">", 25), number(97), False, 3),
    ],
)
def test_totals(rate: SlotInput, spo2: SlotInput, oxygen: bool, total: int | None) -> None:
    evaluation = evaluate(CHART, {"rate": rate, "spo2": spo2, "oxygen": SlotInput(oxygen)})
    assert evaluation.value == (INSUFFICIENT if total is None else points(total))


def test_the_warrant_names_every_criterion_with_its_band() -> None:
    evaluation = evaluate(CHART, {"rate": number(26), "spo2": number(95), "oxygen": SlotInput(True)})
    assert evaluation.working.warrant == (
        "Respiratory rate 26: 3 (25 or more) + SpO2 95: 1 (90 to 96 on oxygen) + Oxygen yes: 2 (oxygen) = 6"
    )
    assert evaluation.working.contributions == (
        Contribution("rate", Decimal(3), "25 or more"),
        Contribution("spo2", Decimal(1), "90 to 96 on oxygen"),
        Contribution("oxygen", Decimal(2), "oxygen"),
    )
    assert evaluation.bounds is None


def test_one_missing_gives_no_total_but_limits() -> None:
    evaluation = evaluate(CHART, {"rate": number(26), "spo2": number(89), "oxygen": absent()})
    assert evaluation.value == INSUFFICIENT
    assert evaluation.bounds == Interval(Decimal(6), Decimal(8), "{score}", "regardless of the missing inputs")
    assert evaluation.working.warrant == (
        "Respiratory rate 26: 3 (25 or more) + SpO2 89: 3 (below 90) + Oxygen missing: 0 to 2: at least 6, at most 8"
    )
    assert [c.slot for c in evaluation.working.contributions] == ["rate", "spo2"]
    assert [(i.severity, i.code, i.slot, i.text) for i in evaluation.issues] == [
        (Severity.ERROR, "input-absent", "oxygen", "oxygen: not found")
    ]


def test_a_band_that_depends_on_a_missing_slot_is_open() -> None:
    evaluation = evaluate(CHART, {"rate": number(16), "spo2": number(97), "oxygen": absent()})
    assert bounds(evaluation) == (0, 5)
    assert "SpO2 97: 0 to 3" in evaluation.working.warrant


def test_everything_missing_gives_the_limits_of_the_score() -> None:
    evaluation = evaluate(CHART, {"rate": absent(), "spo2": absent(), "oxygen": absent()})
    assert bounds(evaluation) == (0, 8)
    assert evaluation.working.contributions == ()


def test_a_single_parameter_is_raised_even_without_a_total() -> None:
    chart = make_score(RATE, OXYGEN, outcomes=(HIGH, SINGLE))
    evaluation = evaluate(chart, {"rate": number(26), "oxygen": absent()})
    assert evaluation.value == INSUFFICIENT
    raised = [issue for issue in evaluation.issues if issue.code == "single-parameter"]
    assert [(i.severity, i.slot, i.text) for i in raised] == [
        (Severity.WARNING, "rate", "Respiratory rate alone scores 3")
    ]
    assert evaluate(chart, {"rate": number(22), "oxygen": SlotInput(True)}).issues == ()


def test_whether_one_criterion_alone_scores() -> None:
    chart = make_score(RATE, OXYGEN)
    assert judge_single_criterion(chart, {"rate": number(26), "oxygen": absent()}, Decimal(3)) is True
    assert judge_single_criterion(chart, {"rate": number(16), "oxygen": absent()}, Decimal(3)) is False
    assert judge_single_criterion(chart, {"rate": absent(), "oxygen": absent()}, Decimal(3)) is None


def test_a_missing_required_input_takes_the_total_even_where_no_points_hang_on_it() -> None:
    same = ScoreCriterion("oxygen", "Oxygen", (band(1, "either"),))
    inputs = {"rate": number(16), "oxygen": absent()}
    evaluation = evaluate(make_score(RATE, same), inputs)
    assert evaluation.value == INSUFFICIENT
    assert bounds(evaluation) == (1, 1)
    assert evaluate(make_score(RATE, same, required=False), inputs).value == points(1)
    partial = evaluate(make_score(RATE, same, partial_total=True), inputs)
    assert (partial.value, partial.bounds) == (points(1), None)


def test_a_partial_total_is_the_lowest_with_its_limits() -> None:
    chart = make_score(RATE, OXYGEN, partial_total=True)
    evaluation = evaluate(chart, {"rate": number(26), "oxygen": absent()})
    assert evaluation.value == points(3)
    assert bounds(evaluation) == (3, 5)
    assert evaluation.working.claim == "Score: at least 3 (recorded); up to 5 if criteria not documented are present"
    assert [(i.severity, i.code) for i in evaluation.issues] == [(Severity.WARNING, "input-absent")]


def test_optional_inputs_that_matter_are_named_in_one_issue() -> None:
    chart = make_score(RATE, OXYGEN, required=False)
    evaluation = evaluate(chart, {"rate": between(20, 22), "oxygen": absent()})
    assert evaluation.value == INSUFFICIENT
    assert bounds(evaluation) == (0, 4)
    assert [(i.severity, i.code, i.text) for i in evaluation.issues] == [
        (Severity.ERROR, "undetermined", "Unknown, could change the total: rate and oxygen")
    ]


def test_no_band_met_is_no_points_and_said() -> None:
    sex = ScoreCriterion("sex", "Sex", (band(1, "female", OneOf("sex", (code("female"),))),))
    evaluation = evaluate(make_score(sex), {"sex": SlotInput(code("other"))})
    assert evaluation.value == points(0)
    assert evaluation.working.contributions == (Contribution("sex", Decimal(0), "none of its bands"),)
    assert bounds(evaluate(make_score(sex), {"sex": absent()})) == (0, 1)


def test_a_band_that_may_match_does_not_hide_a_later_one() -> None:
    evaluation = evaluate(make_score(RATE), {"rate": bound("<", 24)})
    assert bounds(evaluation) == (0, 3)
    evaluation = evaluate(make_score(RATE), {"rate": between(22, 23)})
    assert bounds(evaluation) == (2, 2)


def test_a_criterion_settled_by_another_slot_names_that() -> None:
    spo2 = ScoreCriterion("spo2", "SpO2", (band(0, "on air", when=Is("oxygen", False)), band(1, "on oxygen")))
    chart = make_score(spo2, OXYGEN, partial_total=True)
    evaluation = evaluate(chart, {"spo2": absent(), "oxygen": SlotInput(False)})
    assert evaluation.working.warrant.startswith("SpO2 (oxygen no): 0 (on air) + ")
    evaluation = evaluate(CHART, {"rate": number(16), "spo2": absent(), "oxygen": SlotInput(True)})
    assert "SpO2 missing (oxygen yes): 1 to 3" in evaluation.working.warrant


PARTIAL_CHART = make_score(RATE, OXYGEN, partial_total=True)
UNREAD = (AbsentReason.UNREACHABLE, AbsentReason.NOT_PERMITTED, AbsentReason.NOT_QUERIED, AbsentReason.FAILED)


@pytest.mark.parametrize("reason", UNREAD)
def test_what_could_not_be_read_leaves_no_total_but_its_limits(reason: AbsentReason) -> None:
    evaluation = evaluate(PARTIAL_CHART, {"rate": number(26), "oxygen": SlotInput(Absent(reason))})
    assert evaluation.value == INSUFFICIENT
    assert bounds(evaluation) == (Decimal(3), Decimal(5))
    assert evaluation.working.claim is None
    assert {issue.severity for issue in evaluation.issues if issue.code == "input-absent"} == {Severity.ERROR}


@pytest.mark.parametrize(
    "reason", [each for each in AbsentReason if each not in (*UNREAD, AbsentReason.NOT_APPLICABLE)]
)
def test_what_is_not_recorded_leaves_the_lowest_total(reason: AbsentReason) -> None:
    evaluation = evaluate(PARTIAL_CHART, {"rate": number(26), "oxygen": SlotInput(Absent(reason))})
    assert evaluation.value == points(3)


@pytest.mark.parametrize(
    "reason", [each for each in AbsentReason if each not in (*UNREAD, AbsentReason.NOT_APPLICABLE)]
)
def test_only_of_what_was_not_found_is_it_said_that_it_is_not_recorded(reason: AbsentReason) -> None:
    claim = evaluate(PARTIAL_CHART, {"rate": number(26), "oxygen": SlotInput(Absent(reason))}).working.claim
    lack = "not documented" if reason is AbsentReason.NOT_FOUND else "not known"
    assert claim == f"Score: at least 3 (recorded); up to 5 if criteria {lack} are present"

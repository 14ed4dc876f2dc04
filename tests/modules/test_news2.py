"""NEWS2: the chart, and each rule of the clinical page that concerns it."""

from datetime import timedelta
from decimal import Decimal

import pytest

from ontology.values import Absent, AbsentReason, Coding
from tests.support.module_inputs import (
    NOT_FOUND,
    UNREACHABLE,
    Given,
    bounds,
    evaluate_module,
    interpret_module,
    issue_codes,
    issue_texts,
    level,
    module,
    number_of,
    sex,
)

ALL_ZERO = {
    "respiratory_rate": 16,
    "spo2": 97,
    "supplemental_oxygen": False,
    "systolic_bp": 120,
    "pulse": 70,
    "consciousness": level("alert"),
    "temperature": 37.0,
    "age": 40,
    "sex": sex("female"),
    "pregnancy": False,
    "spinal_cord_injury": False,
}

# Chart 1 of the report: the first and last number of each band.
CHART = {
    "respiratory_rate": "8:3 9:1 11:1 12:0 20:0 21:2 24:2 25:3 40:3",
    "spo2": "80:3 91:3 92:2 93:2 94:1 95:1 96:0 100:0",
    "systolic_bp": "60:3 90:3 91:2 100:2 101:1 110:1 111:0 219:0 220:3",
    "pulse": "30:3 40:3 41:1 50:1 51:0 90:0 91:1 110:1 111:2 130:2 131:3",
    "temperature": "33:3 35.0:3 35.1:1 36.0:1 36.1:0 38.0:0 38.1:1 39.0:1 39.1:2 41:2",
}
SCALE_2_ON_AIR = "80:3 83:3 84:2 85:2 86:1 87:1 88:0 92:0 93:0 97:0 100:0"
SCALE_2_ON_OXYGEN = "80:3 83:3 84:2 85:2 86:1 87:1 88:0 92:0 93:1 94:1 95:2 96:2 97:3 100:3"


def pairs(row: str) -> list[tuple[str, int]]:
    return [(value, int(points)) for value, points in (entry.split(":") for entry in row.split())]


@pytest.mark.parametrize(("slot", "value", "points"), [(s, v, p) for s, row in CHART.items() for v, p in pairs(row)])
def test_chart(slot: str, value: str, points: int) -> None:
    evaluation = evaluate_module("news2", {**ALL_ZERO, slot: value})
    assert number_of(evaluation) == points
    assert {c.slot: c.amount for c in evaluation.working.contributions}[slot] == points


@pytest.mark.parametrize(("value", "points"), pairs(SCALE_2_ON_AIR))
def test_scale_2_on_air(value: str, points: int) -> None:
    assert number_of(evaluate_module("news2", {**ALL_ZERO, "spo2_scale_2": True, "spo2": value})) == points


@pytest.mark.parametrize(("value", "points"), pairs(SCALE_2_ON_OXYGEN))
def test_scale_2_on_oxygen(value: str, points: int) -> None:
    given = {**ALL_ZERO, "spo2_scale_2": True, "spo2": value, "supplemental_oxygen": True}
    assert number_of(evaluate_module("news2", given)) == points + 2


def test_oxygen_scores_2() -> None:
    assert number_of(evaluate_module("news2", {**ALL_ZERO, "supplemental_oxygen": True})) == 2


def test_refused_under_16() -> None:
    evaluation = evaluate_module("news2", {**ALL_ZERO, "age": 15.99})
    assert evaluation.value == Absent(AbsentReason.NOT_APPLICABLE)
    assert evaluation.bounds is None
    assert number_of(evaluate_module("news2", {**ALL_ZERO, "age": 16})) == 0


def test_refused_in_pregnancy() -> None:
    assert evaluate_module("news2", {**ALL_ZERO, "pregnancy": True}).value == Absent(AbsentReason.NOT_APPLICABLE)


def test_pregnancy_not_recorded_is_said_to_be_unknown() -> None:
    evaluation = evaluate_module("news2", {**ALL_ZERO, "pregnancy": NOT_FOUND})
    assert number_of(evaluation) == 0
    assert "applicability-unknown" in issue_codes(evaluation)
    assert "Pregnancy: not documented" in issue_texts(evaluation)


def test_pregnancy_is_neither_asked_of_men_nor_of_old_women() -> None:
    man = {"sex": sex("male"), "gender": sex("male")}
    for who, recorded in ((man, NOT_FOUND), ({"age": 60}, NOT_FOUND), ({"age": 60}, True)):
        evaluation = evaluate_module("news2", {**ALL_ZERO, **who, "pregnancy": recorded})
        assert number_of(evaluation) == 0
        assert "pregnancy" not in issue_texts(evaluation).lower()


def test_a_recorded_pregnancy_counts_whoever_it_is_of() -> None:
    man = {**ALL_ZERO, "sex": sex("male"), "gender": sex("male"), "pregnancy": True}
    assert evaluate_module("news2", man).value == Absent(AbsentReason.NOT_APPLICABLE)


def test_caution_after_spinal_cord_injury() -> None:
    evaluation = evaluate_module("news2", {**ALL_ZERO, "spinal_cord_injury": True})
    assert number_of(evaluation) == 0
    assert "caution" in issue_codes(evaluation)


def test_all_seven_parameters_within_30_minutes_of_each_other() -> None:
    within = module("news2").within
    assert within is not None
    assert within.duration == timedelta(minutes=30)
    parameters = {criterion.slot for criterion in module("news2").criteria}
    assert len(parameters) == 7
    assert set(within.slots) == parameters
    assert all(module("news2").slot(name).required for name in parameters)


@pytest.mark.parametrize("slot", [*CHART, "consciousness", "supplemental_oxygen"])
def test_one_missing_gives_no_total_but_the_lowest_possible(slot: str) -> None:
    evaluation = evaluate_module("news2", {**ALL_ZERO, slot: NOT_FOUND})
    assert evaluation.value == Absent(AbsentReason.INPUT_ABSENT)
    assert bounds(evaluation) == (0, 2 if slot == "supplemental_oxygen" else 3)
    assert any(issue.slot == slot for issue in evaluation.issues)


def test_a_single_3_is_raised_though_another_parameter_is_missing() -> None:
    evaluation = evaluate_module("news2", {**ALL_ZERO, "pulse": 135, "temperature": NOT_FOUND})
    assert bounds(evaluation) == (3, 6)
    assert [issue.slot for issue in evaluation.issues if issue.code == "single-parameter"] == ["pulse"]


def test_stale_parameter_gives_no_total() -> None:
    evaluation = evaluate_module("news2", {**ALL_ZERO, "temperature": Absent(AbsentReason.STALE)})
    assert evaluation.value == Absent(AbsentReason.INPUT_ABSENT)
    assert "too old" in issue_texts(evaluation)


def test_undocumented_oxygen_is_missing_not_air() -> None:
    evaluation = evaluate_module("news2", {**ALL_ZERO, "supplemental_oxygen": Absent(AbsentReason.INPUT_ABSENT)})
    assert evaluation.value == Absent(AbsentReason.INPUT_ABSENT)
    assert bounds(evaluation) == (0, 2)


def test_scale_2_only_by_a_recorded_decision() -> None:
    given = {**ALL_ZERO, "spo2": 90}
    without = evaluate_module("news2", given)
    assert number_of(without) == 3
    assert "spo2-scale-1" in issue_codes(without)
    decided = evaluate_module("news2", {**given, "spo2_scale_2": True})
    assert number_of(decided) == 0
    assert "spo2-scale-2" in issue_codes(decided)
    assert number_of(evaluate_module("news2", {**given, "spo2_scale_2": False})) == 3


def test_scale_2_decision_unreadable_keeps_both_scales_possible() -> None:
    evaluation = evaluate_module("news2", {**ALL_ZERO, "spo2": 90, "spo2_scale_2": UNREACHABLE})
    assert evaluation.value == Absent(AbsentReason.INPUT_ABSENT)
    assert bounds(evaluation) == (0, 3)
    assert "spo2-scale-unknown" in issue_codes(evaluation)
    assert "spo2-scale-1" not in issue_codes(evaluation)


@pytest.mark.parametrize("scale", [NOT_FOUND, UNREACHABLE, True, False])
def test_scale_does_not_matter_where_both_score_alike(scale: Absent | bool) -> None:
    assert number_of(evaluate_module("news2", {**ALL_ZERO, "spo2": 83, "spo2_scale_2": scale})) == 3


def test_scale_2_without_documented_oxygen_depends_on_it() -> None:
    given = {**ALL_ZERO, "spo2": 97, "spo2_scale_2": True, "supplemental_oxygen": NOT_FOUND}
    assert bounds(evaluate_module("news2", given)) == (0, 5)


@pytest.mark.parametrize("name", ["new confusion", "voice", "pain", "unresponsive"])
def test_new_confusion_and_less_than_alert_score_3(name: str) -> None:
    assert number_of(evaluate_module("news2", {**ALL_ZERO, "consciousness": level(name)})) == 3


def test_chronic_confusion_does_not_score() -> None:
    assert number_of(evaluate_module("news2", {**ALL_ZERO, "consciousness": level("chronic confusion")})) == 0


def test_level_of_consciousness_that_the_chart_does_not_know_never_scores_nothing() -> None:
    assert (
        number_of(evaluate_module("news2", {**ALL_ZERO, "consciousness": Coding("http://example.org", "drowsy")})) == 3
    )


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "news2-zero"),
        ({"pulse": 95}, "news2-low"),
        ({"pulse": 95, "respiratory_rate": 21, "temperature": 38.5}, "news2-low"),
        ({"pulse": 135}, "news2-low-medium"),
        ({"pulse": 135, "temperature": 38.5}, "news2-low-medium"),
        ({"pulse": 135, "respiratory_rate": 21}, "news2-medium"),
        ({"pulse": 115, "respiratory_rate": 21, "temperature": 39.5}, "news2-medium"),
        ({"pulse": 135, "respiratory_rate": 25, "temperature": 38.5}, "news2-high"),
    ],
)
def test_responses_to_0_to_4_a_single_3_5_to_6_and_7(given: Given, code: str) -> None:
    outcome = interpret_module("news2", {**ALL_ZERO, **given})
    assert outcome is not None
    assert outcome.coding.code == code
    assert outcome.advice


def test_never_described_as_monitoring() -> None:
    description = module("news2")
    assert "it is not monitoring" in description.intended_use
    told = [description.title, *(o.text for o in description.outcomes), *(r.text for r in description.remarks)]
    told += [advice.text for outcome in description.outcomes for advice in outcome.advice]
    assert not any("monitor" in text.lower() for text in told)


def test_37_5_degrees_scores_0_though_a_published_example_scores_it_1() -> None:
    given = {**ALL_ZERO, "respiratory_rate": 21, "spo2": 93, "pulse": 95, "temperature": 37.5}
    assert number_of(evaluate_module("news2", given)) == 5


@pytest.mark.parametrize(
    ("temperature", "points"),
    [("35.04", 3), ("35.05", 1), ("36.04", 1), ("36.05", 0), ("38.04", 0), ("38.05", 1), ("39.05", 2)],
)
def test_values_between_the_published_bands_are_rounded_half_up_first(temperature: str, points: int) -> None:
    evaluation = evaluate_module("news2", {**ALL_ZERO, "temperature": temperature})
    assert number_of(evaluation) == points


def test_a_coma_scale_below_15_scores_3_where_the_site_lets_it_stand_for_acvpu() -> None:
    by_gcs = Coding("https://medtwin.example/codes", "gcs-below-15")
    assert number_of(evaluate_module("news2", {**ALL_ZERO, "consciousness": by_gcs})) == 3
    assert not {"gcs", "gcs_verbal"} & {slot.name for slot in module("news2").slots}


@pytest.mark.parametrize("condition", ["copd", "hypercapnic_respiratory_failure"])
@pytest.mark.parametrize(
    ("recorded", "scale", "warned"),
    [
        (True, NOT_FOUND, True),
        (True, True, False),
        (True, False, False),
        (True, UNREACHABLE, False),
        (False, NOT_FOUND, False),
        (NOT_FOUND, NOT_FOUND, False),
        (UNREACHABLE, NOT_FOUND, False),
    ],
)
def test_hypercapnic_risk_without_a_scale_decision_is_a_warning(
    condition: str, recorded: bool | Absent, scale: bool | Absent, warned: bool
) -> None:
    evaluation = evaluate_module("news2", {**ALL_ZERO, condition: recorded, "spo2_scale_2": scale})
    assert ("spo2-scale-undecided" in issue_codes(evaluation)) is warned


def test_without_a_saturation_no_scale_is_used() -> None:
    given = {**ALL_ZERO, "spo2": NOT_FOUND, "copd": True, "spo2_scale_2": NOT_FOUND}
    assert not {"spo2-scale-1", "spo2-scale-undecided"} & set(issue_codes(evaluate_module("news2", given)))


@pytest.mark.parametrize("recorded", [True, False, NOT_FOUND])
def test_no_diagnosis_ever_decides_the_scale(recorded: bool | Absent) -> None:
    given = {**ALL_ZERO, "spo2": 90, "copd": recorded, "hypercapnic_respiratory_failure": recorded}
    assert number_of(evaluate_module("news2", given)) == 3


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"spo2": NOT_FOUND}, False),
        ({"spo2": NOT_FOUND, "spo2_scale_2": True}, False),
        ({"spo2": NOT_FOUND, "spo2_scale_2": False}, False),
        ({"spo2": 90, "spo2_scale_2": UNREACHABLE}, True),
    ],
)
def test_a_decided_scale_is_not_said_to_change_the_total(given: Given, named: bool) -> None:
    """Not recorded decides, too: for scale 1."""
    evaluation = evaluate_module("news2", {**ALL_ZERO, **given})
    assert ("could change the total" in issue_texts(evaluation)) is named


def test_maximum_is_20() -> None:
    worst = {"respiratory_rate": 30, "spo2": 80, "systolic_bp": 60, "pulse": 150, "temperature": 34}
    given = {**ALL_ZERO, **worst, "supplemental_oxygen": True, "consciousness": level("unresponsive")}
    assert number_of(evaluate_module("news2", given)) == Decimal(20)

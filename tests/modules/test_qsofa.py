"""qSOFA: three criteria, and the advice against it as the only screen."""

import pytest

from ontology.evaluation import Severity
from ontology.values import Absent, AbsentReason
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
)

NORMAL = {"respiratory_rate": 16, "systolic_bp": 120, "gcs": 15, "age": 60, "suspected_infection": True}


@pytest.mark.parametrize(
    ("given", "points"),
    [
        ({}, 0),
        ({"respiratory_rate": 21}, 0),
        ({"respiratory_rate": 22}, 1),
        ({"systolic_bp": 101}, 0),
        ({"systolic_bp": 100}, 1),
        ({"gcs": 14}, 1),
        ({"gcs": 3, "respiratory_rate": 30, "systolic_bp": 70}, 3),
    ],
)
def test_one_point_for_each_criterion(given: Given, points: int) -> None:
    assert number_of(evaluate_module("qsofa", {**NORMAL, **given})) == points


@pytest.mark.parametrize(
    ("name", "points"), [("alert", 0), ("new confusion", 1), ("voice", 1), ("pain", 1), ("unresponsive", 1)]
)
def test_mentation_by_acvpu_where_there_is_no_coma_scale(name: str, points: int) -> None:
    evaluation = evaluate_module("qsofa", {**NORMAL, "gcs": NOT_FOUND, "consciousness": level(name)})
    assert number_of(evaluation) == points
    assert not issue_codes(evaluation) & {"input-absent", "undetermined"}


def test_mentation_not_recorded_is_not_normal() -> None:
    evaluation = evaluate_module("qsofa", {**NORMAL, "gcs": NOT_FOUND})
    assert evaluation.value == Absent(AbsentReason.INPUT_ABSENT)
    assert bounds(evaluation) == (0, 1)


def test_mentation_is_not_normal_while_the_coma_scale_cannot_be_read() -> None:
    evaluation = evaluate_module("qsofa", {**NORMAL, "gcs": UNREACHABLE, "consciousness": level("alert")})
    assert bounds(evaluation) == (0, 1)


def test_chronic_confusion_alone_decides_nothing() -> None:
    given = {**NORMAL, "gcs": NOT_FOUND, "consciousness": level("chronic confusion")}
    assert bounds(evaluate_module("qsofa", given)) == (0, 1)


@pytest.mark.parametrize(("gcs", "name"), [(14, "alert"), (15, "voice")])
def test_contradictory_mentation_is_scored_as_altered_and_said(gcs: int, name: str) -> None:
    evaluation = evaluate_module("qsofa", {**NORMAL, "gcs": gcs, "consciousness": level(name)})
    assert number_of(evaluation) == 1
    assert "mentation-contradictory" in issue_codes(evaluation)


def test_agreeing_mentation_is_not_called_contradictory() -> None:
    assert "mentation-contradictory" not in issue_codes(
        evaluate_module("qsofa", {**NORMAL, "consciousness": level("alert")})
    )
    agreed = evaluate_module("qsofa", {**NORMAL, "gcs": 9, "consciousness": level("pain")})
    assert "mentation-contradictory" not in issue_codes(agreed)


def test_advised_against_as_the_only_screen() -> None:
    for given in (NORMAL, {**NORMAL, "systolic_bp": 80, "respiratory_rate": 30}, {}):
        found = [i for i in evaluate_module("qsofa", given).issues if i.code == "not-a-sole-screen"]
        assert [issue.severity for issue in found] == [Severity.WARNING]
        assert "10.1097/CCM.0000000000005337" in found[0].text


def test_refused_under_18() -> None:
    assert evaluate_module("qsofa", {**NORMAL, "age": 17.9}).value == Absent(AbsentReason.NOT_APPLICABLE)
    assert number_of(evaluate_module("qsofa", {**NORMAL, "age": 18})) == 0


def test_caution_without_suspected_infection() -> None:
    assert "caution" not in issue_codes(evaluate_module("qsofa", NORMAL))
    assert "caution" in issue_codes(evaluate_module("qsofa", {**NORMAL, "suspected_infection": False}))
    assert "caution" in issue_codes(evaluate_module("qsofa", {**NORMAL, "suspected_infection": NOT_FOUND}))
    unknown = evaluate_module("qsofa", {**NORMAL, "suspected_infection": UNREACHABLE})
    assert "caution" not in issue_codes(unknown)
    assert "Not excluded: no suspected infection recorded" in issue_texts(unknown)


@pytest.mark.parametrize(
    ("given", "code"), [({"gcs": 14}, "qsofa-negative"), ({"gcs": 14, "systolic_bp": 90}, "qsofa-positive")]
)
def test_threshold_is_2(given: Given, code: str) -> None:
    outcome = interpret_module("qsofa", {**NORMAL, **given})
    assert outcome is not None
    assert outcome.coding.code == code


def test_threshold_may_be_reached_with_an_input_missing() -> None:
    given = {**NORMAL, "gcs": NOT_FOUND, "systolic_bp": 90, "respiratory_rate": 25}
    outcome = interpret_module("qsofa", given)
    assert outcome is not None
    assert outcome.coding.code == "qsofa-positive"


def test_sources_are_named() -> None:
    assert "https://doi.org/10.1001/jama.2016.0287" in module("qsofa").citations

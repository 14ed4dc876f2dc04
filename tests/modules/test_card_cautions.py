"""Whom a fitted model tells less about is said in every answer about such a patient, as far as a record can show it."""

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ontology.evaluation import Evaluation
from server.catalog.cards import Metric
from server.catalog.descriptions import Kind
from tests.support.fitted_models import ADMITTED, DIABETES, ILL, INFARCTION, SUPPORT, USUAL, VISITOR
from tests.support.module_inputs import (
    FEMALE,
    MALE,
    NOT_APPLICABLE,
    catalog,
    evaluate_module,
    issue_texts,
    module,
    number_of,
)

SHOWN: dict[str, dict[str, Any]] = {
    "men": {"sex": MALE}, "women": {"sex": FEMALE}, "below 50 years": {"age": 49}, "50 to 64 years": {"age": 50},
    "65 years and over": {"age": 65}, "below 65 years": {"age": 64}, "65 to 79 years": {"age": 79},
    "80 years and over": {"age": 80},
}  # fmt: skip


def metrics(module_id: str) -> list[Metric]:
    return [each for each in catalog().cards[module(module_id).iri].metrics if each.candidate is None]


def overall(module_id: str, measure: str) -> Decimal:
    return next(m.value for m in metrics(module_id) if m.measure == measure and m.subgroup is None)


def weak(module_id: str) -> list[tuple[str, str]]:
    """Groups that are told apart less well than all, or whose risks are too extreme or mild: with what to be told."""
    found = []
    for each in metrics(module_id):
        assert each.low is not None and each.high is not None
        if each.measure == "auroc" and each.high < overall(module_id, "auroc"):
            found.append((str(each.subgroup), f"AUROC {each.value:.2f}"))
        if each.measure == "calibration-slope" and not each.low <= 1 <= each.high and each.subgroup in SHOWN:
            found.append((str(each.subgroup), f"slope {each.value:.2f}"))
    return found


WEAK = [(module_id, *each) for module_id in USUAL for each in weak(module_id)]


@pytest.mark.parametrize(("module_id", "group", "says"), WEAK)
def test_a_group_of_which_less_is_known_gets_a_caution(module_id: str, group: str, says: str) -> None:
    told = evaluate_module(module_id, {**USUAL[module_id], **SHOWN[group]})
    assert number_of(told) > 0
    assert any(says in each for each in cautions(told)), cautions(told)


def test_there_are_such_groups_and_others_are_not_cautioned() -> None:
    assert {(m, g) for m, g, _ in WEAK} == {
        (INFARCTION, "women"), (INFARCTION, "80 years and over"), (DIABETES, "men"), (DIABETES, "50 to 64 years"),
    }  # fmt: skip
    assert cautions(evaluate_module(INFARCTION, {**ADMITTED, "age": 79, "sex": MALE})) == []
    assert cautions(evaluate_module(DIABETES, {**VISITOR, "age": 65, "sex": FEMALE})) == []
    assert cautions(evaluate_module(SUPPORT, {**ILL, "age": 85})) == []


def cautions(evaluation: Evaluation) -> list[str]:
    return [issue.text for issue in evaluation.issues if issue.code == "caution"]


@pytest.mark.parametrize("module_id", USUAL)
def test_groups_that_no_record_shows_are_told_in_every_answer(module_id: str) -> None:
    """Race and ethnicity are in no answer about one patient: what they cost is said to all."""
    told = issue_texts(evaluate_module(module_id, USUAL[module_id]))
    for each in metrics(module_id):
        assert each.low is not None and each.high is not None
        if each.subgroup and each.subgroup not in SHOWN and each.measure == "calibration-intercept":
            assert (each.subgroup in told) is not (each.low <= 0 <= each.high), each.subgroup


@pytest.mark.parametrize("module_id", USUAL)
def test_numbers_in_words_are_those_of_the_metrics(module_id: str) -> None:
    card = catalog().cards[module(module_id).iri]
    measured = {f"{m.value:.2f}" for m in card.metrics}
    words = [a.text for group in card.groups for a in group.attributes if a.id in ("knownRisks", "fairnessInTest")]
    words += [each.text for each in module(module_id).applicability]
    written = [n for text in words for n in re.findall(r"(?<![\d.])-?[01]\.\d\d(?!\d)", text)]
    assert [n for n in written if n not in measured] == []
    assert bool(written) is (module_id != SUPPORT)


@pytest.mark.parametrize(
    ("module_id", "known", "says"),
    [
        (DIABETES, {"metformin": True}, "metformin: people with tablets"),
        (DIABETES, {"dialysis": True}, "HbA1c itself is less reliable"),
        (DIABETES, {"end_stage_kidney_disease": True}, "HbA1c itself is less reliable"),
        (DIABETES, {"hba1c": "5.9"}, "an HbA1c is recorded"),
        ("kidney-failure-risk-5y", {"age": 80}, "overestimated where death before kidney failure is likely"),
    ],
)
def test_other_cautions(module_id: str, known: Mapping[str, Any], says: str) -> None:
    usual = {
        **USUAL,
        "kidney-failure-risk-5y": {"age": 79, "sex": MALE, "egfr": 40, "uacr": 90, "north_america": True},
    }
    calm = {**usual[module_id], "sex": FEMALE}
    assert says not in " ".join(cautions(evaluate_module(module_id, calm)))
    assert says in " ".join(cautions(evaluate_module(module_id, {**calm, **known})))


@pytest.mark.parametrize(
    ("stay", "refused"), [({}, False), ({"inpatient_stay": True}, False), ({"inpatient_stay": False}, True)]
)
def test_death_in_hospital_is_of_those_who_are_in_hospital(stay: Mapping[str, bool], refused: bool) -> None:
    told = evaluate_module(SUPPORT, {**ILL, **stay})
    assert (told.value == NOT_APPLICABLE) is refused
    assert ("Could not be excluded" in issue_texts(told) and "not in hospital" in issue_texts(told)) is (not stay)


def test_every_fitted_module_is_looked_at_here() -> None:
    assert {each.id for each in catalog().modules.values() if each.kind is Kind.MODEL} == set(USUAL)


PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")


def test_the_page_of_models_has_the_numbers_of_the_cards() -> None:
    measured = {
        f"{m.value:.3f} ({m.low:.3f} to {m.high:.3f})"
        for module_id in USUAL
        for m in catalog().cards[module(module_id).iri].metrics
    }
    written = re.findall(r"\d\.\d{3} \(\d\.\d{3} to \d\.\d{3}\)", PAGE)
    assert len(written) == 12
    assert [each for each in written if each not in measured] == []


def test_the_page_of_models_has_the_attributes_in_the_words_of_the_vocabulary() -> None:
    for group in catalog().cards[module(SUPPORT).iri].groups:
        for each in group.attributes:
            assert f"| {each.paragraph} | `mpm:{each.id}` | {each.label} |" in PAGE

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


FEWEST = 100
"""Events from which on a group gets a caution: a lower figure of fewer is mostly noise."""


def weak(module_id: str) -> list[tuple[str, str]]:
    """Groups that are told apart less well than all, or whose risks are too extreme or mild: with what to be told."""
    found = []
    for each in metrics(module_id):
        assert each.low is not None and each.high is not None and each.events is not None
        if each.events < FEWEST:
            continue
        if each.measure == "auroc" and each.high < overall(module_id, "auroc"):
            found.append((str(each.subgroup), f"AUROC {each.value:.2f}"))
        if each.measure == "calibration-slope" and not each.low <= 1 <= each.high and each.subgroup in SHOWN:
            found.append((str(each.subgroup), f"slope {each.value:.2f}"))
    return found


# What other data showed of groups, each of 100 events or more; the figures are in the cards.
OTHER_DATA = [
    (INFARCTION, "women", "AUROC was 0.740 in women"),
    (INFARCTION, "80 years and over", "AUROC was 0.647 at this age"),
    (DIABETES, "65 years and over", "AUROC was 0.691"),
    (DIABETES, "65 years and over", "calibration slope 0.80"),
]
CAUTIONED = [*((module_id, *each) for module_id in USUAL for each in weak(module_id)), *OTHER_DATA]


@pytest.mark.parametrize(("module_id", "group", "says"), CAUTIONED)
def test_a_group_of_which_less_is_known_gets_a_caution(module_id: str, group: str, says: str) -> None:
    told = evaluate_module(module_id, {**USUAL[module_id], **SHOWN[group]})
    assert number_of(told) > 0
    assert any(says in each for each in cautions(told)), cautions(told)


@pytest.mark.parametrize(("module_id", "group", "says"), OTHER_DATA)
def test_what_other_data_showed_of_a_group_is_on_the_card(module_id: str, group: str, says: str) -> None:
    number = re.findall(r"\d\.\d+", says)[0]
    assert number in attributes(module_id)["fairnessExternal"], group


def attributes(module_id: str) -> dict[str, str]:
    return {a.id: a.text for group in catalog().cards[module(module_id).iri].groups for a in group.attributes}


def test_other_groups_are_not_cautioned() -> None:
    assert cautions(evaluate_module(INFARCTION, {**ADMITTED, "age": 79, "sex": MALE})) == []
    assert cautions(evaluate_module(DIABETES, {**VISITOR, "age": 64, "sex": MALE})) == []
    assert cautions(evaluate_module(DIABETES, {**VISITOR, "age": 50, "sex": FEMALE})) == []
    assert cautions(evaluate_module(SUPPORT, {**ILL, "age": 85})) == []


@pytest.mark.parametrize(
    ("module_id", "figures"),
    [
        (SUPPORT, "eICU 368 people 76 0.727 (0.657 to 0.789) -0.73 (-1.02 to -0.48) 0.97 0.62 0.163 0.164 first day"),
        (SUPPORT, "RHC 5,735 0.74 APACHE 0.804 0.718"),
        (INFARCTION, "GUSTO-I 40,830 2,851 30 days 0.787 (0.778 to 0.796) 1.07 0.064 0.065 another horizon"),
        (INFARCTION, "Krasnoyarsk 1,452 259 in hospital 0.740 (0.707 to 0.774) 1.11 0.128 0.147 without pulse"),
        (INFARCTION, "TRACE 1,878 393 0.743 -0.49 1.04 0.73 0.152 0.166 two inputs not established"),
        (DIABETES, "NHANES 37,283 1,145 0.799 (0.788 to 0.811) -0.19 (-0.25 to -0.12) 1.11 0.84 0.0287 0.0298"),
        (DIABETES, "0.62 to 0.68 0.70 0.55 1.48 1.18 0.795 627 0.691 0.80 same survey"),
    ],
)  # fmt: skip
def test_other_data_are_on_the_card_with_figures_and_limits(module_id: str, figures: str) -> None:
    named = attributes(module_id)
    external = " ".join(named[name] for name in named if "xternal" in name)
    assert [each for each in figures.split() if each not in external] == []


@pytest.mark.parametrize(
    ("module_id", "says"),
    [
        (SUPPORT, "76 died, 62 % of those predicted"),
        (INFARCTION, "level of the risk at one year is not established"),
        (INFARCTION, "shock and heart failure may be events of the stay"),
        (DIABETES, "Of 100 cases predicted the weighted population had about 62 to 68"),
        (DIABETES, "White 0.55, women 0.70, Black 1.18. Other and Asian people had 1.48"),
    ],
)
def test_limits_outside_the_training_data_are_told_in_every_answer(module_id: str, says: str) -> None:
    assert says in issue_texts(evaluate_module(module_id, USUAL[module_id]))


@pytest.mark.parametrize("module_id", USUAL)
def test_the_interval_is_named_as_of_the_training_data(module_id: str) -> None:
    interval = evaluate_module(module_id, USUAL[module_id]).interval
    assert interval is not None and interval.text.startswith("in the training data")


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
    # What other data showed stands in the words of the card alone.
    measured |= set(re.findall(r"[01]\.\d\d(?!\d)", attributes(module_id)["fairnessExternal"]))
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
        (DIABETES, {"hba1c": "5.9"}, "recorded HbA1c"),
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
    assert ("Not excluded: not currently an inpatient" in issue_texts(told)) is (not stay)


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

"""KFRE: who is refused, which inputs only bound the risk, and how it is told."""

import json
import math
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import modules
from modules.kidney_failure_risk.evaluate import SURVIVAL, evaluate, risk
from ontology.evaluation import Evaluation, Working
from ontology.values import Coding, Quantity
from ontology.words.risks import risk_words
from server.explain.claims import risk_of
from server.kinds import interpret
from tests.support.module_inputs import (
    FEMALE,
    KFRE_EXPECTED,
    KFRE_WOMAN,
    MALE,
    NOT_APPLICABLE,
    Given,
    caution_texts,
    evaluate_module,
    filled_inputs,
    interpret_module,
    issue_codes,
    issue_texts,
    kfre_without,
    module,
    number_of,
    unknown_texts,
)

VECTORS = Path(modules.__file__).parents[2] / "shared" / "vectors" / "kfre-4-variable.json"
IDS = ("kidney-failure-risk-2y", "kidney-failure-risk-5y")
FIVE = IDS[1]


@pytest.mark.real_data
@pytest.mark.skipif(not VECTORS.is_file(), reason="the shared vectors are not beside this repository")
def test_all_vectors() -> None:
    for case in json.loads(VECTORS.read_text(), parse_float=Decimal)["cases"]:
        survival = SURVIVAL[int(case["years"]), case["north_american"]]
        value = risk(case["age_years"], case["sex"], case["egfr"], case["uacr_mg_g"], survival) / 100
        assert abs(value - case["risk_4_variable"]) <= Decimal("1e-8"), case


# Baseline survivals of the multinational recalibration (Tangri 2016, doi:10.1001/jama.2015.18202).
@pytest.mark.parametrize(
    ("years", "north_america", "survival"),
    [(2, True, 0.9750), (5, True, 0.9240), (2, False, 0.9832), (5, False, 0.9365)],
)
@pytest.mark.parametrize(("sex", "score"), [(MALE, 0.2467 * 0.4358), (FEMALE, -0.2467 * 0.5642)])
def test_at_the_means_only_the_baseline_and_the_sex_are_left(
    years: int, north_america: bool, survival: float, sex: Coding, score: float
) -> None:
    """Age 70.36, eGFR 36.11, ln UACR 5.137: three of the four terms are zero, and the risk is 1 − S^exp(score)."""
    uacr = Decimal(math.exp(5.137))
    evaluation = evaluate(Decimal("70.36"), sex, Decimal("36.11"), uacr, north_america, Decimal(years))
    assert float(number_of(evaluation)) == pytest.approx(100 * (1 - survival ** math.exp(score)), abs=1e-6)


@given(
    st.decimals("18", "100", places=1),
    st.sampled_from(["female", "male"]),
    st.decimals("5", "59", places=1),
    st.decimals("1", "5000", places=1),
    st.sampled_from(sorted(SURVIVAL)),
)
def test_risk_is_a_percentage_and_moves_as_published(
    age: Decimal, sex: str, egfr: Decimal, uacr: Decimal, key: tuple[int, bool]
) -> None:
    value = risk(age, sex, egfr, uacr, SURVIVAL[key])
    assert 0 <= value <= 100
    assert risk(age, sex, egfr, uacr * 2, SURVIVAL[key]) >= value
    assert risk(age, sex, egfr + 1, uacr, SURVIVAL[key]) <= value
    assert risk(age + 1, sex, egfr, uacr, SURVIVAL[key]) <= value


@pytest.mark.parametrize("module_id", IDS)
@pytest.mark.parametrize(
    "changed", [{"egfr": 60}, {"egfr": 95}, {"age": "17.9"}, {"dialysis": True}, {"kidney_transplant": True}]
)
def test_refused(module_id: str, changed: Given) -> None:
    assert evaluate_module(module_id, {**KFRE_WOMAN, **changed}).value == NOT_APPLICABLE
    assert number_of(evaluate_module(module_id, {**KFRE_WOMAN, "egfr": "59.99"})) > 0


@pytest.mark.parametrize("module_id", IDS)
def test_caution_where_kidney_failure_is_recorded(module_id: str) -> None:
    evaluation = evaluate_module(module_id, {**KFRE_WOMAN, "end_stage_kidney_disease": True})
    assert number_of(evaluation) == number_of(evaluate_module(module_id, KFRE_WOMAN))
    assert "end-stage kidney disease" in caution_texts(evaluation)
    assert "end-stage" not in caution_texts(evaluate_module(module_id, KFRE_WOMAN))


def test_dialysis_or_transplant_not_recorded_is_not_no() -> None:
    evaluation = evaluate_module(FIVE, kfre_without("dialysis", "kidney_transplant"))
    assert number_of(evaluation) == KFRE_EXPECTED
    assert "dialysis" in unknown_texts(evaluation)
    assert "transplant" in unknown_texts(evaluation)


def test_caution_derived_with_ckd_epi_2009() -> None:
    for module_id in IDS:
        evaluation = evaluate_module(module_id, KFRE_WOMAN)
        assert "derived-with-ckd-epi-2009" in issue_codes(evaluation)
        assert "10.1093/ndt/gfac197" in issue_texts(evaluation)


def test_unknown_years_are_no_silent_default() -> None:
    with pytest.raises(KeyError):
        evaluate(Decimal(72), FEMALE, Decimal(28), Decimal(800), True, Decimal(3))


@pytest.mark.parametrize(
    ("module_id", "uacr", "egfr", "code", "advised"),
    [
        (IDS[0], 3000, 10, "kfre-2y-over-40", True),
        (IDS[0], 800, 25, "kfre-2y-over-10", True),
        (IDS[0], 30, 50, "kfre-2y-to-10", False),
        (IDS[1], 800, 28, "kfre-5y-over-5", True),
        (IDS[1], 100, 40, "kfre-5y-3-to-5", True),
        (IDS[1], 30, 50, "kfre-5y-below-3", False),
    ],
)
def test_bands_and_advice_of_kdigo(module_id: str, uacr: float, egfr: float, code: str, advised: bool) -> None:
    outcome = interpret_module(module_id, {**KFRE_WOMAN, "uacr": uacr, "egfr": egfr})
    assert outcome is not None
    assert outcome.coding.code == code
    assert bool(outcome.advice) is advised
    assert all("kint.2023.10.018" in advice.citation for advice in outcome.advice)


@pytest.mark.parametrize(
    ("risk", "code"),
    [
        ("2.999999", "kfre-5y-below-3"),
        ("3.000000", "kfre-5y-3-to-5"),
        ("4.999999", "kfre-5y-3-to-5"),
        ("5.000000", "kfre-5y-over-5"),
    ],
)
def test_edges_of_the_bands_of_five_years(risk: str, code: str) -> None:
    evaluation = Evaluation(Quantity(Decimal(risk), "%"), Working(""))
    outcome = interpret(module(FIVE), filled_inputs(FIVE, KFRE_WOMAN), evaluation)
    assert outcome is not None
    assert outcome.coding.code == code


@given(st.integers(1, 20_000), st.integers(10, 59), st.sampled_from(IDS))
def test_the_claim_tells_the_risk_as_every_answer_does(uacr: int, egfr: int, module_id: str) -> None:
    evaluation = evaluate_module(module_id, {**KFRE_WOMAN, "uacr": uacr, "egfr": egfr})
    described = module(module_id)
    found = risk_of(described, evaluation)
    assert found is not None
    # Else the answer would add it to the claim in other words.
    words = risk_words(found.probability, found.horizon, described.display_decimals)
    assert f", {words}" in (evaluation.working.claim or "")


def test_the_claim_says_outcome_risk_and_horizon() -> None:
    claim = evaluate_module(FIVE, KFRE_WOMAN).working.claim or ""
    assert "28.0 %, about 28 in 100 similar people over 5 years" in claim
    for module_id, horizon in zip(IDS, ("P2Y", "P5Y"), strict=True):
        described = module(module_id).risk
        assert described is not None
        assert described.horizon == horizon

"""AHA PREVENT, base equations, 10 years: every published coefficient, and the term that it is multiplied by.

Table S12A of the supplement (Khan et al. 2023, doi:10.1161/CIRCULATIONAHA.123.067626), transcribed here by rows, as it
is printed, while the code keeps it by columns.  Compared with the Stata program ``prevent10`` 1.0.0 (A. Linden).
"""

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from modules.prevent_10y import evaluate as lipids
from modules.prevent_10y_heart_failure import evaluate as failure
from ontology.evaluation import Evaluation
from ontology.values import Coding, Quantity
from tests.support.module_inputs import FEMALE, MALE, OTHER

# In the order of the columns: total disease, atherosclerotic disease, heart failure; women before men.
COLUMNS = tuple((outcome, sex) for outcome in ("total", "ascvd", "failure") for sex in (FEMALE, MALE))
OUTCOMES = {"total": Decimal(1), "ascvd": Decimal(2)}
PUBLISHED: Mapping[str, tuple[float, ...]] = {
    "constant": (-3.307728, -3.031168, -3.819975, -3.500655, -4.310409, -3.946391),
    "age": (0.7939329, 0.7688528, 0.719883, 0.7099847, 0.8998235, 0.8972642),
    "non-HDL": (0.0305239, 0.0736174, 0.1176967, 0.1658663, 0, 0),
    "HDL": (-0.1606857, -0.0954431, -0.151185, -0.1144285, 0, 0),
    "pressure < 110": (-0.2394003, -0.4347345, -0.0835358, -0.2837212, -0.4559771, -0.6811466),
    "pressure ≥ 110": (0.3600781, 0.3362658, 0.3592852, 0.3239977, 0.3576505, 0.3634461),
    "diabetes": (0.8667604, 0.7692857, 0.8348585, 0.7189597, 1.038346, 0.923776),
    "smoking": (0.5360739, 0.4386871, 0.4831078, 0.3956973, 0.583916, 0.5023736),
    "BMI < 30": (0, 0, 0, 0, -0.0072294, -0.0485841),
    "BMI ≥ 30": (0, 0, 0, 0, 0.2997706, 0.3726929),
    "eGFR < 60": (0.6045917, 0.5378979, 0.4864619, 0.3690075, 0.7451638, 0.6926917),
    "eGFR ≥ 60": (0.0433769, 0.0164827, 0.0397779, 0.0203619, 0.0557087, 0.0251827),
    "antihypertensive": (0.3151672, 0.288879, 0.2265309, 0.2036522, 0.3534442, 0.2980922),
    "statin": (-0.1477655, -0.1337349, -0.0592374, -0.0865581, 0, 0),
    "treated × pressure": (-0.0663612, -0.0475924, -0.0395762, -0.0322916, -0.0981511, -0.0497731),
    "statin × non-HDL": (0.1197879, 0.150273, 0.0844423, 0.114563, 0, 0),
    "age × non-HDL": (-0.0819715, -0.0517874, -0.0567839, -0.0300005, 0, 0),
    "age × HDL": (0.0306769, 0.0191169, 0.0325692, 0.0232747, 0, 0),
    "age × pressure": (-0.0946348, -0.1049477, -0.1035985, -0.0927024, -0.0946663, -0.1289201),
    "age × diabetes": (-0.27057, -0.2251948, -0.2417542, -0.2018525, -0.3581041, -0.3040924),
    "age × smoking": (-0.078715, -0.0895067, -0.0791142, -0.0970527, -0.1159453, -0.1401688),
    "age × BMI": (0, 0, 0, 0, -0.003878, 0.0068126),
    "age × eGFR": (-0.1637806, -0.1543702, -0.1671492, -0.1217081, -0.1884289, -0.1797778),
}

# At these values every term is zero but the constant; cholesterol in mmol/L here.
REFERENCE: Mapping[str, Any] = {
    "age": 55, "non_hdl": "3.5", "hdl": "1.3", "systolic": 130, "diabetes": False, "smoking": False,
    "antihypertensive": False, "statin": False, "body_mass_index": 25, "egfr": 90,
}  # fmt: skip

# What is changed, and the terms that follow, by hand from the definitions below the table: (age − 55)/10,
# non-HDL − 3.5, (HDL − 1.3)/0.3, (min(SBP, 110) − 110)/20, (max(SBP, 110) − 130)/20, (min(BMI, 30) − 25)/5,
# (max(BMI, 30) − 30)/5, (min(eGFR, 60) − 60)/−15, (max(eGFR, 60) − 90)/−15.
STEPS: tuple[tuple[Mapping[str, Any], Mapping[str, float]], ...] = (
    ({}, {}),
    ({"age": 65}, {"age": 1}),
    ({"age": 30}, {"age": -2.5}),
    ({"non_hdl": "4.5"}, {"non-HDL": 1}),
    ({"hdl": "1.6"}, {"HDL": 1}),
    ({"systolic": 150}, {"pressure ≥ 110": 1}),
    ({"systolic": 111}, {"pressure ≥ 110": -0.95}),
    ({"systolic": 110}, {"pressure ≥ 110": -1}),
    ({"systolic": 109}, {"pressure ≥ 110": -1, "pressure < 110": -0.05}),
    ({"systolic": 90}, {"pressure ≥ 110": -1, "pressure < 110": -1}),
    ({"diabetes": True}, {"diabetes": 1}),
    ({"smoking": True}, {"smoking": 1}),
    ({"antihypertensive": True}, {"antihypertensive": 1}),
    ({"statin": True}, {"statin": 1}),
    ({"body_mass_index": 20}, {"BMI < 30": -1}),
    ({"body_mass_index": 29}, {"BMI < 30": 0.8}),
    ({"body_mass_index": 30}, {"BMI < 30": 1}),
    ({"body_mass_index": 31}, {"BMI < 30": 1, "BMI ≥ 30": 0.2}),
    ({"body_mass_index": 35}, {"BMI < 30": 1, "BMI ≥ 30": 1}),
    ({"egfr": 120}, {"eGFR ≥ 60": -2}),
    ({"egfr": 61.5}, {"eGFR ≥ 60": 1.9}),
    ({"egfr": 60}, {"eGFR ≥ 60": 2}),
    ({"egfr": 58.5}, {"eGFR ≥ 60": 2, "eGFR < 60": 0.1}),
    ({"egfr": 45}, {"eGFR ≥ 60": 2, "eGFR < 60": 1}),
    (
        {"antihypertensive": True, "systolic": 150},
        {"antihypertensive": 1, "pressure ≥ 110": 1, "treated × pressure": 1},
    ),
    ({"statin": True, "non_hdl": "4.5"}, {"statin": 1, "non-HDL": 1, "statin × non-HDL": 1}),
    ({"age": 65, "non_hdl": "4.5"}, {"age": 1, "non-HDL": 1, "age × non-HDL": 1}),
    ({"age": 65, "hdl": "1.6"}, {"age": 1, "HDL": 1, "age × HDL": 1}),
    ({"age": 65, "systolic": 150}, {"age": 1, "pressure ≥ 110": 1, "age × pressure": 1}),
    # The interaction holds the upper term only.
    ({"age": 65, "systolic": 90}, {"age": 1, "pressure ≥ 110": -1, "pressure < 110": -1, "age × pressure": -1}),
    ({"age": 65, "diabetes": True}, {"age": 1, "diabetes": 1, "age × diabetes": 1}),
    ({"age": 65, "smoking": True}, {"age": 1, "smoking": 1, "age × smoking": 1}),
    ({"age": 65, "body_mass_index": 35}, {"age": 1, "BMI < 30": 1, "BMI ≥ 30": 1, "age × BMI": 1}),
    ({"age": 65, "egfr": 45}, {"age": 1, "eGFR ≥ 60": 2, "eGFR < 60": 1, "age × eGFR": 1}),
)


def of(outcome: str, sex: Coding, changed: Mapping[str, Any]) -> Evaluation:
    values = {**REFERENCE, **changed}
    given = {name: Decimal(str(value)) for name, value in values.items() if not isinstance(value, bool)}
    flags = {name: value for name, value in values.items() if isinstance(value, bool)}
    common: dict[str, Any] = {"age": given["age"], "sex": sex, "systolic": given["systolic"], "egfr": given["egfr"]}
    treated: dict[str, Any] = {name: flags[name] for name in ("antihypertensive", "diabetes", "smoking")}
    if outcome == "failure":
        return failure.evaluate(**common, **treated, body_mass_index=given["body_mass_index"])
    # The equations take mg/dL, and turn them into mmol/L by 0.02586.
    factor = Decimal("0.02586")
    return lipids.evaluate(
        **common,
        **treated,
        statin=flags["statin"],
        hdl_cholesterol=given["hdl"] / factor,
        total_cholesterol=(given["non_hdl"] + given["hdl"]) / factor,
        outcome=OUTCOMES[outcome],
    )


def percent(evaluation: Evaluation) -> float:
    assert isinstance(evaluation.value, Quantity)
    assert evaluation.value.value.as_tuple().exponent == -6
    return float(evaluation.value.value)


@pytest.mark.parametrize("column", range(6), ids=[f"{outcome}-{sex.code}" for outcome, sex in COLUMNS])
def test_every_term_with_its_published_coefficient(column: int) -> None:
    outcome, sex = COLUMNS[column]
    for changed, terms in STEPS:
        score = PUBLISHED["constant"][column] + sum(PUBLISHED[name][column] * term for name, term in terms.items())
        # To six decimals of a percent, so within half of the last.
        assert abs(percent(of(outcome, sex, changed)) - 100 / (1 + math.exp(-score))) < 0.6e-6, changed


def test_every_coefficient_is_reached_by_a_step() -> None:
    reached = {name for _, terms in STEPS for name in terms}
    assert reached == set(PUBLISHED) - {"constant"}


@pytest.mark.parametrize(
    ("outcome", "changed", "warrant"),
    [
        # −4.310409 + 0.8998235 × 0.7346 (of 0.7345678) + 0.3576505 − 0.0946663 × 0.7346 = −3.361322.
        (
            "failure",
            {"age": "62.345678", "systolic": 150},
            "log-odds -4.310409 + age 0.8998235 × 0.7346 + systolic pressure above 110 0.3576505 × 1"
            " + age × pressure -0.0946663 × 0.7346 = -3.3613; 1 / (1 + exp(−log-odds)) = 3.",
        ),
        # −3.307728 + 0.7939329 × 0.7345678 = −2.724530.
        ("total", {"age": "62.345678"}, "log-odds -3.307728 + age 0.7939329 × 0.7346 = -2.7245; 1 / (1 + exp("),
    ],
)
def test_the_warrant_holds_every_term_with_its_coefficient(
    outcome: str, changed: Mapping[str, Any], warrant: str
) -> None:
    assert warrant in of(outcome, FEMALE, changed).working.warrant


@pytest.mark.parametrize("outcome", ["total", "ascvd", "failure"])
def test_a_sex_that_the_equations_lack_is_named_and_both_are_the_bounds(outcome: str) -> None:
    found = of(outcome, OTHER, {})
    assert [issue.text for issue in found.issues] == [
        "The equation requires female or male sex"
        if outcome == "failure"
        else "The equations require female or male sex"
    ]
    both = sorted(percent(of(outcome, sex, {})) for sex in (FEMALE, MALE))
    assert found.bounds is not None
    assert [float(found.bounds.low), float(found.bounds.high)] == both

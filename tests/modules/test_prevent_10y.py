"""AHA PREVENT, base equations, 10 years: the published values, who is refused, and what is unknown."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import modules
from ontology.evaluation import Evaluation
from ontology.values import Absent, AbsentReason, Coding
from tests.support.module_inputs import (
    FEMALE,
    INPUT_ABSENT,
    MALE,
    NOT_APPLICABLE,
    OTHER,
    Given,
    bounds,
    evaluate_module,
    issue_codes,
    issue_texts,
    module,
    number_of,
    unknown_texts,
)

VECTORS = Path(modules.__file__).parents[2] / "shared" / "vectors" / "prevent-base-10y.json"
TOTAL, ASCVD, FAILURE = "prevent-10y-total-cvd", "prevent-10y-ascvd", "prevent-10y-heart-failure"
IDS = {TOTAL: "total_cvd", ASCVD: "ascvd", FAILURE: "heart_failure"}
DISEASES = (
    "heart_failure",
    "stroke_tia_thromboembolism",
    "intracranial_haemorrhage",
    "vascular_disease",
    "ischaemic_heart_disease",
    "coronary_revascularisation",
)
WOMAN = {
    "age": 62,
    "sex": FEMALE,
    "systolic": 99,
    "antihypertensive": False,
    "total_cholesterol": 215,
    "hdl_cholesterol": 29,
    "statin": False,
    "diabetes": False,
    "smoking": False,
    "egfr": 81,
    "body_mass_index": 28,
}
NAMES = {"sbp": "systolic", "total_c": "total_cholesterol", "hdl_c": "hdl_cholesterol", "bmi": "body_mass_index"}
FLAGS = {"bp_tx": "antihypertensive", "dm": "diabetes", "statin": "statin", "smoking": "smoking"}


def of(module_id: str, inputs: Given) -> Given:
    """What the module has a slot for: heart failure does not ask of statins."""
    slots = {slot.name for slot in module(module_id).slots}
    return {name: value for name, value in inputs.items() if name in slots}


def ask(module_id: str, changed: Given | None = None, *without: str) -> Evaluation:
    inputs = {**WOMAN, **(changed or {})}
    return evaluate_module(
        module_id, of(module_id, {name: value for name, value in inputs.items() if name not in without})
    )


def written(case: dict[str, str]) -> Given:
    inputs: dict[str, Any] = {NAMES.get(name, name): case[name] for name in ("age", *NAMES, "egfr")}
    inputs |= {name: case[flag] == "TRUE" for flag, name in FLAGS.items()}
    return inputs | {"sex": FEMALE if case["sex"] == "female" else MALE}


@pytest.mark.real_data
@pytest.mark.skipif(not VECTORS.is_file(), reason="the shared vectors are not beside this repository")
def test_all_vectors() -> None:
    cases = json.loads(VECTORS.read_text(), parse_float=str)["cases"]
    assert len(cases) >= 30
    for case in cases:
        for module_id, column in IDS.items():
            value = number_of(evaluate_module(module_id, of(module_id, written(case)))) / 100
            assert abs(value - Decimal(case[column])) <= Decimal("0.0005"), (module_id, case)


# What each equation does not contain (Khan 2023, supplement; so the R package preventr 0.12.0).
NOT_IN = {
    TOTAL: {"body_mass_index"},
    ASCVD: {"body_mass_index"},
    FAILURE: {"total_cholesterol", "hdl_cholesterol"},
}


@pytest.mark.parametrize("module_id", IDS)
@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("age", ("30", "79.99"), ("29.99", "80")),
        ("systolic", ("90", "200"), ("89", "201")),
        ("total_cholesterol", ("130", "320"), ("129.9", "320.1")),
        ("hdl_cholesterol", ("20", "100"), ("19", "101")),
        ("body_mass_index", ("18.5", "39.99"), ("18.4", "40")),
        ("egfr", ("15", "150"), ("14.9", "150.1")),
    ],
)
def test_outside_the_published_ranges(
    module_id: str, name: str, inside: tuple[str, str], outside: tuple[str, str]
) -> None:
    """Refused; a variable that the equation does not contain changes nothing, and is a caution."""
    for value in inside:
        found = ask(module_id, {name: value})
        assert number_of(found) > 0 and "caution" not in issue_codes(found)
    for value in outside:
        found = ask(module_id, {name: value})
        if name in NOT_IN[module_id]:
            assert found.value == ask(module_id).value and "caution" in issue_codes(found)
        else:
            assert found.value == NOT_APPLICABLE


@pytest.mark.parametrize("module_id", IDS)
def test_an_inpatient_stay_is_a_caution(module_id: str) -> None:
    assert "caution" in issue_codes(ask(module_id, {"inpatient_stay": True}))
    assert "caution" not in issue_codes(ask(module_id, {"inpatient_stay": False}))


@pytest.mark.parametrize("module_id", IDS)
@pytest.mark.parametrize("disease", DISEASES)
def test_refused_with_known_cardiovascular_disease(module_id: str, disease: str) -> None:
    assert ask(module_id, {disease: True}).value == NOT_APPLICABLE


@pytest.mark.parametrize("module_id", IDS)
def test_disease_that_is_not_recorded_is_not_excluded(module_id: str) -> None:
    assert "Cardiovascular disease: " in unknown_texts(ask(module_id))
    assert "Cardiovascular disease: " not in unknown_texts(ask(module_id, dict.fromkeys(DISEASES, False)))


@pytest.mark.parametrize("module_id", IDS)
@pytest.mark.parametrize("name", ["antihypertensive", "diabetes", "smoking"])
def test_what_is_not_recorded_is_not_no(module_id: str, name: str) -> None:
    evaluation = ask(module_id, None, name)
    assert evaluation.value == INPUT_ABSENT
    ends = sorted(number_of(ask(module_id, {name: answer})) for answer in (True, False))
    assert bounds(evaluation) == tuple(ends)


def test_statin_unknown_gives_bounds() -> None:
    for module_id in (TOTAL, ASCVD):
        assert ask(module_id, None, "statin").value == INPUT_ABSENT
        assert ask(module_id, None, "statin").bounds is not None


def test_body_mass_index_is_needed_for_heart_failure_only() -> None:
    assert ask(FAILURE, None, "body_mass_index").value == INPUT_ABSENT
    evaluation = ask(TOTAL, None, "body_mass_index")
    assert number_of(evaluation) == number_of(ask(TOTAL))
    assert "Body mass index outside" in unknown_texts(evaluation)


def test_sex_unknown_or_other_gives_bounds() -> None:
    for module_id in IDS:
        ends = sorted(number_of(ask(module_id, {"sex": sex})) for sex in (FEMALE, MALE))
        assert bounds(ask(module_id, None, "sex")) == tuple(ends)
        other = ask(module_id, {"sex": OTHER})
        assert (other.value, bounds(other)) == (INPUT_ABSENT, tuple(ends))
        assert "sex-undetermined" in issue_codes(other)


def test_missing_cholesterol_gives_nothing() -> None:
    evaluation = ask(TOTAL, {"total_cholesterol": Absent(AbsentReason.STALE)})
    assert evaluation.value == INPUT_ABSENT
    assert evaluation.bounds is None


def test_what_treatment_means_is_told() -> None:
    for module_id in IDS:
        assert "stopping" in issue_texts(ask(module_id))


@given(
    st.decimals("30", "79", places=1),
    st.sampled_from([FEMALE, MALE]),
    st.decimals("15", "149", places=1),
    st.booleans(),
    st.booleans(),
)
def test_risk_moves_as_published(age: Decimal, sex: Coding, egfr: Decimal, diabetes: bool, smoking: bool) -> None:
    for module_id in IDS:
        base = {"age": str(age), "sex": sex, "egfr": str(egfr), "diabetes": diabetes, "smoking": smoking}
        value = number_of(ask(module_id, base))
        assert 0 < value < 100
        assert number_of(ask(module_id, {**base, "egfr": str(egfr + 1)})) <= value
        assert number_of(ask(module_id, {**base, "diabetes": True})) >= value
        assert number_of(ask(module_id, {**base, "smoking": True})) >= value

"""The shipped models: the arithmetic of the linear ones, who is refused, which way risks go, and that fits repeat."""

import json
from collections.abc import Mapping
from decimal import Decimal
from importlib import import_module
from itertools import pairwise
from math import exp, floor, frexp, ldexp, log
from pathlib import Path

import pytest
import skops.io

import modules
from ontology.artefact import content_digest
from ontology.values import Absent, AbsentReason, Coding
from tests.support.fitted_models import DIABETES, ILL, INFARCTION, SUPPORT, USUAL, VISITOR
from tests.support.module_inputs import (
    FEMALE,
    INPUT_ABSENT,
    MALE,
    NOT_APPLICABLE,
    Given,
    evaluate_module,
    issue_texts,
    module,
    number_of,
)

HOME = Path(modules.__file__).parent
DATA = HOME.parent / "var" / "training"


def by_hand(folder: str, known: Mapping[str, float | None]) -> float:
    """Percent, out of the printed points of the model: straight lines between them, held at the ends."""
    model = json.loads((HOME / folder / "curves.json").read_text())
    total = model["intercept"]
    for name, curve in model["curves"].items():
        value = known[name]
        total += _line(curve["at"], curve["log_odds"], curve["if_not_measured"] if value is None else value)
    for name, weight in model["weights"].items():
        value = known[name]
        assert value is not None
        total += weight * value
    assert not model["not_measured"]
    return 100 / (1 + exp(-total))


def _line(at: list[float], points: list[float], value: float) -> float:
    value = min(max(value, at[0]), at[-1])
    for (left, begin), (right, end) in pairwise(zip(at, points, strict=True)):
        if value <= right:
            return begin + (end - begin) * (value - left) / (right - left)
    raise AssertionError


@pytest.mark.parametrize(
    ("age", "rate", "pressure", "mass", "failing", "shocked"),
    [
        (71, 88, 132, 26.4, 1, 0),
        (44, 60, 121, 31, 0, 0),
        (99, 150, 70, 17.2, 1, 1),
        (62, None, None, 24, 0, 0),
    ],
)
def test_infarction_adds_up_by_hand(
    age: float, rate: float | None, pressure: float | None, mass: float | None, failing: int, shocked: int
) -> None:
    known = {
        "age": age, "heart_rate": rate, "systolic": pressure, "body_mass_index": mass, "heart_failure": failing,
        "shock": shocked,
    }  # fmt: skip
    given = {name: bool(value) if name in _FLAGS else value for name, value in known.items() if value is not None}
    found = number_of(evaluate_module(INFARCTION, {**given, "infarction": True}))
    assert abs(float(found) - by_hand("mortality_after_mi_1y", known)) < 1e-9


_FLAGS = ("heart_failure", "shock")


@pytest.mark.parametrize(
    ("age", "sex", "mass", "pressure", "total", "good"),
    [
        (58, MALE, 33.1, 141, 205, 39),
        (23, FEMALE, 19, 104, 160, 71),
        (80, FEMALE, 55, 190, None, None),
        (45, MALE, 29, None, 310, 25),
    ],
)  # fmt: skip
def test_diabetes_adds_up_by_hand(
    age: float, sex: Coding, mass: float | None, pressure: float | None, total: float | None, good: float | None
) -> None:
    known = {
        "age": age, "body_mass_index": mass, "systolic": pressure, "total_cholesterol": total, "hdl_cholesterol": good,
    }  # fmt: skip
    given = {name: value for name, value in known.items() if value is not None}
    found = evaluate_module(DIABETES, {**given, "sex": sex})
    if set(given) == {"age", "body_mass_index"}:
        assert found.value == INPUT_ABSENT
        return
    expected = by_hand("hba1c_defined_diabetes", {**known, "male": float(sex == MALE)})
    assert abs(float(number_of(found)) - expected) < 1e-9


@pytest.mark.parametrize(
    ("module_id", "changed"),
    [
        (SUPPORT, {"age": 17}),
        (SUPPORT, {"organ_failure": Absent(AbsentReason.NOT_FOUND)}),
        (SUPPORT, {"organ_failure": False}),
        (INFARCTION, {"age": 17}),
        (INFARCTION, {"infarction": False}),
        (INFARCTION, {"infarction": Absent(AbsentReason.NOT_FOUND)}),
        (DIABETES, {"age": 19}),
        (DIABETES, {"diabetes": True}),
        (DIABETES, {"hba1c": "6.5"}),
        (DIABETES, {"pregnancy": True}),
    ],
)
def test_refused(module_id: str, changed: Given) -> None:
    assert number_of(evaluate_module(module_id, USUAL[module_id])) > 0
    assert evaluate_module(module_id, {**USUAL[module_id], **changed}).value == NOT_APPLICABLE


@pytest.mark.parametrize("module_id", USUAL)
def test_a_patient_of_whom_nothing_is_measured_gets_no_base_rate(module_id: str) -> None:
    about = {"age", "infarction", "organ_failure"}
    nothing = {name: value for name, value in USUAL[module_id].items() if name in about}
    assert evaluate_module(module_id, nothing).value == INPUT_ABSENT


@pytest.mark.parametrize(
    ("module_id", "name", "values"),
    [
        (SUPPORT, "age", range(18, 100, 3)),
        (SUPPORT, "bilirubin", range(0, 40)),
        (SUPPORT, "urea_nitrogen", range(2, 200, 7)),
        (SUPPORT, "albumin", range(6, 0, -1)),
        (SUPPORT, "oxygenation", range(600, 40, -20)),
        (INFARCTION, "age", range(35, 100, 5)),
        (DIABETES, "age", range(20, 61, 5)),
        (DIABETES, "body_mass_index", range(25, 50, 4)),
    ],
)
def test_risk_goes_the_way_that_medicine_knows(module_id: str, name: str, values: range) -> None:
    risks = [number_of(evaluate_module(module_id, {**USUAL[module_id], name: value})) for value in values]
    assert risks == sorted(risks)
    assert risks[-1] > risks[0]


@pytest.mark.parametrize("module_id", USUAL)
def test_none_reads_race_and_all_are_demonstrations(module_id: str) -> None:
    description = module(module_id)
    assert description.model is not None and description.model.maturity == "demonstration"
    assert not {slot.concept.id for slot in description.slots} & {"race", "ethnicity"}


def test_diabetes_by_a_model_needs_confirmation() -> None:
    evaluation = evaluate_module(DIABETES, VISITOR)
    assert "needs confirmation" in (evaluation.working.qualifier or "")
    assert "survey weights" in issue_texts(evaluation)


def test_what_is_outside_of_the_training_data_is_told() -> None:
    assert "creatinine 30 mg/dL is above 99.9 %" in issue_texts(evaluate_module(SUPPORT, {**ILL, "creatinine": 30}))


@pytest.mark.parametrize("age", [80, "80.4", 93])
def test_who_is_recorded_as_eighty_lies_in_the_training_data(age: int | str) -> None:
    """One in sixteen of them is: of nobody of 80 or more can it be said that the data have none so old."""
    found = evaluate_module(DIABETES, {**VISITOR, "age": age})
    assert found.working.standing is not None and found.working.standing.outside == ()
    assert ("counts as 80" in issue_texts(found)) is (age != 80)
    assert number_of(found) == number_of(evaluate_module(DIABETES, {**VISITOR, "age": 80}))


@pytest.mark.parametrize("name", ["bilirubin", "leucocytes", "creatinine", "albumin"])
def test_a_reading_falls_on_the_side_of_those_of_the_study_that_it_is_one_with(name: str) -> None:
    """The file has 2.2 as 2.19970703 (13 bits, eight places); trees put thresholds at values that many share."""
    for tenths in range(2, 60):
        share, power = frexp(tenths / 10)
        kept = Decimal(ldexp(floor(share * 8192), power - 13)).quantize(Decimal("1e-8"))
        read, stored = (
            number_of(evaluate_module(SUPPORT, {**ILL, name: each})) for each in (str(tenths / 10), str(kept))
        )
        assert read == stored, tenths


@pytest.mark.parametrize("module_id", USUAL)
def test_the_interval_holds_the_result(module_id: str) -> None:
    evaluation = evaluate_module(module_id, USUAL[module_id])
    assert evaluation.interval is not None
    assert evaluation.interval.low <= number_of(evaluation) <= evaluation.interval.high
    assert evaluation.interval.high - evaluation.interval.low > Decimal("0.1")


def test_log_odds_of_the_base_and_the_inputs_add_up() -> None:
    for module_id, known in USUAL.items():
        evaluation = evaluate_module(module_id, known)
        margin = evaluation.working.margin
        assert margin is not None
        chance = float(number_of(evaluation)) / 100
        moved = float(sum(part.amount for part in evaluation.working.contributions))
        assert abs(float(margin.base) + moved - log(chance / (1 - chance))) < 1e-6


@pytest.mark.real_data
@pytest.mark.skipif(len(list(DATA.glob("*.whl"))) < 3, reason="the packages with the data are not in var/training")
@pytest.mark.parametrize("folder", ["mortality_after_mi_1y", "hba1c_defined_diabetes"])
def test_fitting_again_gives_the_same_digest(folder: str, tmp_path: Path) -> None:
    from training.candidates import SEED, tuned

    task = import_module(f"modules.{folder}.train").task(DATA)
    for name in ("first", "second"):
        skops.io.dump(tuned("logistic", task.columns, task.rows, task.happened, SEED)[1], tmp_path / name)
        described = module(folder.replace("_", "-")).model
        assert described is not None
        assert content_digest(tmp_path / name) == described.artefact.sha256

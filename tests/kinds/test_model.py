"""The model kind: SHAP by its definition, what is missing, what lies outside, and bulk."""

from dataclasses import replace
from decimal import Decimal
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline

from ontology.artefact import content_digest
from ontology.evaluation import Evaluation
from ontology.slots import Slot
from ontology.values import Absent, AbsentReason, Bound, Quantity, Value
from server import kinds
from server.catalog.descriptions import Description
from server.catalog.trained_model import Explainer, ModelFile
from server.executor.binding import in_slot_unit
from server.executor.result_cache import decode_evaluation, encode_evaluation
from server.kinds.trained.feature_row import feature_row
from server.kinds.trained.loaded_model import load_model
from server.kinds.trained.shap_values import column_slots, probe_rows
from tests.support.trained_models import (
    FEMALE,
    NOT_FOUND,
    OTHER,
    boosted,
    brute_force,
    inputs,
    logistic,
    training_rows,
    usual_values,
)

COLUMNS = {"creatinine": [0], "temperature": [1], "heart_rate": [2], "sex": [3], "dialysis": [4, 5]}
PARTS: dict[str, dict[str, Value]] = {
    "all known": usual_values(),
    "creatinine missing": usual_values(creatinine=NOT_FOUND),
    "two missing": usual_values(temperature=NOT_FOUND, dialysis=NOT_FOUND, sex=FEMALE),
    "sex unknown": usual_values(sex=OTHER),
}


def contributions(evaluation: Evaluation) -> dict[str, float]:
    return {each.slot: float(each.amount) for each in evaluation.working.contributions}


def background() -> Any:
    rows, _ = training_rows(40, seed=11)
    return rows


def test_the_value_is_the_pipelines_probability_in_percent(linear: Description, tree: Description) -> None:
    for description, pipeline in ((linear, logistic()), (tree, boosted())):
        for given in PARTS.values():
            consumed = inputs(description, **given)
            assert description.model is not None
            row = np.array([feature_row(description.model, consumed).numbers])
            evaluation = kinds.evaluate(description, consumed)
            assert isinstance(evaluation.value, Quantity) and evaluation.value.unit == "%"
            assert float(evaluation.value.value) == pytest.approx(100 * pipeline.predict_proba(row)[0, 1], abs=1e-9)


@pytest.mark.parametrize("given", PARTS.values(), ids=PARTS)
def test_linear_shap_is_the_definition_on_inputs_missing_ones_included(
    linear: Description, given: dict[str, Value]
) -> None:
    consumed = inputs(linear, **given)
    assert linear.model is not None
    row = np.array(feature_row(linear.model, consumed).numbers)
    evaluation = kinds.evaluate(linear, consumed)
    wanted = brute_force(logistic().decision_function, row, background(), list(COLUMNS.values()))
    found = contributions(evaluation)
    assert [found[slot] for slot in COLUMNS] == pytest.approx(wanted, abs=1e-9)
    margin = evaluation.working.margin
    assert margin is not None
    assert float(margin.base) == pytest.approx(float(np.mean(logistic().decision_function(background()))), abs=1e-9)
    assert abs(float(margin.residual)) < 1e-9 and margin.scale == "LOG_ODDS"
    assert margin.background == "40 made-up people"


@pytest.mark.parametrize("given", PARTS.values(), ids=PARTS)
def test_tree_shap_is_the_definition_by_the_weights_of_the_leaves(tree: Description, given: dict[str, Value]) -> None:
    consumed = inputs(tree, **given)
    assert tree.model is not None
    row = np.array(feature_row(tree.model, consumed).numbers)
    wanted = path_dependent(boosted()[-1], row)
    found = contributions(kinds.evaluate(tree, consumed))
    for slot, columns in COLUMNS.items():
        assert found[slot] == pytest.approx(sum(wanted[column] for column in columns), abs=1e-9)


@pytest.mark.parametrize("given", PARTS.values(), ids=PARTS)
def test_interventional_tree_shap_is_the_definition_on_columns(tree: Description, given: dict[str, Value]) -> None:
    steps = [("impute", SimpleImputer()), ("fit", GradientBoostingClassifier(n_estimators=15, random_state=0))]
    pipeline = Pipeline(steps).fit(*training_rows())
    path = tree.folder / "gradient.skops"
    skops.io.dump(pipeline, path)
    assert tree.model is not None
    model = replace(
        tree.model,
        explainer=Explainer.TREE_INTERVENTIONAL,
        artefact=ModelFile(path.name, content_digest(path)),
        trusted=tuple(skops.io.get_untrusted_types(file=path)),
    )
    against = replace(tree, model=model, digest="interventional")
    assert kinds.model_faults(against) == []
    consumed = inputs(against, **given)
    row = np.array(feature_row(model, consumed).numbers)
    wanted = brute_force(pipeline.decision_function, row, background(), [[column] for column in range(6)])
    found = contributions(kinds.evaluate(against, consumed))
    for slot, columns in COLUMNS.items():
        assert found[slot] == pytest.approx(sum(wanted[column] for column in columns), abs=1e-6)


def path_dependent(estimator: Any, row: Any) -> list[float]:
    """Shapley values of the expectation that goes both ways, by training weights, where a column is not known."""
    trees = [stage[0].nodes for stage in estimator._predictors]

    def expected(nodes: Any, node: int, known: frozenset[int]) -> float:
        here = nodes[node]
        if here["is_leaf"]:
            return float(here["value"])
        column, left, right = int(here["feature_idx"]), int(here["left"]), int(here["right"])
        if column in known:
            number = row[column]
            goes = bool(here["missing_go_to_left"]) if np.isnan(number) else number <= here["num_threshold"]
            return expected(nodes, left if goes else right, known)
        weights = nodes[left]["count"], nodes[right]["count"]
        both = expected(nodes, left, known) * weights[0] + expected(nodes, right, known) * weights[1]
        return float(both / sum(weights))

    count = len(row)
    worth = {
        frozenset(chosen): sum(expected(nodes, 0, frozenset(chosen)) for nodes in trees)
        for size in range(count + 1)
        for chosen in combinations(range(count), size)
    }
    return [
        sum(
            factorial(len(known)) * factorial(count - len(known) - 1) / factorial(count)
            * (worth[known | {column}] - value)
            for known, value in worth.items()
            if column not in known
        )
        for column in range(count)
    ]  # fmt: skip


def test_contributions_are_told_by_size_and_correlated_ones_together(linear: Description) -> None:
    evaluation = kinds.evaluate(linear, inputs(linear, **usual_values(creatinine=NOT_FOUND)))
    sizes = [abs(each.amount) for each in evaluation.working.contributions]
    assert sizes == sorted(sizes, reverse=True)
    told = {each.slot: each.text for each in evaluation.working.contributions}
    assert told["creatinine"] == "serum creatinine not measured" and told["temperature"] == "body temperature 38.1 °C"
    margin, found = evaluation.working.margin, contributions(evaluation)
    assert margin is not None
    assert [(group.text, group.slots) for group in margin.groups] == [("circulation", ("temperature", "heart_rate"))]
    assert float(margin.groups[0].amount) == pytest.approx(found["temperature"] + found["heart_rate"])


def test_nothing_measured_gives_no_base_rate(linear: Description, tree: Description) -> None:
    for description in (linear, tree):
        for given in ({}, {"creatinine": usual_values()["creatinine"]}, {"sex": FEMALE, "dialysis": True}):
            evaluation = kinds.evaluate(description, inputs(description, **given))
            assert evaluation.value == Absent(AbsentReason.INPUT_ABSENT)
            assert "too-few-measured" in {issue.code for issue in evaluation.issues}
            assert not evaluation.working.contributions


def test_a_required_input_must_be_there_and_be_one_that_training_saw(linear: Description) -> None:
    slots = tuple(replace(slot, required=slot.name == "sex") for slot in linear.slots)
    strict = replace(linear, slots=slots, digest="strict")
    for sex in (NOT_FOUND, OTHER):
        evaluation = kinds.evaluate(strict, inputs(strict, **usual_values(sex=sex)))
        assert evaluation.value == Absent(AbsentReason.INPUT_ABSENT)
    assert isinstance(kinds.evaluate(strict, inputs(strict, **usual_values())).value, Quantity)


def test_a_bound_is_no_number(linear: Description) -> None:
    bound = kinds.evaluate(linear, inputs(linear, **usual_values(creatinine=Bound("<", Decimal(1), "mg/dL"))))
    missing = kinds.evaluate(linear, inputs(linear, **usual_values(creatinine=NOT_FOUND)))
    assert bound.value == missing.value
    assert "bound-not-used" in {issue.code for issue in bound.issues}
    said = {each.slot: each.text for each in bound.working.contributions}
    assert said["creatinine"] == "serum creatinine <1 mg/dL (counts as not measured)"


def test_a_refused_patient_gets_no_number(linear: Description) -> None:
    refused = kinds.evaluate(linear, inputs(linear, **usual_values(kidney_transplant=True)))
    assert refused.value == Absent(AbsentReason.NOT_APPLICABLE)


@pytest.mark.parametrize(
    ("slot", "number", "unit", "other", "other_unit"),
    [
        ("creatinine", "1.4", "mg/dL", "123.76", "umol/L"),
        ("creatinine", "1.4", "mg/dL", "14", "mg/L"),
        ("temperature", "38.1", "Cel", "100.58", "[degF]"),
    ],
)
def test_the_unit_of_a_record_does_not_move_the_prediction(
    linear: Description, tree: Description, slot: str, number: str, unit: str, other: str, other_unit: str
) -> None:
    for description in (linear, tree):
        found: Slot = description.slot(slot)
        mass = found.concept.molar_mass
        written = Decimal(other)
        if other_unit == "umol/L":
            assert mass is not None
            written = Decimal(number) * 10_000 / mass
        converted = in_slot_unit(Quantity(written, other_unit), found)
        values = [
            kinds.evaluate(description, inputs(description, **usual_values(**{slot: value}))).value
            for value in (Quantity(Decimal(number), unit), converted)
        ]
        first, second = (value.value for value in values if isinstance(value, Quantity))
        assert abs(first - second) <= Decimal("1e-9")


def test_what_a_conversion_leaves_behind_is_rounded_off(linear: Description) -> None:
    """It would push a value that lies on a threshold of a tree over it."""
    assert linear.model is not None
    for written in ("1.2", "1.2000000000000002", "1.19999999999999996"):
        given = inputs(linear, creatinine=Quantity(Decimal(written), "mg/dL"))
        assert feature_row(linear.model, given).numbers[0] == 1.2
    apart = inputs(linear, creatinine=Quantity(Decimal("1.20000000001"), "mg/dL"))
    assert feature_row(linear.model, apart).numbers[0] > 1.2


def test_the_reason_why_a_patient_lies_outside_is_told(linear: Description) -> None:
    high = kinds.evaluate(linear, inputs(linear, **usual_values(creatinine=Quantity(Decimal("9.1"), "mg/dL"))))
    told = [issue.text for issue in high.issues if issue.code == "out-of-distribution"]
    assert told == ["serum creatinine 9.1 mg/dL is above 99.9 % of the training data"]
    low = kinds.evaluate(linear, inputs(linear, **usual_values(heart_rate=Quantity(Decimal(20), "/min"))))
    assert any(issue.text == "heart rate 20/min is below 99.9 % of the training data" for issue in low.issues)
    standing = high.working.standing
    assert standing is not None
    assert (standing.measured, standing.of, standing.outside) == (5, 5, tuple(told))
    assert (standing.calibration, standing.maturity) == ("not calibrated", "demonstration")
    assert high.working.qualifier == "a demonstration, not for clinical use; outside the training data"


def test_what_was_never_missing_or_never_seen_in_training_is_told(linear: Description) -> None:
    unseen = kinds.evaluate(linear, inputs(linear, **usual_values(sex=OTHER, creatinine=NOT_FOUND)))
    assert {"unseen-value", "out-of-distribution"} <= {issue.code for issue in unseen.issues}
    # It was recorded, only not so that the model can take it.
    said = {each.slot: each.text for each in unseen.working.contributions}
    assert said["sex"] == "sex for clinical use other (counts as not measured)"
    told = [issue.text for issue in unseen.issues if issue.slot == "sex"]
    assert any("counts as not measured; it was known for all" in text for text in told)
    # In short, too: a value that nobody knows lies nowhere.
    assert "sex for clinical use counts as not measured" in {each.short for each in unseen.issues}
    assert not any("is not measured" in text for text in told)
    assert unseen.working.standing is not None and unseen.working.standing.measured == 3
    assert unseen.working.qualifier is not None and "3 of 5 inputs known" in unseen.working.qualifier
    inside = kinds.evaluate(linear, inputs(linear, **usual_values()))
    assert inside.working.standing is not None and inside.working.standing.outside == ()


def test_a_platt_scaled_model_is_explained_on_its_scaled_log_odds(linear: Description) -> None:
    assert linear.model is not None
    scaled = replace(linear, digest="x", model=replace(linear.model, slope=Decimal("0.8"), intercept=Decimal("-0.3")))
    plain, other = (kinds.evaluate(each, inputs(linear, **usual_values())) for each in (linear, scaled))
    assert plain.working.margin is not None and other.working.margin is not None
    assert float(other.working.margin.output) == pytest.approx(0.8 * float(plain.working.margin.output) - 0.3)
    assert contributions(other) == pytest.approx({k: 0.8 * v for k, v in contributions(plain).items()})


def test_the_other_class_mirrors(linear: Description) -> None:
    assert linear.model is not None
    mirrored = replace(linear, digest="mirror", model=replace(linear.model, positive=0))
    plain, other = (kinds.evaluate(each, inputs(linear, **usual_values())) for each in (linear, mirrored))
    assert contributions(other) == pytest.approx({k: -v for k, v in contributions(plain).items()})
    assert isinstance(plain.value, Quantity) and isinstance(other.value, Quantity)
    assert float(plain.value.value + other.value.value) == pytest.approx(100)


def mixtures(many: list[dict[str, Any]]) -> kinds.Mixtures:
    """Each set of inputs as a mixture of its own."""
    values = {slot: [given[slot] for given in many] for slot in many[0]}
    return kinds.Mixtures(len(many), values, dict.fromkeys(values, range(len(many))))


def test_many_at_once_are_as_each_alone(linear: Description, tree: Description) -> None:
    for description in (linear, tree):
        # Refused, computed, and insufficient: none of them decides for those after it.
        refused = usual_values(kidney_transplant=True)
        many = [inputs(description, **given) for given in (refused, *PARTS.values(), {})]
        alone = [kinds.evaluate(description, given).value for given in many]
        together = kinds.batch_values(description, mixtures(many))
        assert together[0] == alone[0] == Absent(AbsentReason.NOT_APPLICABLE)
        assert together[-1] == alone[-1] == Absent(AbsentReason.INPUT_ABSENT)
        for one, other in zip(alone[1:-1], together[1:-1], strict=True):
            assert isinstance(one, Quantity) and isinstance(other, Quantity)
            assert float(one.value) == pytest.approx(float(other.value), abs=1e-9)


def test_an_evaluation_survives_the_cache(linear: Description) -> None:
    evaluation = kinds.evaluate(linear, inputs(linear, **usual_values()))
    assert decode_evaluation(encode_evaluation(evaluation)) == evaluation


def test_an_input_that_nothing_reads_owns_no_column(linear: Description) -> None:
    assert linear.model is not None
    starts, tried = probe_rows(linear.model, frozenset())
    kept = column_slots(linear.model, lambda rows: rows[:, :1], starts, tried)
    assert kept == ["creatinine"]
    with pytest.raises(kinds.KindError, match="creatinine and temperature"):
        column_slots(linear.model, lambda rows: rows[:, :1] * rows[:, 1:2], starts, tried)
    assert column_slots(linear.model, np.ones_like, starts, tried) == [None] * 6


def test_the_explainer_is_built_once(linear: Description) -> None:
    assert load_model(linear) is load_model(replace(linear, version="9.9.9"))

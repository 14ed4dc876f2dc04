"""The model kind: SHAP by its definition, what is missing, what lies outside, and bulk."""

import json
from dataclasses import replace
from decimal import Decimal
from itertools import combinations
from math import factorial, log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline

from ontology.artefact import content_digest, file_digest
from ontology.evaluation import Evaluation
from ontology.slots import Slot
from ontology.values import Absent, AbsentReason, Bound, Quantity, Value
from server import kinds
from server.catalog.descriptions import Description
from server.catalog.load import Catalog
from server.catalog.trained import Explainer, File, Method, Uncertainty
from server.executor.bind import in_unit
from server.executor.codec import decode_evaluation, encode_evaluation
from server.kinds.trained.columns import owners, probes
from server.kinds.trained.loaded import loaded
from server.kinds.trained.row import row_of
from tests.support.trained import (
    DTYPE,
    FEMALE,
    NOT_FOUND,
    OTHER,
    TREE,
    boosted,
    brute_force,
    ensemble,
    inputs,
    load,
    logistic,
    people,
    usual,
    write_model,
)

COLUMNS = {"creatinine": [0], "temperature": [1], "heart_rate": [2], "sex": [3], "dialysis": [4, 5]}
PARTS: dict[str, dict[str, Value]] = {
    "all known": usual(),
    "creatinine missing": usual(creatinine=NOT_FOUND),
    "two missing": usual(temperature=NOT_FOUND, dialysis=NOT_FOUND, sex=FEMALE),
    "sex unknown": usual(sex=OTHER),
}


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    folder = tmp_path_factory.mktemp("models")
    write_model(folder, logistic(), "linear", (DTYPE,), id="linear")
    write_model(folder, boosted(), "tree-path-dependent", (TREE,), id="tree")
    return load(folder)


@pytest.fixture
def linear(catalog: Catalog) -> Description:
    return catalog.modules["test-linear"]


@pytest.fixture
def tree(catalog: Catalog) -> Description:
    return catalog.modules["test-tree"]


def contributions(evaluation: Evaluation) -> dict[str, float]:
    return {each.slot: float(each.amount) for each in evaluation.working.contributions}


def background() -> Any:
    rows, _ = people(40, seed=11)
    return rows


def test_the_value_is_the_pipelines_probability_in_percent(linear: Description, tree: Description) -> None:
    for description, pipeline in ((linear, logistic()), (tree, boosted())):
        for given in PARTS.values():
            consumed = inputs(description, **given)
            assert description.model is not None
            row = np.array([row_of(description.model, consumed).numbers])
            evaluation = kinds.evaluate(description, consumed)
            assert isinstance(evaluation.value, Quantity) and evaluation.value.unit == "%"
            assert float(evaluation.value.value) == pytest.approx(100 * pipeline.predict_proba(row)[0, 1], abs=1e-9)


@pytest.mark.parametrize("given", PARTS.values(), ids=PARTS)
def test_linear_shap_is_the_definition_on_inputs_missing_ones_included(
    linear: Description, given: dict[str, Value]
) -> None:
    consumed = inputs(linear, **given)
    assert linear.model is not None
    row = np.array(row_of(linear.model, consumed).numbers)
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
    row = np.array(row_of(tree.model, consumed).numbers)
    wanted = path_dependent(boosted()[-1], row)
    found = contributions(kinds.evaluate(tree, consumed))
    for slot, columns in COLUMNS.items():
        assert found[slot] == pytest.approx(sum(wanted[column] for column in columns), abs=1e-9)


@pytest.mark.parametrize("given", PARTS.values(), ids=PARTS)
def test_interventional_tree_shap_is_the_definition_on_columns(tree: Description, given: dict[str, Value]) -> None:
    steps = [("impute", SimpleImputer()), ("fit", GradientBoostingClassifier(n_estimators=15, random_state=0))]
    pipeline = Pipeline(steps).fit(*people())
    path = tree.folder / "gradient.skops"
    skops.io.dump(pipeline, path)
    assert tree.model is not None
    model = replace(
        tree.model,
        explainer=Explainer.TREE_INTERVENTIONAL,
        artefact=File(path.name, content_digest(path)),
        trusted=tuple(skops.io.get_untrusted_types(file=path)),
    )
    against = replace(tree, model=model, digest="interventional")
    assert kinds.model_faults(against) == []
    consumed = inputs(against, **given)
    row = np.array(row_of(model, consumed).numbers)
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
    evaluation = kinds.evaluate(linear, inputs(linear, **usual(creatinine=NOT_FOUND)))
    sizes = [abs(each.amount) for each in evaluation.working.contributions]
    assert sizes == sorted(sizes, reverse=True)
    told = {each.slot: each.text for each in evaluation.working.contributions}
    assert told["creatinine"] == "creatinine not measured" and told["temperature"] == "temperature 38.1 °C"
    margin, found = evaluation.working.margin, contributions(evaluation)
    assert margin is not None
    assert [(group.text, group.slots) for group in margin.groups] == [("circulation", ("temperature", "heart_rate"))]
    assert float(margin.groups[0].amount) == pytest.approx(found["temperature"] + found["heart_rate"])


def test_nothing_measured_gives_no_base_rate(linear: Description, tree: Description) -> None:
    for description in (linear, tree):
        for given in ({}, {"creatinine": usual()["creatinine"]}, {"sex": FEMALE, "dialysis": True}):
            evaluation = kinds.evaluate(description, inputs(description, **given))
            assert evaluation.value == Absent(AbsentReason.INPUT_ABSENT)
            assert "too-few-measured" in {issue.code for issue in evaluation.issues}
            assert not evaluation.working.contributions


def test_a_required_input_must_be_there_and_be_one_that_training_saw(linear: Description) -> None:
    slots = tuple(replace(slot, required=slot.name == "sex") for slot in linear.slots)
    strict = replace(linear, slots=slots, digest="strict")
    for sex in (NOT_FOUND, OTHER):
        evaluation = kinds.evaluate(strict, inputs(strict, **usual(sex=sex)))
        assert evaluation.value == Absent(AbsentReason.INPUT_ABSENT)
    assert isinstance(kinds.evaluate(strict, inputs(strict, **usual())).value, Quantity)


def test_a_bound_is_no_number(linear: Description) -> None:
    bound = kinds.evaluate(linear, inputs(linear, **usual(creatinine=Bound("<", Decimal(1), "mg/dL"))))
    missing = kinds.evaluate(linear, inputs(linear, **usual(creatinine=NOT_FOUND)))
    assert bound.value == missing.value
    assert "bound-not-used" in {issue.code for issue in bound.issues}


def test_a_refused_patient_gets_no_number(linear: Description) -> None:
    refused = kinds.evaluate(linear, inputs(linear, **usual(kidney_transplant=True)))
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
        converted = in_unit(Quantity(written, other_unit), found)
        values = [
            kinds.evaluate(description, inputs(description, **usual(**{slot: value}))).value
            for value in (Quantity(Decimal(number), unit), converted)
        ]
        first, second = (value.value for value in values if isinstance(value, Quantity))
        assert abs(first - second) <= Decimal("1e-9")


def test_what_a_conversion_leaves_behind_is_rounded_off(linear: Description) -> None:
    """It would push a value that lies on a threshold of a tree over it."""
    assert linear.model is not None
    for written in ("1.2", "1.2000000000000002", "1.19999999999999996"):
        given = inputs(linear, creatinine=Quantity(Decimal(written), "mg/dL"))
        assert row_of(linear.model, given).numbers[0] == 1.2
    apart = inputs(linear, creatinine=Quantity(Decimal("1.20000000001"), "mg/dL"))
    assert row_of(linear.model, apart).numbers[0] > 1.2


def test_the_reason_why_a_patient_lies_outside_is_told(linear: Description) -> None:
    high = kinds.evaluate(linear, inputs(linear, **usual(creatinine=Quantity(Decimal("9.1"), "mg/dL"))))
    told = [issue.text for issue in high.issues if issue.code == "out-of-distribution"]
    assert told == ["creatinine 9.1 mg/dL is above 99.9 % of the training data"]
    low = kinds.evaluate(linear, inputs(linear, **usual(heart_rate=Quantity(Decimal(20), "/min"))))
    assert any(issue.text == "heart rate 20/min is below 99.9 % of the training data" for issue in low.issues)
    standing = high.working.standing
    assert standing is not None
    assert (standing.measured, standing.of, standing.outside) == (5, 5, tuple(told))
    assert (standing.calibration, standing.maturity) == ("not calibrated", "demonstration")
    assert high.working.qualifier == "a demonstration, not for care; outside the training data"


def test_what_was_never_missing_or_never_seen_in_training_is_told(linear: Description) -> None:
    unseen = kinds.evaluate(linear, inputs(linear, **usual(sex=OTHER, creatinine=NOT_FOUND)))
    assert {"unseen-value", "out-of-distribution"} <= {issue.code for issue in unseen.issues}
    assert unseen.working.standing is not None and unseen.working.standing.measured == 3
    assert unseen.working.qualifier is not None and "3 of 5 inputs measured" in unseen.working.qualifier
    inside = kinds.evaluate(linear, inputs(linear, **usual()))
    assert inside.working.standing is not None and inside.working.standing.outside == ()


def test_a_platt_scaled_model_is_explained_on_its_scaled_log_odds(linear: Description) -> None:
    assert linear.model is not None
    scaled = replace(linear, digest="x", model=replace(linear.model, slope=Decimal("0.8"), intercept=Decimal("-0.3")))
    plain, other = (kinds.evaluate(each, inputs(linear, **usual())) for each in (linear, scaled))
    assert plain.working.margin is not None and other.working.margin is not None
    assert float(other.working.margin.output) == pytest.approx(0.8 * float(plain.working.margin.output) - 0.3)
    assert contributions(other) == pytest.approx({k: 0.8 * v for k, v in contributions(plain).items()})


def test_the_other_class_mirrors(linear: Description) -> None:
    assert linear.model is not None
    mirrored = replace(linear, digest="mirror", model=replace(linear.model, positive=0))
    plain, other = (kinds.evaluate(each, inputs(linear, **usual())) for each in (linear, mirrored))
    assert contributions(other) == pytest.approx({k: -v for k, v in contributions(plain).items()})
    assert isinstance(plain.value, Quantity) and isinstance(other.value, Quantity)
    assert float(plain.value.value + other.value.value) == pytest.approx(100)


def with_interval(linear: Description, name: str, data: Any, method: Method) -> Description:
    path = linear.folder / name
    if method is Method.TABLE:
        path.write_text(json.dumps(data), encoding="utf-8")
        file = File(name, file_digest(path))
    else:
        skops.io.dump(data, path)
        file = File(name, content_digest(path))
    assert linear.model is not None
    declared = Uncertainty(method, "as declared", Decimal("0.9"), file=file)
    return replace(linear, digest=name, model=replace(linear.model, uncertainty=declared))


def test_an_interval_by_half_width(linear: Description) -> None:
    assert linear.model is not None
    declared = Uncertainty(Method.HALF_WIDTH, "as declared", Decimal("0.9"), Decimal("0.5"))
    wide = replace(linear, digest="half", model=replace(linear.model, uncertainty=declared))
    evaluation = kinds.evaluate(wide, inputs(wide, **usual()))
    interval, margin = evaluation.interval, evaluation.working.margin
    assert interval is not None and margin is not None
    for end, sign in ((interval.low, -1), (interval.high, 1)):
        share = float(end) / 100
        assert log(share / (1 - share)) == pytest.approx(float(margin.output) + sign * 0.5)
    assert (interval.unit, interval.text, interval.level) == ("%", "as declared", Decimal("0.9"))


def test_an_interval_by_an_ensemble(linear: Description) -> None:
    members = ensemble()
    wide = with_interval(linear, "ensemble.skops", members, Method.ENSEMBLE)
    evaluation = kinds.evaluate(wide, inputs(wide, **usual()))
    assert wide.model is not None and evaluation.interval is not None and isinstance(evaluation.value, Quantity)
    row = np.array([row_of(wide.model, inputs(wide, **usual())).numbers])
    margins = [float(member.decision_function(row)[0]) for member in members]
    ends = [*np.quantile(margins, [0.05, 0.95]), float(logistic().decision_function(row)[0])]
    assert float(evaluation.interval.low) == pytest.approx(100 / (1 + np.exp(-min(ends))))
    assert float(evaluation.interval.high) == pytest.approx(100 / (1 + np.exp(-max(ends))))


def test_an_interval_by_a_table_holds_the_result(linear: Description) -> None:
    table = {"margin": [-9.0, 0.0], "low": [0.01, 0.2], "high": [0.5, 0.6]}
    wide = with_interval(linear, "table.json", table, Method.TABLE)
    for given in (usual(), usual(creatinine=Quantity(Decimal(8), "mg/dL"))):
        evaluation = kinds.evaluate(wide, inputs(wide, **given))
        assert evaluation.interval is not None and isinstance(evaluation.value, Quantity)
        assert evaluation.interval.low <= evaluation.value.value <= evaluation.interval.high
        row = 0 if evaluation.value.value < 50 else 1
        assert float(evaluation.interval.low) == pytest.approx(100 * table["low"][row])


def test_many_at_once_are_as_each_alone(linear: Description, tree: Description) -> None:
    for description in (linear, tree):
        many = [inputs(description, **given) for given in (*PARTS.values(), {})]
        alone = [kinds.evaluate(description, given).value for given in many]
        together = kinds.values_of(description, many)
        assert together[-1] == alone[-1] == Absent(AbsentReason.INPUT_ABSENT)
        for one, other in zip(alone[:-1], together[:-1], strict=True):
            assert isinstance(one, Quantity) and isinstance(other, Quantity)
            assert float(one.value) == pytest.approx(float(other.value), abs=1e-9)


def test_an_evaluation_survives_the_cache(linear: Description) -> None:
    evaluation = kinds.evaluate(linear, inputs(linear, **usual()))
    assert decode_evaluation(encode_evaluation(evaluation)) == evaluation


def test_an_input_that_nothing_reads_owns_no_column(linear: Description) -> None:
    assert linear.model is not None
    starts, tried = probes(linear.model, frozenset())
    kept = owners(linear.model, lambda rows: rows[:, :1], starts, tried)
    assert kept == ["creatinine"]
    with pytest.raises(kinds.KindError, match="creatinine and temperature"):
        owners(linear.model, lambda rows: rows[:, :1] * rows[:, 1:2], starts, tried)
    assert owners(linear.model, np.ones_like, starts, tried) == [None] * 6


def test_the_explainer_is_built_once(linear: Description) -> None:
    assert loaded(linear) is loaded(replace(linear, version="9.9.9"))


EXPLAINERS = (
    ("test-linear", Explainer.TREE_PATH_DEPENDENT, "tree-path-dependent does not fit"),
    ("test-linear", Explainer.TREE_INTERVENTIONAL, "tree-interventional does not fit"),
    ("test-tree", Explainer.LINEAR, "linear does not fit"),
    ("test-tree", Explainer.TREE_INTERVENTIONAL, "cannot explain a HistGradientBoostingClassifier"),
)


@pytest.mark.parametrize(("module", "explainer", "text"), EXPLAINERS)
def test_an_explainer_of_another_sort_is_refused(
    catalog: Catalog, module: str, explainer: Explainer, text: str
) -> None:
    description = catalog.modules[module]
    assert description.model is not None
    other = replace(description, digest=explainer, model=replace(description.model, explainer=explainer))
    assert any(text in fault for fault in kinds.model_faults(other))
    assert kinds.evaluate(other, inputs(other, **usual())).value == Absent(AbsentReason.FAILED)


def test_a_faultless_model_has_no_faults(linear: Description, tree: Description) -> None:
    assert kinds.model_faults(linear) == kinds.model_faults(tree) == []


def test_the_folder_is_not_asked_again(linear: Description, tmp_path: Path) -> None:
    moved = replace(linear, folder=tmp_path, digest="moved")
    assert kinds.model_faults(moved) == kinds.model_faults(moved) != []

"""The model kind: the intervals that it declares, and which explainers it takes."""

import json
from dataclasses import replace
from decimal import Decimal
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io

from ontology.artefact import content_digest, file_digest
from ontology.values import Absent, AbsentReason, Quantity
from server import kinds
from server.catalog.catalog import Catalog
from server.catalog.descriptions import Description
from server.catalog.trained_model import Explainer, IntervalMethod, ModelFile, Uncertainty
from server.kinds.trained.feature_row import feature_row
from tests.support.trained_models import ensemble, inputs, logistic, usual_values


def with_interval(linear: Description, name: str, data: Any, method: IntervalMethod) -> Description:
    path = linear.folder / name
    if method is IntervalMethod.TABLE:
        path.write_text(json.dumps(data), encoding="utf-8")
        file = ModelFile(name, file_digest(path))
    else:
        skops.io.dump(data, path)
        file = ModelFile(name, content_digest(path))
    assert linear.model is not None
    declared = Uncertainty(method, "as declared", Decimal("0.9"), file=file)
    return replace(linear, digest=name, model=replace(linear.model, uncertainty=declared))


def test_an_interval_by_half_width(linear: Description) -> None:
    assert linear.model is not None
    declared = Uncertainty(IntervalMethod.HALF_WIDTH, "as declared", Decimal("0.9"), Decimal("0.5"))
    wide = replace(linear, digest="half", model=replace(linear.model, uncertainty=declared))
    evaluation = kinds.evaluate(wide, inputs(wide, **usual_values()))
    interval, margin = evaluation.interval, evaluation.working.margin
    assert interval is not None and margin is not None
    for end, sign in ((interval.low, -1), (interval.high, 1)):
        share = float(end) / 100
        assert log(share / (1 - share)) == pytest.approx(float(margin.output) + sign * 0.5)
    assert (interval.unit, interval.text, interval.level) == ("%", "as declared", Decimal("0.9"))


def test_an_interval_by_an_ensemble(linear: Description) -> None:
    members = ensemble()
    wide = with_interval(linear, "ensemble.skops", members, IntervalMethod.ENSEMBLE)
    evaluation = kinds.evaluate(wide, inputs(wide, **usual_values()))
    assert wide.model is not None and evaluation.interval is not None and isinstance(evaluation.value, Quantity)
    row = np.array([feature_row(wide.model, inputs(wide, **usual_values())).numbers])
    margins = [float(member.decision_function(row)[0]) for member in members]
    ends = [*np.quantile(margins, [0.05, 0.95]), float(logistic().decision_function(row)[0])]
    assert float(evaluation.interval.low) == pytest.approx(100 / (1 + np.exp(-min(ends))))
    assert float(evaluation.interval.high) == pytest.approx(100 / (1 + np.exp(-max(ends))))


def test_an_interval_by_a_table_holds_the_result(linear: Description) -> None:
    table = {"margin": [-9.0, 0.0], "low": [0.01, 0.2], "high": [0.5, 0.6]}
    wide = with_interval(linear, "table.json", table, IntervalMethod.TABLE)
    for given in (usual_values(), usual_values(creatinine=Quantity(Decimal(8), "mg/dL"))):
        evaluation = kinds.evaluate(wide, inputs(wide, **given))
        assert evaluation.interval is not None and isinstance(evaluation.value, Quantity)
        assert evaluation.interval.low <= evaluation.value.value <= evaluation.interval.high
        row = 0 if evaluation.value.value < 50 else 1
        assert float(evaluation.interval.low) == pytest.approx(100 * table["low"][row])


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
    assert kinds.evaluate(other, inputs(other, **usual_values())).value == Absent(AbsentReason.FAILED)


def test_a_faultless_model_has_no_faults(linear: Description, tree: Description) -> None:
    assert kinds.model_faults(linear) == kinds.model_faults(tree) == []


def test_the_folder_is_not_asked_again(linear: Description, tmp_path: Path) -> None:
    moved = replace(linear, folder=tmp_path, digest="moved")
    assert kinds.model_faults(moved) == kinds.model_faults(moved) != []

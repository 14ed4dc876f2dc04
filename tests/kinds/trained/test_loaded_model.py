"""Files that are not what their description says: the module is FAILED in words, and `check` names it."""

import json
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from ontology.artefact import ArtefactError, content_digest, file_digest
from ontology.values import Absent, AbsentReason
from server import kinds
from server.catalog.descriptions import Description
from server.catalog.trained_model import Explainer, Feature, IntervalMethod, ModelFile, Uncertainty
from server.kinds.model import loading_seconds, timed_loading
from server.kinds.trained import loaded_model as loading
from server.kinds.trained.loaded_model import load_model
from server.kinds.trained.shap_values import Floats, ShapFunction, build_explainer, probe_rows
from tests.support.trained_models import (
    DTYPE,
    TREE,
    boosted,
    catalog_with_models,
    inputs,
    logistic,
    training_rows,
    usual_values,
    write_model,
)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Description:
    folder = tmp_path_factory.mktemp("models")
    write_model(folder, logistic(), "linear", (DTYPE,), id="files")
    return catalog_with_models(folder).modules["test-files"]


@pytest.fixture
def copied(sound: Description, tmp_path: Path) -> Description:
    folder = tmp_path / "model"
    shutil.copytree(sound.folder, folder)
    return replace(sound, folder=folder, digest=str(tmp_path))


def changed(description: Description, **model: Any) -> Description:
    assert description.model is not None
    return replace(description, model=replace(description.model, **model), digest=description.digest + repr(model))


def fault(description: Description) -> str:
    """The one fault; evaluating says the same, and gives no number."""
    (told,) = kinds.model_faults(description)
    evaluation = kinds.evaluate(description, inputs(description, **usual_values()))
    assert evaluation.value == Absent(AbsentReason.FAILED)
    told = told.removeprefix(f"{description.id}: ")
    assert [issue.code for issue in evaluation.issues if told in issue.text] == ["model-fault"]
    return told


def with_pipeline(description: Description, pipeline: Any, *trusted: str, **model: Any) -> Description:
    path = description.folder / "model.skops"
    skops.io.dump(pipeline, path)
    types = trusted or tuple(skops.io.get_untrusted_types(file=path))
    return changed(description, artefact=ModelFile("model.skops", content_digest(path)), trusted=types, **model)


def rewritten(path: Path, change: Callable[[str, bytes], bytes]) -> None:
    with ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, change(name, data))


def test_a_dump_of_the_same_model_is_the_same_artefact(copied: Description) -> None:
    path = copied.folder / "model.skops"
    before = path.read_bytes()
    skops.io.dump(logistic(), path)
    assert path.read_bytes() != before
    assert kinds.model_faults(copied) == []


def test_one_changed_coefficient_is_found(copied: Description) -> None:
    flipped: list[Any] = []

    def flip(name: str, data: bytes) -> bytes:
        if name.endswith(".npy") and len(data) > 128 and not flipped:
            flipped.append(name)
            return data[:-1] + bytes([data[-1] ^ 1])
        return data

    rewritten(copied.folder / "model.skops", flip)
    assert flipped and "does not match its description" in fault(copied)


def test_a_changed_schema_is_found(copied: Description) -> None:
    rewritten(copied.folder / "model.skops", lambda name, data: data.replace(b"LogisticRegression", b"RidgeClassifier"))
    assert "does not match its description" in fault(copied)


def test_a_part_that_nothing_speaks_of_is_found(copied: Description) -> None:
    with ZipFile(copied.folder / "model.skops", "a") as archive:
        archive.writestr("more.npy", b"x")
    assert "its schema does not speak of" in fault(copied)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_parts_of_one_name_are_found(copied: Description) -> None:
    path = copied.folder / "model.skops"
    with ZipFile(path, "a") as archive:
        archive.writestr("schema.json", archive.read("schema.json"))
    with pytest.raises(ArtefactError, match="two parts have one name"):
        content_digest(path)


@pytest.mark.parametrize("data", [b"", b"not a zip", b"PK\x03\x04"])
def test_what_is_no_archive_is_found(copied: Description, data: bytes) -> None:
    (copied.folder / "model.skops").write_bytes(data)
    assert fault(copied) == "model.skops: not a skops file"


def test_a_type_that_is_not_trusted_is_refused(copied: Description) -> None:
    assert "does not trust: numpy.dtype" in fault(changed(copied, trusted=()))


def test_a_type_from_elsewhere_cannot_be_trusted(copied: Description) -> None:
    foreign = Pipeline([("a", FunctionTransformer(shutil.rmtree)), ("b", logistic()[-1])])
    path = copied.folder / "model.skops"
    skops.io.dump(foreign, path)
    digest = content_digest(path)
    told = fault(changed(copied, artefact=ModelFile("model.skops", digest), trusted=(DTYPE, "shutil.rmtree")))
    assert told == "mpm:trustedType shutil.rmtree: only types of scikit-learn, NumPy and SciPy may be trusted"
    assert "shutil.rmtree" in fault(changed(copied, artefact=ModelFile("model.skops", digest), trusted=(DTYPE,)))


def test_no_more_is_trusted_than_is_needed(copied: Description) -> None:
    assert "trust no more than is needed" in fault(changed(copied, trusted=(DTYPE, TREE)))


@pytest.mark.parametrize("name", ["model.skops", "background.json"])
def test_a_missing_file_is_named(copied: Description, name: str) -> None:
    (copied.folder / name).unlink()
    assert fault(copied).startswith(f"{name}: not found")


def test_a_background_that_is_not_declared_is_missed(copied: Description) -> None:
    assert "needs the rows of a background" in fault(changed(copied, rows=None))


def test_a_changed_background_is_found(copied: Description) -> None:
    path = copied.folder / "background.json"
    path.write_text(path.read_text(encoding="utf-8").replace("made up", "made-up"), encoding="utf-8")
    assert "background.json: does not match its description" in fault(copied)


BACKGROUNDS: list[tuple[dict[str, Any], str]] = [
    ({"columns": ["creatinine"]}, "its columns are not the features"),
    ({"origin": ""}, "does not say where its rows come from"),
    ({"rows": [["high"] * 6]}, "its rows are not numbers"),
    ({"rows": []}, "needs at least one row"),
    ({"rows": [[1.0] * 5]}, "needs at least one row, of 6 numbers"),
    ({"rows": [[float("inf")] * 6]}, "needs at least one row"),
]


@pytest.mark.parametrize(("change", "text"), BACKGROUNDS)
def test_a_background_is_rows_of_the_features(copied: Description, change: dict[str, Any], text: str) -> None:
    path = copied.folder / "background.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **change}), encoding="utf-8")
    assert text in fault(changed(copied, rows=ModelFile("background.json", file_digest(path))))


TABLES: list[tuple[object, str]] = [
    ({}, "needs margin, low and high"),
    ({"margin": [1, 0], "low": [0, 0], "high": [1, 1]}, "margins must rise"),
    ({"margin": [0], "low": [0.6], "high": [0.5]}, "each low be at most its high"),
    ({"margin": [0], "low": [0.6], "high": [1.5]}, "both from 0 to 1"),
    ({"margin": [0], "low": [0.6], "high": []}, "margins must rise"),
    ({"margin": [0, 1], "low": [0.2, 0.1], "high": [0.3, 0.3]}, "a higher margin must not be lower"),
    ({"margin": [0, 1], "low": [0.1, 0.1], "high": [0.3, 0.2]}, "a higher margin must not be lower"),
]


@pytest.mark.parametrize(("table", "text"), TABLES)
def test_a_table_of_intervals_rises(copied: Description, table: object, text: str) -> None:
    path = copied.folder / "table.json"
    path.write_text(json.dumps(table), encoding="utf-8")
    file = ModelFile("table.json", file_digest(path))
    assert text in fault(changed(copied, uncertainty=Uncertainty(IntervalMethod.TABLE, "t", file=file)))


def trained(*steps: Any) -> Pipeline:
    rows, happened = training_rows()
    return Pipeline([(str(place), step) for place, step in enumerate(steps)]).fit(np.nan_to_num(rows), happened)


def test_a_classifier_on_another_scale_is_refused(copied: Description) -> None:
    assert "no classifier with a decision function" in fault(with_pipeline(copied, trained(DecisionTreeClassifier())))


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_probabilities_that_are_no_logistic_function_are_refused(copied: Description) -> None:
    told = fault(with_pipeline(copied, trained(SVC(kernel="linear", probability=True))))
    assert "logistic function" in told or "cannot be run" in told


def test_missing_values_must_be_met_by_the_pipeline(copied: Description) -> None:
    assert "cannot be run on what its description says" in fault(with_pipeline(copied, trained(LogisticRegression())))


def test_a_column_of_two_inputs_is_refused(copied: Description) -> None:
    steps = (*logistic().steps[:1], ("cross", PolynomialFeatures(2, include_bias=False)), ("fit", LogisticRegression()))
    pipeline = Pipeline(list(steps))
    pipeline.set_params(fit__max_iter=5000, fit__solver="liblinear").fit(*training_rows())
    assert "can be laid to neither" in fault(with_pipeline(copied, pipeline))


def test_the_positive_class_is_one_of_two(copied: Description) -> None:
    assert "mpm:positiveClass is one" in fault(changed(copied, positive="yes"))
    assert "mpm:positiveClass is one" in fault(changed(copied, positive=True))
    rows, _ = training_rows()
    three = logistic().fit(rows, np.arange(len(rows)) % 3)
    assert "has not two classes" in fault(with_pipeline(copied, three))


def test_the_columns_are_as_many_as_the_features(copied: Description) -> None:
    rows, happened = training_rows()
    fewer = logistic().fit(rows[:, :5], happened)
    assert "takes 5 columns, and mpm:features has 6" in fault(with_pipeline(copied, fewer))


def test_an_explainer_is_used_only_where_it_is_additive(copied: Description, monkeypatch: pytest.MonkeyPatch) -> None:

    def missing_the_mark(*given: Any) -> ShapFunction:
        explain = build_explainer(*given)

        def shifted(rows: Floats) -> tuple[float, Floats]:
            base, values = explain(rows)
            return base, values + np.isnan(rows)[:, :1] * 1e-3

        return shifted

    sound = with_pipeline(copied, boosted(), explainer=Explainer.TREE_PATH_DEPENDENT)
    assert kinds.model_faults(sound) == []
    monkeypatch.setattr(loading, "build_explainer", missing_the_mark)
    told = fault(replace(sound, digest="not additive"))
    assert re.search(r"tree-path-dependent is not additive for this model: it misses by up to 0\.006$", told)


def test_a_wrong_explanation_is_no_answer(copied: Description, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_model(copied)
    explain = model._explain
    monkeypatch.setattr(model, "_explain", lambda rows: (explain(rows)[0] + 2e-6, explain(rows)[1]))
    evaluation = kinds.evaluate(copied, inputs(copied, **usual_values()))
    assert evaluation.value == Absent(AbsentReason.FAILED)
    assert "SHAP values miss its log-odds" in evaluation.issues[0].text


def test_the_values_tried_reach_one_spread_beyond_what_was_seen(linear: Description) -> None:
    assert linear.model is not None
    seen = Feature("creatinine", "creatinine", quantiles=(Decimal(10), Decimal(13), Decimal(30)))
    same = Feature("temperature", "temperature", quantiles=(Decimal(7), Decimal(7)))
    flag = Feature("unknown", "dialysis", indicator=True)
    model = replace(linear.model, features=(seen, same, flag))
    _, (numbers, constant, indicator) = probe_rows(model, frozenset({"creatinine", "temperature"}))
    # 20 wide: from −10 to 50, and in twentieths between.
    assert (min(numbers), max(numbers)) == (-10, 50)
    assert {10, 13, 30, 20} <= set(numbers)
    # Of no width, by one.
    assert (min(constant), max(constant)) == (6, 8)
    assert indicator == [0, 1]


def test_the_time_that_loading_takes_is_added_up() -> None:
    before, begun = loading_seconds(), time.monotonic()
    with timed_loading():
        time.sleep(0.01)
    assert 0.009 <= loading_seconds() - before <= time.monotonic() - begun
    with pytest.raises(KeyError), timed_loading():
        time.sleep(0.01)
        raise KeyError
    assert 0.019 <= loading_seconds() - before <= time.monotonic() - begun

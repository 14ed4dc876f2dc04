"""The cost of a trained model: one execution with its SHAP values, and a batch without them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.catalogs import shipped
from benchmarks.measure import Sizes, Spread, seconds
from benchmarks.report import Part, Row
from ontology.artefact import content_digest, file_digest
from ontology.evaluation import SlotInput
from ontology.values import Absent, AbsentReason, Quantity
from server import kinds
from server.catalog.descriptions import Description, Kind, RiskDefinition
from server.catalog.trained_model import Explainer, Feature, ModelFile, TrainedModel
from server.kinds.trained.loaded_model import load_model

_INPUTS = 12
_BUDGET = 5.0


async def run(sizes: Sizes) -> Part:
    """A linear and a boosted model of twelve inputs, a third of them missing, fitted to made-up people."""
    rows: list[Row] = []
    for explainer, name in ((Explainer.LINEAR, "logistic"), (Explainer.TREE_PATH_DEPENDENT, "100 boosted trees")):
        with _described(explainer) as description:
            rows += _measured(sizes, description, name)
    return Part(tuple(rows))


def _measured(sizes: Sizes, description: Description, name: str) -> Iterator[Row]:
    inputs = _inputs(description)
    load_model(description)
    with_shap = Spread.of(seconds(lambda: kinds.evaluate(description, inputs), sizes.repeats)).times(1e3)
    yield Row(f"execution of a model with SHAP, {name}", with_shap, "ms", _BUDGET, "evaluated, not looked up")
    count = sizes.executions
    # Each slot has its value in some mixtures, and is missing in others: as in an attribution.
    values = {slot: [consumed, SlotInput(Absent(AbsentReason.NOT_FOUND))] for slot, consumed in inputs.items()}
    picks = {slot: [(n >> place) % 8 == 7 for n in range(count)] for place, slot in enumerate(values)}
    many = kinds.Mixtures(count, values, picks)
    bulk = Spread.of(seconds(lambda: kinds.batch_values(description, many), sizes.repeats)).times(1e6 / count)
    yield Row(f"value of a model without SHAP, {name}", bulk, "µs", None, f"{count} at once")


def _inputs(description: Description) -> Mapping[str, SlotInput]:
    values = [Quantity(Decimal(place) / 10, "mg/dL") for place in range(_INPUTS)]
    absent = Absent(AbsentReason.NOT_FOUND)
    pairs = zip(description.slots, values, strict=True)
    return {slot.name: SlotInput(absent if place % 3 == 2 else value) for place, (slot, value) in enumerate(pairs)}


@contextmanager
def _described(explainer: Explainer) -> Iterator[Description]:
    """A module with a model for this explainer, whose files exist within the block."""
    rng = np.random.default_rng(0)
    people = rng.normal(size=(1_000, _INPUTS)).round(2)
    people[rng.random(people.shape) < 0.2] = np.nan
    happened = (np.nan_to_num(people[:, 0] - people[:, 1]) + rng.normal(size=len(people)) > 0).astype(int)
    pipeline: Any = HistGradientBoostingClassifier(random_state=0)
    if explainer is Explainer.LINEAR:
        pipeline = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler(), LogisticRegression())
    pipeline.fit(people, happened)
    with TemporaryDirectory() as folder:
        yield _module(Path(folder), explainer, pipeline, people)


def _module(folder: Path, explainer: Explainer, pipeline: Any, people: Any) -> Description:
    names = [f"input_{place}" for place in range(_INPUTS)]
    artefact, background = folder / "model.skops", folder / "background.json"
    skops.io.dump(pipeline, artefact)
    written = [[None if np.isnan(number) else number for number in row] for row in people[:100].tolist()]
    background.write_text(json.dumps({"columns": names, "rows": written, "origin": "made up"}), encoding="utf-8")
    shares = [float(share) for share in ("0.001", "0.01", "0.05", "0.5", "0.95", "0.99", "0.999")]
    quantiles = np.nanquantile(people, shares, axis=0)
    like = shipped().modules["egfr"]
    slot = replace(like.slot("creatinine"), required=False, minimum=None, maximum=None)
    model = TrainedModel(
        artefact=ModelFile(artefact.name, content_digest(artefact)),
        trusted=tuple(skops.io.get_untrusted_types(file=artefact)),
        positive=1,
        explainer=explainer,
        background="100 made-up people",
        rows=ModelFile(background.name, file_digest(background)),
        features=tuple(
            Feature(name, name, quantiles=tuple(Decimal(repr(float(q))) for q in quantiles[:, place]))
            for place, name in enumerate(names)
        ),
        calibration="none",
        least=1,
        among=tuple(names),
    )
    return replace(
        like,
        id="benchmark",
        kind=Kind.MODEL,
        unit="%",
        slots=tuple(replace(slot, name=name) for name in names),
        digest=f"{folder} {explainer}",
        folder=folder,
        applicability=(),
        remarks=(),
        outcomes=(),
        parameters={},
        evaluation_time=None,
        risk=RiskDefinition("something", "P1Y"),
        model=model,
    )

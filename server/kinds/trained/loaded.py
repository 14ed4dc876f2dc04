"""A model in memory: loaded and checked once for each process, then asked by any thread."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from server.catalog.descriptions import Description
from server.catalog.trained import TrainedModel
from server.kinds.trained.columns import owners, probes
from server.kinds.trained.explainers import explainer
from server.kinds.trained.faults import ModelError
from server.kinds.trained.files import read_rows, read_skops
from server.kinds.trained.intervals import Intervals, intervals
from server.kinds.trained.pipeline import Classifier, classifier, logistic

Floats = NDArray[np.float64]

RESIDUAL = 1e-6
"""How far base and SHAP values may miss the log-odds."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model gives for one row.

    ``margin``, ``base`` and ``contributions`` (by slot) are log-odds, after calibration; ``residual`` is what the
    margin is more than base and contributions together.  The ends of ``interval`` are probabilities.
    """

    probability: float
    margin: float
    base: float
    contributions: Mapping[str, float]
    residual: float
    interval: tuple[float, float] | None


class LoadedModel:
    """The pipeline, its explainer and its interval, checked against the description.  Raises ModelError."""

    def __init__(self, model: TrainedModel, folder: Path, required: frozenset[str]) -> None:
        self._model = model
        self._slope, self._intercept = float(model.slope), float(model.intercept)
        # scikit-learn's and shap's compiled parts are called by one thread at a time.
        self._lock = threading.Lock()
        names = tuple(feature.name for feature in model.features)
        rows = None if model.rows is None else read_rows(folder, model.rows, names)
        pipeline: Any = read_skops(folder, model.artefact, model.trusted)
        # Knows the compiled libraries that are loaded by now: on a row, more threads than one cost ten times the time.
        self._threads = ThreadpoolController()
        self._classifier: Classifier = classifier(pipeline, model, model.artefact.name)
        # What is always there for a patient may still be missing in the background.
        gaps = [] if rows is None else np.flatnonzero(np.isnan(rows).any(axis=0)).tolist()
        missing = {model.features[gap].slot for gap in gaps}
        starts, tried = probes(model, required - missing)
        try:
            self._owners = owners(model, self._classifier.transform, starts, tried)
            self._explain = explainer(
                model.explainer,
                self._classifier.estimator,
                None if rows is None else self._classifier.transform(rows),
            )
            self._intervals: Intervals | None = intervals(model, folder)
            self._prove(starts if rows is None else np.vstack([starts, rows]))
        except ModelError:
            raise
        except (ValueError, TypeError, ArithmeticError, AttributeError, IndexError, KeyError) as error:
            text = f"{model.artefact.name}: cannot be run on what its description says ({type(error).__name__})"
            raise ModelError(text) from error

    def predict(self, row: Sequence[float]) -> Prediction:
        """The prediction for one row, explained.  ModelError where the explanation does not add up."""
        rows = np.array([row], dtype=np.float64)
        with self._lock, self._threads.limit(limits=1):
            margin = float(self._margins(rows)[0])
            base, values = self._explain(self._classifier.transform(rows))
            interval = None if self._intervals is None else self._intervals.of(rows, margin)
        scale = self._slope * self._classifier.sign
        by_slot = dict.fromkeys(self._model.slots, 0.0)
        for slot, value in zip(self._owners, values[0], strict=True):
            if slot is not None:
                by_slot[slot] += scale * float(value)
        base = scale * base + self._intercept
        residual = margin - base - sum(by_slot.values())
        if not abs(residual) <= RESIDUAL:
            raise ModelError(
                f"its SHAP values miss its log-odds by more than {RESIDUAL:g}: they explain another number"
            )
        return Prediction(logistic(margin), margin, base, by_slot, residual, interval)

    def probabilities(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """The calibrated probabilities of many rows at once, unexplained."""
        with self._lock, self._threads.limit(limits=1):
            return [logistic(float(margin)) for margin in self._margins(np.array(rows, dtype=np.float64))]

    def _margins(self, rows: Floats) -> Floats:
        return self._slope * self._classifier.margins(rows) + self._intercept

    def _prove(self, rows: Floats) -> None:
        """That the explanation adds up, on complete rows and on rows with values missing."""
        missing = rows.copy()
        optional = np.isnan(rows).any(axis=0)
        missing[:, optional] = np.where(np.arange(len(rows))[:, None] % 2, np.nan, missing[:, optional])
        rows = np.vstack([rows, missing])
        self._classifier.check(rows)
        base, values = self._explain(self._classifier.transform(rows))
        misses = np.abs(self._classifier.margins(rows) - self._classifier.sign * (base + values.sum(axis=1)))
        if not misses.max() <= RESIDUAL:
            kind = self._model.explainer.value
            raise ModelError(
                f"mpm:explainer {kind} is not additive for this model: it misses by up to {misses.max():.1g}"
            )


_lock = threading.Lock()
_known: dict[tuple[Path, str], LoadedModel | ModelError] = {}


def loaded(description: Description) -> LoadedModel:
    """The model of a description, read from its files once; a fault is kept too, until the server starts again.

    Raises ModelError where it cannot be loaded.
    """
    if description.model is None:
        raise ModelError("the description has no mpm:model")
    key = (description.folder.resolve(), description.digest)
    with _lock:
        known = _known.get(key)
        if known is None:
            required = frozenset(slot.name for slot in description.slots if slot.required)
            try:
                known = LoadedModel(description.model, description.folder, required)
            except ModelError as fault:
                known = fault
            _known[key] = known
    if isinstance(known, ModelError):
        raise known
    return known

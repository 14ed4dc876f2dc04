"""A model in memory: its pipeline, explainer and interval, loaded and checked once, used by any thread.

A fitted scikit-learn pipeline is taken apart into what prepares the columns and what decides; the interval of a
prediction is computed as the description declares it.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline
from threadpoolctl import ThreadpoolController

from server.catalog.descriptions import Description
from server.catalog.trained_model import IntervalMethod, TrainedModel
from server.errors import ModelError
from server.kinds.trained.files import read_background, read_interval_table, read_skops
from server.kinds.trained.shap_values import build_explainer, column_slots, probe_rows

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Classifier:
    """``estimator`` decides on the columns that ``transform`` makes; ``sign`` is -1 where it is for the other class."""

    pipeline: Any
    estimator: Any
    sign: float

    def transform(self, rows: FloatArray) -> FloatArray:
        """The columns that the estimator is given."""
        if self.pipeline is self.estimator or len(self.pipeline) == 1:
            return rows
        made = self.pipeline[:-1].transform(rows)
        return np.asarray(made.toarray() if hasattr(made, "toarray") else made, dtype=np.float64)

    def margins(self, rows: FloatArray) -> FloatArray:
        """Log-odds of the positive class, before calibration."""
        return self.sign * np.asarray(self.pipeline.decision_function(rows), dtype=np.float64)

    def check(self, rows: FloatArray) -> None:
        """ModelError unless the probabilities are the logistic function of the margins."""
        given = np.asarray(self.pipeline.predict_proba(rows))[:, 1 if self.sign > 0 else 0]
        if any(abs(logistic(float(m)) - p) > 1e-9 for m, p in zip(self.margins(rows), given.tolist(), strict=True)):
            raise ModelError("its probabilities are not the logistic function of its decision function")


def require_classifier(pipeline: Any, model: TrainedModel, name: str) -> Classifier:
    """The pipeline, if it is a binary classifier on the log-odds scale that takes the features; else ModelError."""
    estimator = pipeline[-1] if isinstance(pipeline, Pipeline) else pipeline
    if not is_classifier(estimator) or not hasattr(estimator, "decision_function"):
        raise ModelError(f"{name}: its last step is no classifier with a decision function")
    classes = np.asarray(estimator.classes_).tolist()
    if len(classes) != 2 or not any(_is_same_label(each, model.positive) for each in classes):
        raise ModelError(f"{name}: has not two classes of which mpm:positiveClass is one")
    if pipeline.n_features_in_ != len(model.features):
        raise ModelError(f"{name}: takes {pipeline.n_features_in_} columns, and mpm:features has {len(model.features)}")
    return Classifier(pipeline, estimator, 1.0 if _is_same_label(classes[1], model.positive) else -1.0)


def _is_same_label(found: object, named: object) -> bool:
    return isinstance(found, bool) is isinstance(named, bool) and found == named


def logistic(margin: float) -> float:
    """The probability of log-odds."""
    return 1 / (1 + exp(-margin)) if margin >= 0 else exp(margin) / (1 + exp(margin))


IntervalFloats = NDArray[np.float64]


class IntervalEstimator(Protocol):
    """Between which probabilities a result lies."""

    def estimate(self, rows: IntervalFloats, margin: float) -> tuple[float, float]:
        """The ends for one row, whose calibrated log-odds are ``margin``."""


def interval_estimator(model: TrainedModel, folder: Path) -> IntervalEstimator | None:
    """What the description declares, or None.  Raises ModelError."""
    declared = model.uncertainty
    if declared is None:
        return None
    if declared.method is IntervalMethod.HALF_WIDTH and declared.half_width is not None:
        return _HalfWidthEstimator(float(declared.half_width))
    if declared.file is None:
        raise ModelError(f"mpm:uncertainty {declared.method.value} needs a file")
    if declared.method is IntervalMethod.TABLE:
        return _TableEstimator(*read_interval_table(folder, declared.file))
    if declared.level is None:
        raise ModelError("mpm:uncertainty ensemble needs a level")
    members = read_skops(folder, declared.file, model.trusted, exactly=False)
    if not isinstance(members, list) or len(members) < 2:
        raise ModelError(f"{declared.file.name}: is no list of at least two fitted pipelines")
    return _EnsembleEstimator(model, members, declared.file.name, float(declared.level))


class _HalfWidthEstimator:
    def __init__(self, width: float) -> None:
        self._width = width

    def estimate(self, _: IntervalFloats, margin: float) -> tuple[float, float]:
        return logistic(margin - self._width), logistic(margin + self._width)


class _TableEstimator:
    def __init__(self, margin: IntervalFloats, low: IntervalFloats, high: IntervalFloats) -> None:
        self._margin, self._low, self._high = margin, low, high

    def estimate(self, _: IntervalFloats, margin: float) -> tuple[float, float]:
        place = max(0, int(np.searchsorted(self._margin, margin, side="right")) - 1)
        own = logistic(margin)
        return min(own, float(self._low[place])), max(own, float(self._high[place]))


class _EnsembleEstimator:
    def __init__(self, model: TrainedModel, members: list[object], name: str, level: float) -> None:
        self._members = [require_classifier(member, model, name) for member in members]
        self._slope, self._intercept = float(model.slope), float(model.intercept)
        self._shares = ((1 - level) / 2, (1 + level) / 2)

    def estimate(self, rows: IntervalFloats, margin: float) -> tuple[float, float]:
        margins = [self._slope * float(each.margins(rows)[0]) + self._intercept for each in self._members]
        low, high = np.quantile(margins, self._shares)
        return logistic(min(margin, float(low))), logistic(max(margin, float(high)))


Floats = NDArray[np.float64]

MAX_RESIDUAL = 1e-6
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
        rows = None if model.rows is None else read_background(folder, model.rows, names)
        pipeline: Any = read_skops(folder, model.artefact, model.trusted)
        # Knows the compiled libraries that are loaded by now: on a row, more threads than one cost ten times the time.
        self._threads = ThreadpoolController()
        self._classifier: Classifier = require_classifier(pipeline, model, model.artefact.name)
        # What is always there for a patient may still be missing in the background.
        gaps = [] if rows is None else np.flatnonzero(np.isnan(rows).any(axis=0)).tolist()
        missing = {model.features[gap].slot for gap in gaps}
        starts, tried = probe_rows(model, required - missing)
        try:
            self._column_slots = column_slots(model, self._classifier.transform, starts, tried)
            self._explain = build_explainer(
                model.explainer,
                self._classifier.estimator,
                None if rows is None else self._classifier.transform(rows),
            )
            self._interval_estimator: IntervalEstimator | None = interval_estimator(model, folder)
            self._check_additivity(starts if rows is None else np.vstack([starts, rows]))
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
            interval = None if self._interval_estimator is None else self._interval_estimator.estimate(rows, margin)
        scale = self._slope * self._classifier.sign
        by_slot = dict.fromkeys(self._model.slots, 0.0)
        for slot, value in zip(self._column_slots, values[0], strict=True):
            if slot is not None:
                by_slot[slot] += scale * float(value)
        base = scale * base + self._intercept
        residual = margin - base - sum(by_slot.values())
        if not abs(residual) <= MAX_RESIDUAL:
            raise ModelError(
                f"its SHAP values miss its log-odds by more than {MAX_RESIDUAL:g}: they explain another number"
            )
        return Prediction(logistic(margin), margin, base, by_slot, residual, interval)

    def probabilities(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """The calibrated probabilities of many rows at once, unexplained."""
        with self._lock, self._threads.limit(limits=1):
            return [logistic(float(margin)) for margin in self._margins(np.array(rows, dtype=np.float64))]

    def _margins(self, rows: Floats) -> Floats:
        return self._slope * self._classifier.margins(rows) + self._intercept

    def _check_additivity(self, rows: Floats) -> None:
        """That the explanation adds up, on complete rows and on rows with values missing."""
        missing = rows.copy()
        optional = np.isnan(rows).any(axis=0)
        missing[:, optional] = np.where(np.arange(len(rows))[:, None] % 2, np.nan, missing[:, optional])
        rows = np.vstack([rows, missing])
        self._classifier.check(rows)
        base, values = self._explain(self._classifier.transform(rows))
        misses = np.abs(self._classifier.margins(rows) - self._classifier.sign * (base + values.sum(axis=1)))
        if not misses.max() <= MAX_RESIDUAL:
            kind = self._model.explainer.value
            raise ModelError(
                f"mpm:explainer {kind} is not additive for this model: it misses by up to {misses.max():.1g}"
            )


_models_lock = threading.Lock()
_models: dict[tuple[Path, str], LoadedModel | ModelError] = {}


def load_model(description: Description) -> LoadedModel:
    """The model of a description, read from its files once; a fault is kept too, until the server starts again.

    Raises ModelError where it cannot be loaded.
    """
    if description.model is None:
        raise ModelError("the description has no mpm:model")
    key = (description.folder.resolve(), description.digest)
    with _models_lock:
        known = _models.get(key)
        if known is None:
            required = frozenset(slot.name for slot in description.slots if slot.required)
            try:
                known = LoadedModel(description.model, description.folder, required)
            except ModelError as fault:
                known = fault
            _models[key] = known
    if isinstance(known, ModelError):
        raise known
    return known

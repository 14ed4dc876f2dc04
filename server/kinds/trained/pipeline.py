"""A fitted scikit-learn pipeline, taken apart: what prepares the columns, and what decides."""

from dataclasses import dataclass
from math import exp
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline

from server.catalog.trained import TrainedModel
from server.kinds.trained.faults import ModelError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Classifier:
    """``estimator`` decides on the columns that ``transform`` makes; ``sign`` is -1 where it is for the other class."""

    pipeline: Any
    estimator: Any
    sign: float

    def transform(self, rows: Floats) -> Floats:
        """The columns that the estimator is given."""
        if self.pipeline is self.estimator or len(self.pipeline) == 1:
            return rows
        made = self.pipeline[:-1].transform(rows)
        return np.asarray(made.toarray() if hasattr(made, "toarray") else made, dtype=np.float64)

    def margins(self, rows: Floats) -> Floats:
        """Log-odds of the positive class, before calibration."""
        return self.sign * np.asarray(self.pipeline.decision_function(rows), dtype=np.float64)

    def check(self, rows: Floats) -> None:
        """ModelError unless the probabilities are the logistic function of the margins."""
        given = np.asarray(self.pipeline.predict_proba(rows))[:, 1 if self.sign > 0 else 0]
        if any(abs(logistic(float(m)) - p) > 1e-9 for m, p in zip(self.margins(rows), given.tolist(), strict=True)):
            raise ModelError("its probabilities are not the logistic function of its decision function")


def classifier(pipeline: Any, model: TrainedModel, name: str) -> Classifier:
    """The pipeline, if it is a binary classifier on the log-odds scale that takes the features; else ModelError."""
    estimator = pipeline[-1] if isinstance(pipeline, Pipeline) else pipeline
    if not is_classifier(estimator) or not hasattr(estimator, "decision_function"):
        raise ModelError(f"{name}: its last step is no classifier with a decision function")
    classes = np.asarray(estimator.classes_).tolist()
    if len(classes) != 2 or not any(_same(each, model.positive) for each in classes):
        raise ModelError(f"{name}: has not two classes of which mpm:positiveClass is one")
    if pipeline.n_features_in_ != len(model.features):
        raise ModelError(f"{name}: takes {pipeline.n_features_in_} columns, and mpm:features has {len(model.features)}")
    return Classifier(pipeline, estimator, 1.0 if _same(classes[1], model.positive) else -1.0)


def _same(found: object, named: object) -> bool:
    return isinstance(found, bool) is isinstance(named, bool) and found == named


def logistic(margin: float) -> float:
    """The probability of log-odds."""
    return 1 / (1 + exp(-margin)) if margin >= 0 else exp(margin) / (1 + exp(margin))

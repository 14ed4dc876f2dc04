"""SHAP values on the scale of a classifier's decision function."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import shap
from numpy.typing import NDArray

from server.catalog.trained import Explainer
from server.kinds.trained.faults import ModelError

Floats: TypeAlias = NDArray[np.float64]
Explain: TypeAlias = Callable[[Floats], tuple[float, Floats]]
"""Rows → the base, and a value for each column of each row."""


def explainer(kind: Explainer, estimator: Any, background: Floats | None) -> Explain:
    """The explainer that the description declares; ModelError where it does not fit the estimator or lacks its rows."""
    name = type(estimator).__name__
    linear = hasattr(estimator, "coef_")
    if linear != (kind is Explainer.LINEAR):
        raise ModelError(f"mpm:explainer {kind.value} does not fit the last step of the pipeline, a {name}")
    if kind is Explainer.TREE_INTERVENTIONAL and hasattr(estimator, "_predictors"):
        # A value at a threshold, as decimals often are, falls on one side here and on the other there.
        text = "it knows thresholds to single precision only, and its values would not always add up"
        raise ModelError(f"mpm:explainer {kind.value} cannot explain a {name}: {text}; use tree-path-dependent")
    if kind is not Explainer.TREE_PATH_DEPENDENT and background is None:
        raise ModelError(f"mpm:explainer {kind.value} needs the rows of a background (mpm:file of mpm:background)")
    try:
        if kind is Explainer.LINEAR:
            assert background is not None  # noqa: S101 - seen above
            made = shap.LinearExplainer(estimator, shap.maskers.Independent(background, max_samples=len(background)))
        elif kind is Explainer.TREE_PATH_DEPENDENT:
            made = shap.TreeExplainer(estimator, feature_perturbation="tree_path_dependent")
        else:
            made = shap.TreeExplainer(estimator, data=background, feature_perturbation="interventional")
    except (shap.utils._exceptions.InvalidModelError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"mpm:explainer {kind.value} cannot explain a {name} ({type(error).__name__})") from error
    base = float(np.ravel(made.expected_value)[-1])
    # A tree explainer's own check raises, and knows nothing of missing values; ours is made at each execution.
    further = {} if kind is Explainer.LINEAR else {"check_additivity": False}

    def explain(rows: Floats) -> tuple[float, Floats]:
        values = np.asarray(made.shap_values(rows, **further), dtype=np.float64)
        if values.shape != rows.shape:
            raise ModelError(f"mpm:explainer {kind.value} does not give one value for each column of a {name}")
        return base, values

    return explain

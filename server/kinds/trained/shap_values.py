"""SHAP values on the scale of a classifier's decision function, and the slot that each column is attributed to.

The steps before the last of a pipeline may impute, scale, bend and multiply columns; nothing in them names the input
reliably.  So each input is changed by itself, from several starting rows, over what it had in training, beyond, and to
"not measured", and it is observed which columns change.  A column that two inputs change can be attributed to neither.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import shap
from numpy.typing import NDArray

from server.catalog.trained_model import Explainer, Feature, TrainedModel
from server.errors import ModelError

Rows = NDArray[np.float64]


def probe_rows(model: TrainedModel, required: frozenset[str]) -> tuple[Rows, list[list[float]]]:
    """Starting rows, and for each feature the values to try; what is ``required`` is never missing."""
    tried = [_probe_values(feature, feature.slot in required) for feature in model.features]
    steps = max(map(len, tried))
    starts = [[values[min(step, len(values) - 1)] for values in tried] for step in range(steps)]
    return np.array(starts, dtype=np.float64), tried


def _probe_values(feature: Feature, required: bool) -> list[float]:
    if feature.indicator:
        return [0.0, 1.0]
    if feature.quantiles:
        numbers = list(map(float, feature.quantiles))
        spread = (numbers[-1] - numbers[0]) or 1.0
        # Between the quantiles as well: a column may be a part of a curve that is 0 at each of them.
        between = np.linspace(numbers[0], numbers[-1], 19).tolist()[1:-1]
        numbers = [*numbers, numbers[0] - spread, numbers[-1] + spread, *between]
    else:
        numbers = sorted({float(number) for _, number in feature.encodes}) or [0.0, 1.0]
    return numbers if required else [*numbers, float("nan")]


def column_slots(
    model: TrainedModel, transform: Callable[[Rows], Rows], starts: Rows, probe_values: Sequence[Sequence[float]]
) -> list[str | None]:
    """The slot that each column follows from; None for a column that nothing moves.

    Raises ModelError where a column follows from features of two slots.
    """
    before = transform(starts)
    moved: list[set[str]] = [set() for _ in range(before.shape[1])]
    for place, feature in enumerate(model.features):
        for value in probe_values[place]:
            rows = starts.copy()
            rows[:, place] = value
            after = transform(rows)
            differs = ~((after == before) | (np.isnan(after) & np.isnan(before)))
            for column in np.flatnonzero(differs.any(axis=0)):
                moved[int(column)].add(feature.slot)
    for number, slots in enumerate(moved):
        if len(slots) > 1:
            names = " and ".join(sorted(slots))
            raise ModelError(f"column {number} of the last step follows from {names}: it can be laid to neither")
    return [next(iter(slots), None) for slots in moved]


Floats: TypeAlias = NDArray[np.float64]
ShapFunction: TypeAlias = Callable[[Floats], tuple[float, Floats]]
"""Rows → the base, and a value for each column of each row."""


def build_explainer(kind: Explainer, estimator: Any, background: Floats | None) -> ShapFunction:
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

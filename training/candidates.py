"""The two candidates: a regularised logistic model with splines, and gradient boosting; tuned on training rows only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import SplineTransformer

from training.directed import directed, holds, steps

Floats = NDArray[np.float64]
KNOTS = (1, 25, 50, 75, 99)
PENALTIES = (0.03, 0.3, 3.0)
TREES = ((60, 6), (120, 12), (240, 12))
SEED = 20260101


@dataclass(frozen=True)
class Column:
    """One input: ``kind`` is number, flag or code; ``rises`` is the known clinical direction of risk, 1 or -1, else 0.

    ``indicator``: missingness is a column of its own in the logistic model.  ``absent``: the imputation of a flag or
    code that is not recorded, "mean" (of the training data) or "zero" (one of several groups, of which each person is
    in one).  ``decimals``: rounding of the knots; ``slot``: its slot, where that has another name; ``recorded_to``: the
    data record higher values as this one.
    """

    name: str
    kind: str = "number"
    rises: int = 0
    indicator: bool = False
    decimals: int = 1
    absent: str = "mean"
    slot: str = ""
    recorded_to: float | None = None


def knots(columns: Sequence[Column], rows: Floats) -> list[list[float]]:
    """The five knots of each numeric column: quantiles of its training values, between which its curve is linear."""
    found = []
    for place, column in enumerate(columns):
        if column.kind == "number":
            values = np.nanpercentile(rows[:, place], KNOTS).round(column.decimals)
            for after in range(1, len(values)):
                values[after] = max(values[after], values[after - 1] + 10.0**-column.decimals)
            found.append(values.round(column.decimals).tolist())
    return found


def logistic(columns: Sequence[Column], rows: Floats, happened: Any, penalty: float) -> Pipeline:
    """Fits the logistic model: a linear spline for each number, constant beyond the outer knots; the rest unchanged.

    Declared directions are enforced, as in the other candidate.
    """
    numbers = [place for place, column in enumerate(columns) if column.kind == "number"]
    gaps = [place for place, column in enumerate(columns) if column.indicator]
    curve = SplineTransformer(
        degree=1, knots=np.array(knots(columns, rows)).T, extrapolation="constant", include_bias=False
    )
    parts: list[Any] = [("curves", Pipeline([("fill", SimpleImputer(strategy="median")), ("curve", curve)]), numbers)]
    parts += _others(columns)
    if gaps:
        parts.append(("unknown", MissingIndicator(features="all"), gaps))
    fit = LogisticRegression(C=penalty, solver="newton-cholesky", max_iter=200, tol=1e-8)
    model = Pipeline([("columns", ColumnTransformer(parts)), ("fit", fit)]).fit(rows, happened)
    _direct(model, columns, rows, happened, penalty)
    # Rounded, so that the digest does not depend on the last digits of a machine's linear algebra.
    model[-1].coef_, model[-1].intercept_ = model[-1].coef_.round(4), model[-1].intercept_.round(4)
    return model


def _direct(model: Pipeline, columns: Sequence[Column], rows: Floats, happened: Any, penalty: float) -> None:
    """Refits the model with the directions that its columns declare, where it violates them."""
    parts, fit = model[0].output_indices_, model[-1]
    size = (parts["curves"].stop - parts["curves"].start) // sum(column.kind == "number" for column in columns)
    curves: list[tuple[slice, int]] = []
    flags: list[tuple[int, int]] = []
    others = {"mean": 0, "zero": 0}
    for column in columns:
        if column.kind == "number":
            start = size * len(curves)
            curves.append((slice(start, start + size), column.rises))
        else:
            flags.append((parts[column.absent].start + others[column.absent], column.rises))
            others[column.absent] += 1
    matrix, least = steps(fit.coef_.size, [c for c in curves if c[1]], [f for f in flags if f[1]])
    if not holds(fit.coef_[0], matrix, least):
        weights, begin = directed(model[0].transform(rows), happened, penalty, matrix, least)
        fit.coef_, fit.intercept_ = weights[None, :], np.array([begin])


def _others(columns: Sequence[Column]) -> list[Any]:
    """The imputers of flags and codes that are not recorded, for a ColumnTransformer."""
    parts: list[Any] = []
    for absent, fill in (
        ("mean", SimpleImputer(strategy="mean")),
        ("zero", SimpleImputer(strategy="constant", fill_value=0.0)),
    ):
        places = [p for p, column in enumerate(columns) if column.kind != "number" and column.absent == absent]
        if places:
            parts.append((absent, fill, places))
    return parts


def boosted(columns: Sequence[Column], rows: Floats, happened: Any, size: tuple[int, int]) -> Any:
    """Fits boosted trees, monotonic where a direction is declared; missing values are split separately."""
    numbers = [place for place, column in enumerate(columns) if column.kind == "number"]
    parts = [("numbers", "passthrough", numbers), *_others(columns)]
    order = [place for _, _, places in parts for place in places]
    trees = HistGradientBoostingClassifier(
        max_iter=size[0], max_leaf_nodes=size[1], learning_rate=0.06, min_samples_leaf=20, l2_regularization=1.0,
        monotonic_cst=[columns[place].rises for place in order], early_stopping=False, random_state=SEED,
    )  # fmt: skip
    return Pipeline([("columns", ColumnTransformer(parts)), ("fit", trees)]).fit(rows, happened)


FAMILIES: dict[str, tuple[Any, Any]] = {"logistic": (logistic, PENALTIES), "gradient boosting": (boosted, TREES)}


def tuned(family: str, columns: Sequence[Column], rows: Floats, happened: Any, seed: int) -> tuple[Any, Any]:
    """The setting with the least log loss in three inner folds, and the model fitted with it to all rows."""
    make, settings = FAMILIES[family]
    losses = np.zeros(len(settings))
    for fitted, held in StratifiedKFold(3, shuffle=True, random_state=seed).split(rows, happened):
        for place, setting in enumerate(settings):
            chance = make(columns, rows[fitted], happened[fitted], setting).predict_proba(rows[held])[:, 1]
            chance = np.clip(chance, 1e-9, 1 - 1e-9)
            losses[place] -= np.log(np.where(happened[held] == 1, chance, 1 - chance)).sum()
    best = settings[int(losses.argmin())]
    return best, make(columns, rows, happened, best)


def held_out(columns: Sequence[Column], rows: Floats, happened: Any, repeats: int, folds: int) -> dict[str, Floats]:
    """Log-odds by family (repeats × people, same folds), by models neither fitted nor tuned to the person."""
    margins = {family: np.zeros((repeats, len(rows))) for family in FAMILIES}
    for repeat in range(repeats):
        split = StratifiedKFold(folds, shuffle=True, random_state=SEED + repeat)
        for fitted, held in split.split(rows, happened):
            for family in FAMILIES:
                _, model = tuned(family, columns, rows[fitted], happened[fitted], SEED + repeat)
                margins[family][repeat, held] = model.decision_function(rows[held])
    return margins

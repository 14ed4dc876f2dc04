"""Fits that go the way that medicine knows: the least loss among those that do, and the free fit where that does."""

from itertools import product

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from training.candidates import Column, logistic
from training.directed import directed, holds, steps

CURVE = slice(0, 3)


def problem(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    design = np.column_stack([rng.random((120, 3)), rng.integers(0, 2, 120)])
    return design, (rng.random(120) < 0.3).astype(int)


def loss(weights: np.ndarray, design: np.ndarray, happened: np.ndarray, penalty: float) -> float:
    margin = design @ weights[:-1] + weights[-1]
    return float(penalty * (np.logaddexp(0, margin) - happened * margin).sum() + (weights[:-1] ** 2).sum() / 2)


@pytest.mark.parametrize(("seed", "way", "sign"), list(product(range(4), (1, -1), (1, -1))))
def test_no_fit_that_goes_the_right_way_has_less_loss(seed: int, way: int, sign: int) -> None:
    design, happened = problem(seed)
    matrix, least = steps(4, [(CURVE, way)], [(3, sign)])
    weights, begin = directed(design, happened, 2.0, matrix, least)
    points = [*weights[:3], 0]
    assert points == sorted(points, reverse=way < 0) and weights[3] * sign >= 0
    assert holds(weights, matrix, least)
    ways = [
        {"type": "ineq", "fun": lambda w: way * (w[1] - w[0])},
        {"type": "ineq", "fun": lambda w: way * (w[2] - w[1])},
        {"type": "ineq", "fun": lambda w: -way * w[2]},
        {"type": "ineq", "fun": lambda w: sign * w[3]},
    ]
    other = minimize(
        loss, np.zeros(5), (design, happened, 2.0), method="SLSQP", constraints=ways, options={"ftol": 1e-12}
    )
    found = np.append(weights, begin)
    assert loss(found, design, happened, 2.0) <= other.fun + 1e-9
    assert abs(found - other.x).max() < 1e-3


def test_where_nothing_is_directed_it_is_the_free_fit() -> None:
    design, happened = problem(7)
    weights, begin = directed(design, happened, 2.0, *steps(4, [], []))
    free = LogisticRegression(C=2.0, solver="newton-cholesky", tol=1e-10).fit(design, happened)
    assert abs(weights - free.coef_[0]).max() < 1e-6 and abs(begin - free.intercept_[0]) < 1e-6


@pytest.mark.parametrize("rises", [1, -1, 0])
def test_the_logistic_candidate_keeps_its_directions(rises: int) -> None:
    rng = np.random.default_rng(3)
    dose = rng.random(400) * 100
    # Highest in the middle: neither rising nor falling.
    happened = (rng.random(400) < 0.1 + 0.5 * np.exp(-(((dose - 50) / 15) ** 2))).astype(int)
    flag = ((rng.random(400) < 0.3) & (happened == 0)).astype(float)
    columns = (Column("other", "flag"), Column("dose", rises=rises, decimals=0), Column("flag", "flag", rises=rises))
    rows = np.column_stack([np.ones(400), dose, flag])
    rows[::7, 1] = np.nan
    model = logistic(columns, rows, happened, 3.0)
    at = np.column_stack([np.ones(300), np.linspace(-50, 150, 300), np.zeros(300)])
    change = np.diff(model.decision_function(at))
    flagged = model.decision_function([[1, 50, 1]]) - model.decision_function([[1, 50, 0]])
    if rises:
        assert (change * rises >= -1e-9).all() and flagged[0] * rises >= 0
    else:
        assert change.min() < -1e-3 and change.max() > 1e-3 and flagged[0] < -0.5

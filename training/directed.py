"""A logistic model constrained to known clinical directions, where the unconstrained fit violates them.

A curve that must rise has non-decreasing weights at its knots, and the weight of a flag has a sign.  Among all weights
within these constraints, those with the least penalised loss are found: the loss of the unconstrained fit.  It is
convex, so the solution is unique; an unconstrained fit that meets the constraints is kept.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ROUNDS = 60


def steps(size: int, curves: Sequence[tuple[slice, int]], flags: Sequence[tuple[int, int]]) -> tuple[Floats, Floats]:
    """The matrix of ``weights = matrix @ steps``, and the lower bound of each step (0 or -inf).

    ``curves``: the columns of a curve and 1 or -1 for rising or falling; its last knot has no column and is 0.
    ``flags``: the column of a flag and 1 or -1.
    """
    matrix, least = np.eye(size), np.full(size, -np.inf)
    for where, way in curves:
        count = where.stop - where.start
        matrix[where, where] = -way * np.triu(np.ones((count, count)))
        least[where] = 0
    for place, way in flags:
        matrix[place, place], least[place] = way, 0
    return matrix, least


def holds(weights: Floats, matrix: Floats, least: Floats) -> bool:
    """Whether weights meet the constraints."""
    return bool((np.linalg.solve(matrix, weights) >= least - 1e-9).all())


def directed(design: Floats, happened: Any, penalty: float, matrix: Floats, least: Floats) -> tuple[Floats, float]:
    """Weights and intercept of the constrained fit, by bounded Newton steps.  Raises ValueError without convergence."""
    wide = np.column_stack([design @ matrix, np.ones(len(design))])
    shrink = np.zeros((wide.shape[1], wide.shape[1]))
    shrink[:-1, :-1] = matrix.T @ matrix
    bound = np.append(least, -np.inf) == 0
    share = float(np.mean(happened))
    at = np.zeros(wide.shape[1])
    at[-1] = np.log(share / (1 - share))

    def loss(point: Floats) -> float:
        margin = wide @ point
        return float(penalty * (np.logaddexp(0, margin) - happened * margin).sum() + point @ shrink @ point / 2)

    for _ in range(ROUNDS):
        chance = 1 / (1 + np.exp(-(wide @ at)))
        slope = penalty * wide.T @ (chance - happened) + shrink @ at
        bend = penalty * (wide * (chance * (1 - chance))[:, None]).T @ wide + shrink
        move = lowest(bend, bend @ at - slope, bound) - at
        while loss(at + move) > loss(at) + 1e-12 * abs(loss(at)) and abs(move).max() > 1e-12:
            move = move / 2
        at = at + move
        if abs(move).max() < 1e-9:
            return matrix @ at[:-1], float(at[-1])
    raise ValueError("the constrained fit did not converge")


def lowest(bend: Floats, pull: Floats, bound: NDArray[np.bool_]) -> Floats:
    """The minimum of ``x @ bend @ x / 2 - pull @ x`` with x ≥ 0 where ``bound`` (Lawson and Hanson).

    Raises ValueError without convergence.
    """
    inside, found = ~bound, np.zeros(len(pull))
    for _ in range(10 * len(pull)):
        while True:
            goal = np.zeros(len(pull))
            goal[inside] = np.linalg.solve(bend[np.ix_(inside, inside)], pull[inside])
            out = inside & bound & (goal <= 0)
            if not out.any():
                break
            # Move to the first bound that is reached, and fix it.
            part = (found[out] / (found[out] - goal[out])).min()
            found = found + part * (goal - found)
            inside &= ~(bound & (found <= 1e-13))
            found[~inside] = 0
        found = goal
        gain = np.where(inside, -np.inf, pull - bend @ found)
        if gain.max() <= 1e-9:
            return found
        inside[gain.argmax()] = True
    raise ValueError("the constrained fit did not converge")

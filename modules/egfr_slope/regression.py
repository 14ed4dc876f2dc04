"""Simple linear regression with the confidence interval of its slope, and the exact t quantile behind it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

LEVEL = Decimal("0.95")


@dataclass(frozen=True, slots=True)
class Line:
    """A fitted slope, its confidence limits at LEVEL, and the t quantile used for them."""

    slope: float
    low: float
    high: float
    t: float


def fit(xs: Sequence[float], ys: Sequence[float]) -> Line:
    """Least squares of ``ys`` on ``xs``: at least three points, and not all ``xs`` equal (else ZeroDivisionError).

    ``math.fsum`` keeps the sums exact, so that the result does not depend on the order of the points.
    """
    count = len(xs)
    mean_x, mean_y = math.fsum(xs) / count, math.fsum(ys) / count
    spread = math.fsum((x - mean_x) ** 2 for x in xs)
    slope = math.fsum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / spread
    residual = math.fsum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in zip(xs, ys, strict=True))
    error = math.sqrt(residual / (count - 2) / spread)
    t = t_quantile(count - 2, float(LEVEL))
    return Line(slope, slope - t * error, slope + t * error, t)


def t_quantile(freedom: int, level: float) -> float:
    """The two-sided quantile of Student's t with ``freedom`` degrees of freedom at probability ``level``.

    By bisection of the angle in the closed form for whole degrees of freedom (Abramowitz and Stegun, Handbook of
    Mathematical Functions, 26.7.3 and 26.7.4); sixty halvings exhaust a double.
    """
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        if t_probability(middle, freedom) < level:
            low = middle
        else:
            high = middle
    return math.tan(low) * math.sqrt(freedom)


def t_probability(angle: float, freedom: int) -> float:
    """The two-sided probability within t = sqrt(freedom) × tan(angle)."""
    cosine = math.cos(angle)
    odd = freedom % 2 == 1
    term = cosine if odd else 1.0
    total = 0.0
    for step in range(freedom // 2):
        if step:
            k = 2 * step
            term *= cosine * cosine * (k / (k + 1) if odd else (k - 1) / k)
        total += term
    total *= math.sin(angle)
    return 2 / math.pi * (angle + total) if odd else total

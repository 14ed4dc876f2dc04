"""Performance of held-out predictions, with intervals by bootstrap over people."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SAMPLES, LEVEL, SEED = 400, 0.95, 20260102


def auroc(happened: Any, margin: Any) -> float:
    """The probability that a person with the event has the higher prediction; ties count half."""
    _, place, counts = np.unique(margin, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    rank = (ends - (counts - 1) / 2)[place]
    events = happened.sum()
    return float((rank[happened == 1].sum() - events * (events + 1) / 2) / (events * (len(happened) - events)))


def auprc(happened: Any, margin: Any) -> float:
    """Average precision."""
    order = np.argsort(-margin, kind="stable")
    hits = np.cumsum(happened[order])
    return float((hits / np.arange(1, len(hits) + 1))[happened[order] == 1].mean())


def brier(happened: Any, margin: Any) -> float:
    """Mean squared difference of probability and outcome."""
    return float(np.mean((_chance(margin) - happened) ** 2))


def slope(happened: Any, margin: Any) -> float:
    """Calibration slope of the outcome on the predicted log-odds: 1 is calibrated, less is too extreme."""
    return line(happened, margin)[1]


def line(happened: Any, margin: Any) -> tuple[float, float]:
    """Intercept and slope of a logistic regression of the outcome on the predicted log-odds."""
    weights = np.zeros(2)
    design = np.column_stack([np.ones_like(margin), margin])
    for _ in range(25):
        chance = _chance(design @ weights)
        step = np.linalg.solve(
            (design * (chance * (1 - chance))[:, None]).T @ design + 1e-9 * np.eye(2), design.T @ (happened - chance)
        )
        weights = weights + step
        if abs(step).max() < 1e-8:
            break
    return float(weights[0]), float(weights[1])


def recalibrated(happened: Any, margins: Floats) -> tuple[Floats, tuple[float, float]]:
    """Held-out log-odds after Platt scaling, each fitted without the person's fifth; and the (intercept, slope) of the
    scaling fitted to all.
    """
    part = np.random.default_rng(SEED).integers(0, 5, len(happened))
    scaled = np.empty_like(margins)
    for place in range(5):
        kept, held = part != place, part == place
        begin, rise = line(np.tile(happened[kept], len(margins)), margins[:, kept].ravel())
        scaled[:, held] = begin + rise * margins[:, held]
    return scaled, line(np.tile(happened, len(margins)), margins.ravel())


def intercept(happened: Any, margin: Any) -> float:
    """Calibration in the large, in log-odds: 0 is calibrated, positive means that predictions are too low."""
    shift = 0.0
    for _ in range(25):
        chance = _chance(margin + shift)
        step = float((happened - chance).sum() / (chance * (1 - chance)).sum())
        shift += step
        if abs(step) < 1e-9:
            break
    return shift


def net_benefit(threshold: float) -> Callable[[Any, Any], float]:
    """The measure of net benefit at a threshold, in true positives per person."""

    def measure(happened: Any, margin: Any) -> float:
        acted = _chance(margin) >= threshold
        wrong = (acted & (happened == 0)).mean() * threshold / (1 - threshold)
        return float((acted & (happened == 1)).mean() - wrong)

    return measure


MEASURES: Mapping[str, Callable[[Any, Any], float]] = {
    "auroc": auroc, "auprc": auprc, "brier": brier, "calibration-slope": slope, "calibration-intercept": intercept,
}  # fmt: skip


def measured(
    happened: Any, margins: Floats, measures: Mapping[str, Callable[[Any, Any], float]]
) -> dict[str, tuple[float, float, float]]:
    """Each measure by name: its mean over the repeats, and the low and high end of its bootstrap interval."""
    rng = np.random.default_rng(SEED)
    draws = [rng.integers(0, len(happened), len(happened)) for _ in range(SAMPLES)]
    found = {}
    for name, measure in measures.items():
        value = float(np.mean([measure(happened, row) for row in margins]))
        spread = [
            np.mean([measure(happened[draw], row[draw]) for row in margins])
            for draw in draws
            if 0 < happened[draw].sum() < len(draw)
        ]
        low, high = np.quantile(spread, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        found[name] = (value, float(low), float(high))
    return found


def difference(happened: Any, first: Floats, second: Floats, name: str) -> tuple[float, float, float]:
    """The second candidate's measure minus the first's, and the ends of its paired bootstrap interval."""
    rng = np.random.default_rng(SEED)
    measure = MEASURES[name]

    def by(draw: Any) -> float:
        pairs = zip(first, second, strict=True)
        return float(np.mean([measure(happened[draw], b[draw]) - measure(happened[draw], a[draw]) for a, b in pairs]))

    every = np.arange(len(happened))
    spread = [by(rng.integers(0, len(every), len(every))) for _ in range(SAMPLES)]
    low, high = np.quantile(spread, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return by(every), float(low), float(high)


def shares(happened: Any, margins: Floats, groups: int, z: float = 1.6449) -> dict[str, Sequence[float]]:
    """By groups of similar held-out predictions: the lowest log-odds, and Wilson's 90 % interval of the event share.

    Both ends are pooled, so that a higher prediction never has a lower interval.
    """
    margin, outcome = margins.ravel(), np.tile(happened, len(margins))
    parts = np.array_split(np.argsort(margin, kind="stable"), groups)
    table: dict[str, list[float]] = {"margin": [], "low": [], "high": []}
    for part in parts:
        people, share = len(part) / len(margins), float(outcome[part].mean())
        middle = (share + z * z / (2 * people)) / (1 + z * z / people)
        half = z / (1 + z * z / people) * np.sqrt(share * (1 - share) / people + z * z / (4 * people**2))
        table["margin"].append(round(float(margin[part].min()), 4))
        table["low"].append(round(float(max(0, middle - half)), 4))
        table["high"].append(round(float(min(1, middle + half)), 4))
    return {**table, "low": monotone(table["low"]), "high": monotone(table["high"])}


def monotone(ends: Sequence[float]) -> list[float]:
    """The ends, of groups of equal size, with those that fall replaced by their mean, until none falls.

    Isotonic regression by pooling adjacent violators.  Pooled ends keep the width that one group alone gives: more
    people would make it narrower, which is not claimed.  Ends that never fall are returned as they are.
    """
    pools: list[tuple[float, int]] = []
    for end in ends:
        total, count = end, 1
        while pools and pools[-1][0] * count > total * pools[-1][1]:
            before, more = pools.pop()
            total, count = total + before, count + more
        pools.append((total, count))
    return [round(total / count, 4) for total, count in pools for _ in range(count)]


def _chance(margin: Any) -> Any:
    return 1 / (1 + np.exp(-margin))

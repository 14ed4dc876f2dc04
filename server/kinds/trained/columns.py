"""From which input each column follows that the last step of a pipeline is given.

The steps before it may impute, scale, bend and multiply columns; nothing in them names the input reliably.  So each
input is changed by itself, from several starting rows, over what it had in training, beyond, and to "not measured",
and it is seen which columns move.  A column that two inputs move cannot be laid to either.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from server.catalog.trained import Feature, TrainedModel
from server.kinds.trained.faults import ModelError

Floats = NDArray[np.float64]


def probes(model: TrainedModel, required: frozenset[str]) -> tuple[Floats, list[list[float]]]:
    """Starting rows, and for each feature the values to try; what is ``required`` is never missing."""
    tried = [_tried(feature, feature.slot in required) for feature in model.features]
    steps = max(map(len, tried))
    starts = [[values[min(step, len(values) - 1)] for values in tried] for step in range(steps)]
    return np.array(starts, dtype=np.float64), tried


def _tried(feature: Feature, required: bool) -> list[float]:
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


def owners(
    model: TrainedModel, transform: Callable[[Floats], Floats], starts: Floats, tried: Sequence[Sequence[float]]
) -> list[str | None]:
    """The slot that each column follows from; None for a column that nothing moves.

    Raises ModelError where a column follows from features of two slots.
    """
    before = transform(starts)
    moved: list[set[str]] = [set() for _ in range(before.shape[1])]
    for place, feature in enumerate(model.features):
        for value in tried[place]:
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

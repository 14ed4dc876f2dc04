"""The interval of a prediction, as its description declares it."""

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from server.catalog.trained import Method, TrainedModel
from server.kinds.trained.faults import ModelError
from server.kinds.trained.files import read_skops, read_table
from server.kinds.trained.pipeline import classifier, logistic

Floats = NDArray[np.float64]


class Intervals(Protocol):
    """Between which probabilities a result lies."""

    def of(self, rows: Floats, margin: float) -> tuple[float, float]:
        """The ends for one row, whose calibrated log-odds are ``margin``."""


def intervals(model: TrainedModel, folder: Path) -> Intervals | None:
    """What the description declares, or None.  Raises ModelError."""
    declared = model.uncertainty
    if declared is None:
        return None
    if declared.method is Method.HALF_WIDTH and declared.half_width is not None:
        return _HalfWidth(float(declared.half_width))
    if declared.file is None:
        raise ModelError(f"mpm:uncertainty {declared.method.value} needs a file")
    if declared.method is Method.TABLE:
        return _Table(*read_table(folder, declared.file))
    if declared.level is None:
        raise ModelError("mpm:uncertainty ensemble needs a level")
    members = read_skops(folder, declared.file, model.trusted, exactly=False)
    if not isinstance(members, list) or len(members) < 2:
        raise ModelError(f"{declared.file.name}: is no list of at least two fitted pipelines")
    return _Ensemble(model, members, declared.file.name, float(declared.level))


class _HalfWidth:
    def __init__(self, width: float) -> None:
        self._width = width

    def of(self, _: Floats, margin: float) -> tuple[float, float]:
        return logistic(margin - self._width), logistic(margin + self._width)


class _Table:
    def __init__(self, margin: Floats, low: Floats, high: Floats) -> None:
        self._margin, self._low, self._high = margin, low, high

    def of(self, _: Floats, margin: float) -> tuple[float, float]:
        place = max(0, int(np.searchsorted(self._margin, margin, side="right")) - 1)
        own = logistic(margin)
        return min(own, float(self._low[place])), max(own, float(self._high[place]))


class _Ensemble:
    def __init__(self, model: TrainedModel, members: list[object], name: str, level: float) -> None:
        self._members = [classifier(member, model, name) for member in members]
        self._slope, self._intercept = float(model.slope), float(model.intercept)
        self._shares = ((1 - level) / 2, (1 + level) / 2)

    def of(self, rows: Floats, margin: float) -> tuple[float, float]:
        margins = [self._slope * float(each.margins(rows)[0]) + self._intercept for each in self._members]
        low, high = np.quantile(margins, self._shares)
        return logistic(min(margin, float(low))), logistic(max(margin, float(high)))

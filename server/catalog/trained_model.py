"""A trained model as its description declares it: the files beside it, its features, and how to explain it."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from ontology.values import Coding

PROBABILITIES = tuple(map(Decimal, ("0.001", "0.01", "0.05", "0.5", "0.95", "0.99", "0.999")))
"""Of which shares of the training values ``Feature.quantiles`` are."""

ClassLabel: TypeAlias = int | str | bool


class Explainer(StrEnum):
    """How SHAP values are computed."""

    LINEAR = "linear"
    TREE_PATH_DEPENDENT = "tree-path-dependent"
    TREE_INTERVENTIONAL = "tree-interventional"


class IntervalMethod(StrEnum):
    """How the interval of a result is found.

    ``HALF_WIDTH``: so far to both sides in log-odds.  ``ENSEMBLE``: between the quantiles of the probabilities that
    further fitted pipelines give.  ``TABLE``: as a table by log-odds says.
    """

    HALF_WIDTH = "half-width"
    ENSEMBLE = "ensemble"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file in the folder of the module, and the SHA-256 (hex) of what it holds."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Feature:
    """A column that the pipeline is given.

    ``encodes``: what a code or truth value stands for as a number (empty: numbers as they are, true is 1, false is 0).
    ``indicator``: 1 where the slot is not filled, else 0.  ``quantiles``: of the measured training values, at
    ``PROBABILITIES`` (empty for what is no number).  ``recorded_to``: the training data hold higher values as this
    one.  ``share_missing``: of the training rows.
    """

    name: str
    slot: str
    encodes: tuple[tuple[Coding | bool, Decimal], ...] = ()
    indicator: bool = False
    quantiles: tuple[Decimal, ...] = ()
    share_missing: Decimal | None = None
    recorded_to: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """How the interval of a result is found, in words (``text``) too; ``level`` such as 0.9 where it has one."""

    method: IntervalMethod
    text: str
    level: Decimal | None = None
    half_width: Decimal | None = None
    file: ModelFile | None = None


@dataclass(frozen=True, slots=True)
class CorrelatedSlots:
    """Slots whose contributions are also reported as one group."""

    text: str
    slots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """What is needed to load, run and explain a model, and to qualify what it gives.

    ``background`` says in words what the base of the SHAP values stands for, ``rows`` names its file.  The log-odds of
    the pipeline are multiplied by ``slope``, and ``intercept`` is added.  At least ``least`` of the slots ``among``
    must be filled for a result.
    """

    artefact: ModelFile
    trusted: tuple[str, ...]
    positive: ClassLabel
    explainer: Explainer
    background: str
    rows: ModelFile | None
    features: tuple[Feature, ...]
    calibration: str
    least: int
    among: tuple[str, ...]
    slope: Decimal = Decimal(1)
    intercept: Decimal = Decimal(0)
    uncertainty: Uncertainty | None = None
    correlated: tuple[CorrelatedSlots, ...] = ()
    maturity: str = "demonstration"

    @property
    def slots(self) -> tuple[str, ...]:
        """The slots that columns are filled from, each once, in the order of the columns."""
        return tuple(dict.fromkeys(feature.slot for feature in self.features))

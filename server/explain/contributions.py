"""What is told of the inside of one step: what each input added, and how those of a model stand to its training."""

from dataclasses import dataclass
from decimal import Decimal

from ontology.evaluation import Grouped
from ontology.values import Value


@dataclass(frozen=True, slots=True)
class ContributionView:
    """What one slot added, in points or on the margin scale of a model."""

    slot: str
    value: Value
    amount: Decimal
    text: str


@dataclass(frozen=True, slots=True)
class ContributionsView:
    """Points or SHAP values of one step.  ``residual`` is what output, base and items leave over: of a score the fewest
    points that its open criteria can have, since those are no items.

    ``groups``: what correlated inputs added together; it is in their own items too.
    """

    scale: str
    base: Decimal
    output: Decimal
    residual: Decimal
    background: str
    items: tuple[ContributionView, ...]
    groups: tuple[Grouped, ...] = ()


@dataclass(frozen=True, slots=True)
class StandingView:
    """How the inputs of a model stand to its training data: ``measured`` of ``of``, and what lies outside, in words."""

    measured: int
    of: int
    share_measured: Decimal
    out_of_distribution: bool
    outside: tuple[str, ...]
    calibration: str
    maturity: str

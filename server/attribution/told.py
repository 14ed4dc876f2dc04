"""What an attribution says: who moved the result how much, between which ends, and what stayed."""

from dataclasses import dataclass
from math import fsum

from ontology.concepts import Concept
from ontology.evaluation import Interval
from ontology.resources import Resource
from ontology.values import Value
from server.attribution.sides import Stayed

LOG_ODDS = "LOG_ODDS"
POINTS = "POINTS"
CODE = "CODE"
"""Scales; any other is a unit."""


@dataclass(frozen=True, slots=True)
class Item:
    """One player and what it moved; ``error`` is a standard error, where the amounts were sampled.

    ``before`` and ``after`` are what it was at each end, with the records of both; the evaluation time is told by the
    first result that depends on it (age).  Of a code there is no amount: ``alone`` says that this input by itself
    changes it from the baseline, ``needed`` that it would not have changed to what it is without.  ``usual`` says what
    the value of a reference baseline is (usual, or the median of some training data); None of other baselines.
    """

    concept: Concept
    slot: str | None
    before: Value
    after: Value
    resources_before: tuple[Resource, ...] = ()
    resources: tuple[Resource, ...] = ()
    amount: float = 0.0
    error: float | None = None
    alone: bool = False
    needed: bool = False
    time: bool = False
    assumed: bool = False
    usual: str | None = None


@dataclass(frozen=True, slots=True)
class Together:
    """Correlated inputs, as the description of a model groups them: ``items`` are at least two, each an own player.

    ``amount`` is the sum of theirs; ``error`` its standard error, where the amounts were sampled.
    """

    text: str
    items: tuple[Item, ...]
    amount: float
    error: float | None = None


@dataclass(frozen=True, slots=True)
class Between:
    """A number computed on the way from the leaves to the result, at both ends.  No player: what moved it is."""

    concept: Concept
    before: Value
    after: Value
    decimals: int | None = None


@dataclass(frozen=True, slots=True)
class Attribution:
    """How much each input moved the result from ``base`` to ``output`` on ``scale``; the largest first.

    ``base_value`` and ``output_value`` are the ends as values; where one is only the least that the result can be,
    its bounds are given.  ``flipped`` are criteria of rules, and bands and special rules of scores, that are met now
    and were not, in words.
    """

    scale: str
    base: float
    output: float
    base_value: Value
    output_value: Value
    items: tuple[Item, ...]
    stayed: tuple[Stayed, ...]
    flipped: tuple[str, ...] = ()
    groups: tuple[Together, ...] = ()
    between: tuple[Between, ...] = ()
    base_bounds: Interval | None = None
    output_bounds: Interval | None = None

    @property
    def residual(self) -> float:
        """``output - base - sum(amounts)``; none of a code."""
        if self.scale == CODE:
            return 0.0
        return fsum([self.output, -self.base, *(-item.amount for item in self.items)])


@dataclass(frozen=True, slots=True)
class Undefined:
    """There is no attribution, and why (a sentence)."""

    why: str

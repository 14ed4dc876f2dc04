"""Comparisons of a result with a baseline, and the attribution that came of one: plain objects, as in ``results``."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ontology.concepts import Concept
from ontology.resources import RecordRef
from ontology.values import Value
from server.attribution.game import StayedInput
from server.attribution.result import ComputedBetween


class Baseline(StrEnum):
    """With what a result is compared: usual values, an earlier time, or the record without the assumptions."""

    REFERENCE = "REFERENCE"
    EARLIER = "EARLIER"
    ACTUAL = "ACTUAL"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison that was asked for; ``since`` belongs to ``EARLIER``."""

    baseline: Baseline
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class ItemView:
    """What one input moved, with its values, times and records at both ends.

    ``usual``: what the value of a reference baseline is (usual, or the median of some training data).
    """

    concept: Concept
    slot: str | None
    before: Value
    after: Value
    amount: float
    error: float | None
    effective_before: datetime | None
    effective: datetime | None
    records_before: tuple[RecordRef, ...]
    records: tuple[RecordRef, ...]
    assumed: bool
    alone: bool
    needed: bool
    usual: str | None = None


@dataclass(frozen=True, slots=True)
class GroupView:
    """Correlated inputs told together, as the description of a model says; each is in the attribution's items too.

    ``amount`` is the sum of theirs; ``error`` its standard error, where the amounts were sampled.
    """

    text: str
    items: tuple[ItemView, ...]
    amount: float
    error: float | None = None


@dataclass(frozen=True, slots=True)
class AttributionView:
    """An attribution; ``baseline`` says in words what ``base`` stands for.

    ``between`` are the numbers computed on the way that are not the same at both ends: no items, since the items moved
    them.
    """

    scale: str
    baseline: str
    base: float
    output: float
    base_value: Value
    output_value: Value
    residual: float
    items: tuple[ItemView, ...]
    stayed: tuple[StayedInput, ...]
    flipped: tuple[str, ...]
    text: str
    groups: tuple[GroupView, ...] = ()
    between: tuple[ComputedBetween, ...] = ()

"""What an evaluation consumes for one slot."""

from dataclasses import dataclass

from ontology.evaluation import Interval
from ontology.values import Value


@dataclass(frozen=True, slots=True)
class Consumed:
    """The value in the slot's unit; where it is absent, ``bounds`` may say between which values it lies."""

    value: Value
    bounds: Interval | None = None

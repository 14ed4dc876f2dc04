"""The columns that a model is given, out of what fills the slots.

What is not measured is NaN: a model, not this code, says what that means.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context
from math import nan

from ontology.inputs import Consumed
from ontology.values import Absent, Bound, Coding, Quantity, Value
from server.catalog.trained import Feature, TrainedModel

# What conversion of units leaves behind the twelfth digit is noise: it must not push a number over a tree's threshold.
_DIGITS = Context(prec=12, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Cells:
    """What one slot gives: a number for each of its features, by place, and whether it was ``measured`` at all.

    ``unseen``: it has a code that the model was not fitted to.  ``bound``: only a limit is known ("<5").
    """

    numbers: Mapping[int, float]
    measured: bool
    unseen: bool
    bound: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One row, in the order of the features.

    ``measured``: the slots that gave a number.  ``unseen``: slots whose code the model was not fitted to.  ``bounds``:
    slots of which only a limit is known ("<5"), which is no number.
    """

    numbers: tuple[float, ...]
    measured: frozenset[str]
    unseen: frozenset[str]
    bounds: frozenset[str]


def row_of(model: TrainedModel, inputs: Mapping[str, Consumed]) -> Row:
    """The row of these inputs, which are in the units of their slots."""
    by_slot = {slot: cells_of(model, slot, inputs[slot].value) for slot in model.slots}
    numbers = {place: number for cells in by_slot.values() for place, number in cells.numbers.items()}
    return Row(
        tuple(numbers[place] for place in range(len(model.features))),
        frozenset(slot for slot, cells in by_slot.items() if cells.measured),
        frozenset(slot for slot, cells in by_slot.items() if cells.unseen),
        frozenset(slot for slot, cells in by_slot.items() if cells.bound),
    )


def cells_of(model: TrainedModel, slot: str, value: Value) -> Cells:
    """What a value of a slot gives; other slots have no part in it."""
    features = [(place, feature) for place, feature in enumerate(model.features) if feature.slot == slot]
    plain = {place: _number(feature, value) for place, feature in features if not feature.indicator}
    # A slot that feeds an indicator only is measured where it has a value.
    given = not isinstance(value, Absent | Bound)
    measured = any(number is not None for number in plain.values()) if plain else given
    numbers = {
        place: float(not measured) if feature.indicator else _or_nan(plain[place]) for place, feature in features
    }
    unseen = not measured and isinstance(value, Coding | bool)
    return Cells(numbers, measured, unseen, isinstance(value, Bound))


def _or_nan(number: float | None) -> float:
    return nan if number is None else number


def _number(feature: Feature, value: Value) -> float | None:
    if isinstance(value, Quantity):
        return float(_DIGITS.plus(value.value))
    if feature.encodes and isinstance(value, Coding | bool):
        return next((float(number) for means, number in feature.encodes if _same(means, value)), None)
    return float(value) if isinstance(value, bool) else None


def _same(means: Coding | bool, value: Coding | bool) -> bool:
    return type(means) is type(value) and means == value

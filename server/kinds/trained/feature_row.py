"""The row of features that a model is given, out of what fills the slots.

What is not measured is NaN: a model, not this code, says what that means.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context
from math import nan

from ontology.evaluation import SlotInput
from ontology.values import Absent, Bound, Coding, Quantity, Value
from server.catalog.trained_model import Feature, TrainedModel

# What conversion of units leaves behind the twelfth digit is noise: it must not push a number over a tree's threshold.
_DIGITS = Context(prec=12, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class SlotCells:
    """What one slot gives: a number for each of its features, by place, and whether it was ``measured`` at all.

    ``unseen``: it has a code that the model was not fitted to.  ``bound``: only a limit is known ("<5").
    """

    numbers: Mapping[int, float]
    measured: bool
    unseen: bool
    bound: bool


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """One row, in the order of the features.

    ``measured``: the slots that gave a number.  ``unseen``: slots whose code the model was not fitted to.  ``bounds``:
    slots of which only a limit is known ("<5"), which is no number.
    """

    numbers: tuple[float, ...]
    measured: frozenset[str]
    unseen: frozenset[str]
    bounds: frozenset[str]


def feature_row(model: TrainedModel, inputs: Mapping[str, SlotInput]) -> FeatureRow:
    """The row of these inputs, which are in the units of their slots."""
    by_slot = {slot: slot_cells(model, slot, inputs[slot].value) for slot in model.slots}
    numbers = {place: number for cells in by_slot.values() for place, number in cells.numbers.items()}
    return FeatureRow(
        tuple(numbers[place] for place in range(len(model.features))),
        frozenset(slot for slot, cells in by_slot.items() if cells.measured),
        frozenset(slot for slot, cells in by_slot.items() if cells.unseen),
        frozenset(slot for slot, cells in by_slot.items() if cells.bound),
    )


def slot_cells(model: TrainedModel, slot: str, value: Value) -> SlotCells:
    """What a value of a slot gives; other slots have no part in it."""
    features = [(place, feature) for place, feature in enumerate(model.features) if feature.slot == slot]
    plain = {place: _feature_number(feature, value) for place, feature in features if not feature.indicator}
    # A slot that feeds an indicator only is measured where it has a value.
    given = not isinstance(value, Absent | Bound)
    measured = any(number is not None for number in plain.values()) if plain else given
    numbers = {
        place: float(not measured) if feature.indicator else _number_or_nan(plain[place]) for place, feature in features
    }
    unseen = not measured and isinstance(value, Coding | bool)
    return SlotCells(numbers, measured, unseen, isinstance(value, Bound))


def _number_or_nan(number: float | None) -> float:
    return nan if number is None else number


def _feature_number(feature: Feature, value: Value) -> float | None:
    if isinstance(value, Quantity):
        return float(_DIGITS.plus(value.value))
    if feature.encodes and isinstance(value, Coding | bool):
        return next((float(number) for means, number in feature.encodes if _is_same_value(means, value)), None)
    return float(value) if isinstance(value, bool) else None


def _is_same_value(means: Coding | bool, value: Coding | bool) -> bool:
    return type(means) is type(value) and means == value

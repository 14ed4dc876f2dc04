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
    values = {slot: inputs[slot].value for slot in model.slots}
    plain = [feature for feature in model.features if not feature.indicator]
    numbers = {feature.name: _number(feature, values[feature.slot]) for feature in plain}
    measured = {feature.slot for feature in plain if numbers[feature.name] is not None}
    # A slot that feeds an indicator only is measured where it has a value.
    only = set(values) - {feature.slot for feature in plain}
    measured |= {slot for slot in only if not isinstance(values[slot], Absent | Bound)}
    row = [
        float(feature.slot not in measured) if feature.indicator else _or_nan(numbers[feature.name])
        for feature in model.features
    ]
    return Row(
        tuple(row),
        frozenset(measured),
        frozenset(slot for slot in values if slot not in measured and isinstance(values[slot], Coding | bool)),
        frozenset(slot for slot in values if isinstance(values[slot], Bound)),
    )


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

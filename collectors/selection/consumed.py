"""A fact's value as the slot takes it: in the slot's unit, bounds only where they are let in."""

from decimal import Decimal

from collectors.reading.records import Fact
from collectors.selection.telling import named, said, say
from ontology.errors import UnitError
from ontology.evaluation import Issue
from ontology.slots import Slot
from ontology.units import convert
from ontology.values import Absent, AbsentReason, Bound, Quantity, Value


def consume(slot: Slot, fact: Fact) -> tuple[Value, list[Issue]]:
    """The value, and what is to be told of it; Absent where the slot cannot take it."""
    value = fact.resource.value
    if isinstance(value, Bound) and not slot.accepts_bound:
        text = f"{named(fact)} says {said(fact)}: only a bound, which cannot be used here as a number."
        return Absent(AbsentReason.UNCONVERTIBLE), [say(slot, "bound-not-usable", text)]
    if not isinstance(value, Quantity | Bound):
        return value, []
    try:
        number, unit = in_unit(fact, value, slot)
    except UnitError:
        text = f"{named(fact)} says {said(fact)}, which cannot be converted to {slot.unit}."
        return Absent(AbsentReason.UNCONVERTIBLE), [say(slot, "unconvertible", text)]
    issues = []
    if outside(slot, number):
        text = f"{number} {unit} lies outside the range for which this was validated ({limits(slot)})."
        issues.append(say(slot, "outside-validated-range", text))
    if isinstance(value, Bound):
        return Bound(value.comparator, number, unit), issues
    return Quantity(number, unit), issues


def in_unit(fact: Fact, value: Quantity | Bound, slot: Slot) -> tuple[Decimal, str]:
    """The number in the slot's unit, from what was written, so that it is converted once (UnitError)."""
    target = slot.unit or value.unit
    if target == value.unit:
        return value.value, target
    number, unit = fact.written if fact.written is not None else (value.value, value.unit)
    return (number if unit == target else convert(number, unit, target, slot.concept.molar_mass)), target


def outside(slot: Slot, number: Decimal) -> bool:
    """Whether the number lies outside the module's validated range."""
    return (slot.minimum is not None and number < slot.minimum) or (slot.maximum is not None and number > slot.maximum)


def limits(slot: Slot) -> str:
    """The validated range in words."""
    unit = slot.unit or slot.concept.unit or ""
    if slot.minimum is not None and slot.maximum is not None:
        return f"{slot.minimum} to {slot.maximum} {unit}"
    return f"from {slot.minimum} {unit}" if slot.minimum is not None else f"up to {slot.maximum} {unit}"

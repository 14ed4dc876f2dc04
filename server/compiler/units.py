"""A unit that can never meet its slot is found when the question is compiled, not at the patient's side."""

from decimal import Decimal

from ontology.concepts import ValueType
from ontology.errors import UnitError
from ontology.slots import Slot
from ontology.units import convert
from server.catalog.descriptions import Description
from server.errors import UnitMismatchError


def check_units(description: Description, slot: Slot, given: str | None) -> None:
    """Raise UnitMismatchError unless values in ``given`` can be converted to the slot's unit."""
    if slot.concept.value_type is not ValueType.QUANTITY or slot.unit == given:
        return
    where = f"{description.id}: slot {slot.name}"
    if slot.unit is None or given is None:
        raise UnitMismatchError(f"{where}: a number without a unit ({given} → {slot.unit})")
    try:
        convert(Decimal(1), given, slot.unit, slot.concept.molar_mass)
    except UnitError:
        raise UnitMismatchError(f"{where} wants {slot.unit}, which {given} cannot be converted to") from None

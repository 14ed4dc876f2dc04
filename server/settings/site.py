"""Facts about the site, as settings give them, turned into values of their concepts."""

from collections.abc import Mapping
from decimal import Decimal

from ontology.concepts import Concept, Origin, ValueType
from ontology.values import Coding, Quantity, Value
from server.errors import SettingsError


def site_values(site: Mapping[str, bool | Decimal | str], concepts: Mapping[str, Concept]) -> dict[str, Value]:
    """The value of each site concept that is set, by concept id; numbers are in the concept's own unit.

    Raises SettingsError for a concept that is not the site's to say, and for a value of another type.
    """
    return {name: _value(name, given, concepts.get(name)) for name, given in site.items()}


def _value(name: str, given: bool | Decimal | str, concept: Concept | None) -> Value:
    if concept is None or concept.origin is not Origin.SITE:
        raise SettingsError(f"site.{name}: no such site concept")
    if concept.value_type is ValueType.FLAG and isinstance(given, bool):
        return given
    if concept.value_type is ValueType.QUANTITY and isinstance(given, Decimal) and concept.unit is not None:
        return Quantity(given, concept.unit)
    if concept.value_type is ValueType.CODING and isinstance(given, str) and "|" in given:
        system, code = given.split("|", 1)
        return Coding(system, code)
    wanted = {
        ValueType.FLAG: "true or false",
        ValueType.QUANTITY: f"a number in {concept.unit}",
        ValueType.CODING: "a code as system|code",
        ValueType.DATE: "a date, which settings cannot give yet",
    }
    raise SettingsError(f"site.{name}: must be {wanted[concept.value_type]}")

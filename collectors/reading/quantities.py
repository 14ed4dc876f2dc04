"""Quantities as they are written, read into the concept's unit or refused with the reason."""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from collectors.reading import fhir_types
from collectors.reading.codes import ConceptReader
from collectors.reading.records import Sample
from ontology.concepts import Concept
from ontology.errors import UnitError
from ontology.units import convert, ucum_code
from ontology.values import Absent, AbsentReason, Bound, Comparator, Quantity, Value

UCUM = "http://unitsofmeasure.org"
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
COMPARATORS: dict[str, Comparator] = {"<": "<", "<=": "<=", ">": ">", ">=": ">="}
# Far beyond any measurement of a person; bounds the cost of arithmetic.
_MAX_EXPONENT = 30
_MAX_DIGITS = 60


@dataclass(frozen=True, slots=True)
class ReadValue:
    """A value in the concept's unit, with the recorded text and (number, UCUM unit), or the problem in reading it.

    ``samples`` are those of SampledData, which has no single value.  ``note`` says how the value was translated.
    """

    value: Value
    recorded: str | None = None
    recorded_quantity: tuple[Decimal, str] | None = None
    problem: str | None = None
    samples: tuple[Sample, ...] = ()
    note: str | None = None


def unreadable_value(problem: str, recorded: str | None = None) -> ReadValue:
    """A recorded value that cannot be read: Absent(UNCONVERTIBLE) with its problem."""
    return ReadValue(Absent(AbsentReason.UNCONVERTIBLE), recorded, None, problem)


def parse_number(raw: bytes) -> Decimal | None:
    """A JSON number with its decimals as written; None for anything else (text, NaN, extreme magnitudes)."""
    text = raw.decode("ascii", "replace")
    if len(text) > _MAX_DIGITS or _NUMBER.fullmatch(text) is None:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value == 0 or abs(value.adjusted()) <= _MAX_EXPONENT else None


def read_quantity(quantity: fhir_types.Quantity, known: ConceptReader, needs_unit: bool, element: str) -> ReadValue:
    """A Quantity in the concept's unit, a bound, or an absence with its problem."""
    if not quantity.value:
        return ReadValue(Absent(AbsentReason.RECORDED_UNKNOWN), None, None, f"{element} has no value")
    raw = bytes(quantity.value)
    unit_text = quantity.unit or quantity.code
    recorded = fhir_types.printable_text(
        f"{quantity.comparator or ''}{raw.decode('utf-8', 'replace')}{' ' + unit_text if unit_text else ''}"
    )
    value = parse_number(raw)
    if value is None:
        return unreadable_value(f"{element}.value is not a number that can be used", recorded)
    written_as = (quantity.system, quantity.code, quantity.unit)
    resolved = known.unit_resolutions.get(written_as)
    if resolved is None:
        resolved = known.unit_resolutions[written_as] = resolve_unit(quantity, known)
    unit, problem = resolved
    if unit is None and problem is None and not needs_unit:
        unit = known.dimensionless_unit
    if unit is None:
        return unreadable_value(f"{element}: {problem or 'there is no unit'}", recorded)
    comparator: Comparator | None = None
    if quantity.comparator is not None:
        comparator = COMPARATORS.get(quantity.comparator)
        if comparator is None:
            return unreadable_value(f"{element}.comparator is none of <, <=, >, >=", recorded)
    return convert_to_concept_unit(value, unit, comparator, known.concept, recorded, element)


def convert_to_concept_unit(
    value: Decimal, unit: str, comparator: Comparator | None, concept: Concept, recorded: str, element: str
) -> ReadValue:
    """A number in a readable unit as a value of the concept, if it is plausible."""
    target = concept.unit
    if target is None:
        return unreadable_value(f"{element} is a quantity, not a value of {concept.id}", recorded)
    written = (value, unit)
    if unit != target:
        try:
            value = convert(value, unit, target, concept.molar_mass)
        except UnitError:
            return unreadable_value(
                f"{element}: its unit cannot be converted to {target}",
                recorded,
            )
    low, high = concept.plausible_low, concept.plausible_high
    # A bound is checked on one side only: the other side is open.
    too_low = low is not None and value < low and comparator not in (">", ">=")
    too_high = high is not None and value > high and comparator not in ("<", "<=")
    if too_low or too_high:
        return ReadValue(Absent(AbsentReason.IMPLAUSIBLE), recorded, None, f"{element} is physiologically impossible")
    if comparator is not None:
        return ReadValue(Bound(comparator, value, target), recorded, written)
    return ReadValue(Quantity(value, target), recorded, written)


def resolve_unit(quantity: fhir_types.Quantity, known: ConceptReader) -> tuple[str | None, str | None]:
    """The UCUM unit, or the reason why it cannot be read, as (unit, reason); both None where no unit is written."""
    system = quantity.system
    if system is not None and known.system_aliases.get(system, system) != UCUM:
        return None, "its unit is coded in another system than UCUM"
    # A score is a plain number: UCUM's braces only say of what.
    by_code = known.dimensionless_unit if quantity.code == "1" else readable_unit(quantity.code, known)
    by_text = known.dimensionless_unit if quantity.unit == "1" else readable_unit(quantity.unit, known)
    if by_code is not None:
        if by_text is not None and not same_unit(by_code, by_text, known.concept):
            return None, "the unit's code and text contradict each other"
        return by_code, None
    if quantity.code:
        return None, f"the unit is none of those read for {known.concept.id}"
    if by_text is not None:
        return by_text, None
    if quantity.unit:
        return None, f"the unit is none of those read for {known.concept.id}"
    return None, None


def readable_unit(text: str | None, known: ConceptReader) -> str | None:
    """The UCUM unit of a written unit, if the concept is read in it; else None."""
    if not text:
        return None
    if text in known.units:
        return text
    code = ucum_code(text)
    return code if code in known.units else None


def same_unit(one: str, other: str, concept: Concept) -> bool:
    """Whether two readable units are one unit under two names."""
    if one == other:
        return True
    try:
        return all(convert(Decimal(amount), one, other, concept.molar_mass) == Decimal(amount) for amount in (1, 1000))
    except UnitError:
        return False

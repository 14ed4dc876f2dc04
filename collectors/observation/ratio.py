"""Ratios: read as their quotient, where it has a unit that the concept reads."""

from decimal import ROUND_HALF_EVEN, Context

import msgspec

from collectors.observation.written import amount_text, mistyped
from collectors.reading.codes import Reader
from collectors.reading.quantities import COMPARATORS, UCUM, Reading, in_concept_unit, number, readable_unit, unreadable
from collectors.reading.wire import Quantity
from ontology.concepts import ValueType
from ontology.units import SIGNIFICANT_DIGITS, spelling

_CONTEXT = Context(prec=SIGNIFICANT_DIGITS, rounding=ROUND_HALF_EVEN)


class Ratio(msgspec.Struct, gc=False):
    """A Ratio as it is written."""

    numerator: Quantity | None = None
    denominator: Quantity | None = None


_RATIO = msgspec.json.Decoder(Ratio)


def read_ratio(raw: msgspec.Raw, known: Reader, needs_unit: bool, element: str) -> Reading:
    """The quotient, where its unit is one that the concept reads: 30 mg to 1 g is 30 mg/g.

    A titre (1 to 128, without units) is the fraction 1/128 for a concept that reads the unit 1, and refused for others.
    """
    try:
        written = _RATIO.decode(raw)
    except msgspec.DecodeError:
        return mistyped(element)
    above, below = written.numerator, written.denominator
    shown = f"{amount_text(above) or '?'} : {amount_text(below) or '?'}"
    if known.concept.value_type is not ValueType.QUANTITY:
        return unreadable(f"{element} is a ratio, which {known.concept.id} is not", shown)
    if above is None or below is None or not above.value or not below.value:
        return unreadable(f"{element} lacks its numerator or its denominator", shown)
    top, bottom = number(bytes(above.value)), number(bytes(below.value))
    if top is None or bottom is None or bottom <= 0 or below.comparator is not None:
        return unreadable(f"{element} has no quotient that is a number", shown)
    comparator = COMPARATORS.get(above.comparator) if above.comparator is not None else None
    if above.comparator is not None and comparator is None:
        return unreadable(f"{element}.numerator.comparator is none of <, <=, >, >=", shown)
    try:
        code = _quotient(_unit(above), _unit(below))
    except ValueError:
        return unreadable(f"{element}: a unit of it is not UCUM, or its code and text contradict each other", shown)
    if code is None and needs_unit:
        return unreadable(f"{element}: there is no unit", shown)
    unit = readable_unit(code or "1", known)
    if unit is None:
        return unreadable(f"{element}: the unit of its quotient is none of those read for {known.concept.id}", shown)
    value = top if bottom == 1 else _CONTEXT.divide(top, bottom)
    return in_concept_unit(value, unit, comparator, known.concept, shown, element)


def _unit(quantity: Quantity) -> str | None:
    """The unit of one side in UCUM as far as it is declared (ValueError where it contradicts itself)."""
    if quantity.system is not None and quantity.system != UCUM and (quantity.code or quantity.unit):
        raise ValueError("another system than UCUM")
    code, text = (spelling(each) if each else None for each in (quantity.code, quantity.unit))
    if code is not None and text is not None and code != text:
        raise ValueError("code and text differ")
    return code or quantity.code or text or quantity.unit or None


def _quotient(above: str | None, below: str | None) -> str | None:
    if above in (None, "1") and below in (None, "1"):
        return "1" if "1" in (above, below) else None
    if above == below:
        return "1"
    if below in (None, "1"):
        return above
    return f"{above if above != '1' else ''}/{below}" if above is not None else f"/{below}"

"""Values of the rarer types: ratios, dates and periods are read where possible, ranges and times of day refused.

A ratio is read as its quotient, where that has a unit in which the concept is read.
"""

from decimal import ROUND_HALF_EVEN, Context
from zoneinfo import ZoneInfo

import msgspec

from collectors.observation.elements import Range, format_quantity, format_range, wrong_type_value
from collectors.reading.codes import ConceptReader
from collectors.reading.fhir_types import UNDECODABLE, Period, Quantity, printable_text, read_date, read_time
from collectors.reading.quantities import (
    COMPARATORS,
    UCUM,
    ReadValue,
    convert_to_concept_unit,
    parse_number,
    readable_unit,
    unreadable_value,
)
from ontology.concepts import ValueType
from ontology.units import SIGNIFICANT_DIGITS, ucum_code
from ontology.values import Date

_UTC = ZoneInfo("UTC")


_RANGE = msgspec.json.Decoder(Range)
_PERIOD = msgspec.json.Decoder(Period)
_TEXT = msgspec.json.Decoder(str)


def read_range(raw: msgspec.Raw, known: ConceptReader, element: str) -> ReadValue:
    """Refused: a range is not a single value."""
    try:
        written = _RANGE.decode(raw)
    except UNDECODABLE:
        return wrong_type_value(element)
    return unreadable_value(f"{element} is a range, not a single value of {known.concept.id}", format_range(written))


def read_date_time(raw: msgspec.Raw, known: ConceptReader, element: str) -> ReadValue:
    """A date or time as the days that its precision allows, where the concept is a date."""
    try:
        text = _TEXT.decode(raw)
        days = _parse_days(text)
    except (msgspec.DecodeError, ValueError):
        return unreadable_value(f"{element} is not a date or time")
    if known.concept.value_type is not ValueType.DATE:
        return unreadable_value(f"{element} is a date, not a value of {known.concept.id}", printable_text(text))
    return ReadValue(days, printable_text(text))


def read_period(raw: msgspec.Raw, known: ConceptReader, element: str) -> ReadValue:
    """A period with both its ends as an interval of days, where the concept is a date."""
    try:
        written = _PERIOD.decode(raw)
    except UNDECODABLE:
        return wrong_type_value(element)
    shown = printable_text(f"{written.start or '?'} to {written.end or '?'}")
    if known.concept.value_type is not ValueType.DATE:
        return unreadable_value(f"{element} is a period, not a value of {known.concept.id}", shown)
    if written.start is None or written.end is None:
        return unreadable_value(f"{element} is open at one end", shown)
    try:
        start, end = _parse_days(written.start).start, _parse_days(written.end).end
    except ValueError:
        return unreadable_value(f"{element} is not a date or time", shown)
    if end < start:
        return unreadable_value(f"{element} ends before it starts", shown)
    return ReadValue(Date(start, end), shown)


def read_time_of_day(raw: msgspec.Raw, known: ConceptReader, element: str) -> ReadValue:
    """Refused: a time of day is a value of no concept."""
    try:
        shown = printable_text(_TEXT.decode(raw))
    except UNDECODABLE:
        return wrong_type_value(element)
    return unreadable_value(f"{element} is a time of day, not a value of {known.concept.id}", shown)


def _parse_days(text: str) -> Date:
    """The days of a date, or the day of a time as written, in its own zone.  Raises ValueError."""
    read_time(text, _UTC)
    return read_date(text[:10] if "T" in text else text)


_DIVISION = Context(prec=SIGNIFICANT_DIGITS, rounding=ROUND_HALF_EVEN)


class Ratio(msgspec.Struct, gc=False):
    """A Ratio as it is written."""

    numerator: Quantity | None = None
    denominator: Quantity | None = None


_RATIO = msgspec.json.Decoder(Ratio)


def read_ratio(raw: msgspec.Raw, known: ConceptReader, needs_unit: bool, element: str) -> ReadValue:
    """The quotient, where its unit is one that the concept reads: 30 mg to 1 g is 30 mg/g.

    A titre (1 to 128, without units) is the fraction 1/128 for a concept that reads the unit 1, and refused for others.
    """
    try:
        written = _RATIO.decode(raw)
    except UNDECODABLE:
        return wrong_type_value(element)
    numerator, denominator = written.numerator, written.denominator
    shown = f"{format_quantity(numerator) or '?'} : {format_quantity(denominator) or '?'}"
    if known.concept.value_type is not ValueType.QUANTITY:
        return unreadable_value(f"{element} is a ratio, not a value of {known.concept.id}", shown)
    if numerator is None or denominator is None or not numerator.value or not denominator.value:
        return unreadable_value(f"{element} lacks its numerator or its denominator", shown)
    top, bottom = parse_number(bytes(numerator.value)), parse_number(bytes(denominator.value))
    if top is None or bottom is None or bottom <= 0 or denominator.comparator is not None:
        return unreadable_value(f"{element} has no quotient that is a number", shown)
    comparator = COMPARATORS.get(numerator.comparator) if numerator.comparator is not None else None
    if numerator.comparator is not None and comparator is None:
        return unreadable_value(f"{element}.numerator.comparator is none of <, <=, >, >=", shown)
    try:
        code = _quotient_unit(_declared_unit(numerator), _declared_unit(denominator))
    except ValueError:
        return unreadable_value(
            f"{element}: a unit of it is not UCUM, or its code and text contradict each other", shown
        )
    if code is None and needs_unit:
        return unreadable_value(f"{element}: there is no unit", shown)
    unit = readable_unit(code or "1", known)
    if unit is None:
        return unreadable_value(
            f"{element}: the unit of its quotient is none of those read for {known.concept.id}", shown
        )
    value = top if bottom == 1 else _DIVISION.divide(top, bottom)
    return convert_to_concept_unit(value, unit, comparator, known.concept, shown, element)


def _declared_unit(quantity: Quantity) -> str | None:
    """The UCUM unit of one side; None without one.  Raises ValueError where it conflicts, or is not UCUM."""
    if quantity.system is not None and quantity.system != UCUM and (quantity.code or quantity.unit):
        raise ValueError("another system than UCUM")
    code, text = (ucum_code(each) if each else None for each in (quantity.code, quantity.unit))
    if code is not None and text is not None and code != text:
        raise ValueError("code and text differ")
    return code or quantity.code or text or quantity.unit or None


def _quotient_unit(above: str | None, below: str | None) -> str | None:
    if above in (None, "1") and below in (None, "1"):
        return "1" if "1" in (above, below) else None
    if above == below:
        return "1"
    if below in (None, "1"):
        return above
    return f"{above if above != '1' else ''}/{below}" if above is not None else f"/{below}"

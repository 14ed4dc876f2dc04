"""Values in a few words, for readers: in reasons, warrants and arguments."""

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import assert_never

from ontology.values import Absent, Bound, Coding, Date, Quantity, Series, Value

SIGNIFICANT = 6
"""Digits that are shown of a number; more is noise of a conversion or a division."""

# Whole units whose everyday form no rule gives.
_UNITS: Mapping[str, str] = {
    "1": "",
    "{score}": "points",
    "{points}": "points",
    "a": "years",
    "mo": "months",
    "wk": "weeks",
    "d": "days",
    "h": "hours",
    "min": "minutes",
    "s": "seconds",
    "mL/min/{1.73_m2}": "mL/min/1.73 m²",
    "mL/min/{1.73_m2}/a": "mL/min/1.73 m² a year",
}
_ONE: Mapping[str, str] = {
    "points": "point",
    "years": "year",
    "months": "month",
    "weeks": "week",
    "days": "day",
    "hours": "hour",
    "minutes": "minute",
    "seconds": "second",
}
# Parts of units, between the slashes.
_PARTS: Mapping[str, str] = {
    "mm[Hg]": "mmHg",
    "Cel": "°C",
    "[degF]": "°F",
    "[lb_av]": "lb",
    "[in_i]": "in",
    "[ft_i]": "ft",
    "m2": "m²",
    "umol": "µmol",
    "ug": "µg",
    "uL": "µL",
    "10*3": "10³",
    "10*6": "10⁶",
    "10*9": "10⁹",
    "10*12": "10¹²",
    "[iU]": "IU",
    "a": "year",
}
_NAMES = frozenset({"Glasgow"})
_BRIEF = 3
_ROUNDING = Context(prec=SIGNIFICANT, rounding=ROUND_HALF_UP)


def words(value: Value) -> str:
    """The value in words: ``1.6 mg/dL``, ``yes``, ``1950-01-01 to 1950-12-31``, ``absent: not found``."""
    match value:
        case bool():
            return "yes" if value else "no"
        case Quantity():
            return amount(value.value, value.unit)
        case Bound():
            return f"{value.comparator}{amount(value.value, value.unit)}"
        case Coding():
            return value.display or value.code
        case Date():
            return _days(value.start, value.end)
        case Series():
            unit = unit_words(value.unit)
            return f"series of {len(value.points)}" + (f" ({unit})" if unit else "")
        case Absent():
            return f"absent: {value.reason.value.lower().replace('_', ' ')}"
        case _:
            assert_never(value)


def amount(value: Decimal, unit: str) -> str:
    """A number and its unit, in UCUM, in words: ``1.6 mg/dL``, ``1 point``, ``18/min``."""
    number, name = number_words(value), unit_words(unit)
    if number == "1":
        name = _ONE.get(name, name)
    return f"{number}{name}" if name.startswith("/") else f"{number} {name}".rstrip()


def number_words(value: Decimal) -> str:
    """A number without exponent and without noise; all digits before the point are kept.

    Six significant digits, rounded half up; zeros at the end of decimals are left out.
    """
    if not value.is_finite():
        return str(value)
    if value.adjusted() < SIGNIFICANT:
        value = _ROUNDING.plus(value)
    elif value != (whole := value.to_integral_value(ROUND_HALF_UP)):
        value = whole
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text.strip("-0.") == "" else text


def brief(value: Value) -> str:
    """The value as a sentence at the bedside needs it: of a number three digits, and all of those before the point."""
    if isinstance(value, Quantity) and value.value.is_finite():
        return amount(brief_number(value.value), value.unit)
    return words(value)


def brief_number(value: Decimal) -> Decimal:
    """Three significant digits, rounded half up; more only before the point."""
    places = max(0, _BRIEF - 1 - value.adjusted())
    return (
        value
        if -int(value.as_tuple().exponent) <= places
        else value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    )


def minus(number: str) -> str:
    """A written number with a minus sign, not a hyphen, before it."""
    return number.replace("-", "\N{MINUS SIGN}", 1)


def begin_small(text: str) -> str:
    """The text within a sentence: ``Serum creatinine`` gets a small letter, ``UACR`` and names keep theirs."""
    word = text.split(" ", 1)[0]
    if word in _NAMES:
        return text
    article = word == "A"
    return text[0].lower() + text[1:] if article or (word[:1].isupper() and word[1:].islower()) else text


def unit_words(unit: str) -> str:
    """A UCUM unit as a reader writes it: ``mL/min/1.73 m²``, ``mmHg``, ``years``; nothing for a bare number.

    An annotation in braces that has no form of its own stands for a thing counted, and is left out.
    """
    known = _UNITS.get(unit)
    if known is not None:
        return known
    return "/".join(_part(part) for part in unit.split("/"))


def _part(part: str) -> str:
    known = _PARTS.get(part)
    if known is not None:
        return known
    return "" if part.startswith("{") and part.endswith("}") else part


def _days(start: date, end: date) -> str:
    return start.isoformat() if start == end else f"{start.isoformat()} to {end.isoformat()}"

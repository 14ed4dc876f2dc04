"""Numbers and their units in words."""

from collections.abc import Mapping
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal

from ontology.words import PLAIN, Style

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
_ALL = Decimal(100)
_YEARS = "a"
_BRIEF = 3
_ROUNDING = Context(prec=SIGNIFICANT, rounding=ROUND_HALF_UP)


def number_words(number: Decimal, decimals: int | None = None, style: Style = PLAIN) -> str:
    """A number without exponent, rounded half up to ``decimals``.

    Without them: six significant digits, but all digits before the point; zeros at the end of decimals are left out.
    """
    if decimals is not None:
        return f"{round_half_up(number, decimals) + 0:f}"
    if not number.is_finite():
        return str(number)
    if number.adjusted() < SIGNIFICANT:
        number = _ROUNDING.plus(number)
    elif number != (whole := number.to_integral_value(ROUND_HALF_UP)):
        number = whole
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text.strip("-0.") == "" else text


def round_half_up(number: Decimal, decimals: int) -> Decimal:
    """The number with so many digits after the point."""
    return number.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def round_in_unit(number: Decimal, unit: str, decimals: int) -> Decimal:
    """The number with so many digits after the point, half up; an age (in years) down: who is 17.96 is not 18.0."""
    if unit != _YEARS or not number.is_finite():
        return round_half_up(number, decimals)
    return number.quantize(Decimal(1).scaleb(-decimals), ROUND_FLOOR)


def brief_number(number: Decimal) -> Decimal:
    """Three significant digits, rounded half up; more only before the point."""
    places = max(0, _BRIEF - 1 - number.adjusted())
    return number if -int(number.as_tuple().exponent) <= places else round_half_up(number, places)


def rounded_words(number: Decimal, unit: str, decimals: int | None, style: Style = PLAIN) -> str:
    """The rounded number; percent below its last digit, or that this would make all: ``under 1``, ``over 99``.

    So 0.5 % with no decimals is "under 1 %", and not twice itself.
    """
    if decimals is not None and unit == _YEARS:
        number = round_in_unit(number, unit, decimals)
    shown = number_words(number, decimals, style)
    if decimals is None or unit != "%" or not (0 < number < _ALL):
        return shown
    step = Decimal(1).scaleb(-decimals)
    if number < step:
        return f"under {step:f}"
    return f"over {_ALL - step:f}" if Decimal(shown) == _ALL else shown


def amount(number: Decimal, unit: str, decimals: int | None = None, style: Style = PLAIN) -> str:
    """A number and its unit, in UCUM, in words: ``1.6 mg/dL``, ``1 point``, ``18/min``, ``under 0.1 %``."""
    shown, name = rounded_words(number, unit, decimals, style), unit_words(unit, style)
    if shown == "1":
        name = _ONE.get(name, name)
    return f"{shown}{name}" if name.startswith("/") else f"{shown} {name}".rstrip()


def unit_words(unit: str, style: Style = PLAIN) -> str:
    """A UCUM unit as a reader writes it: ``mL/min/1.73 m²``, ``mmHg``, ``years``; nothing for a bare number.

    An annotation in braces that has no form of its own stands for a thing counted, and is left out.
    """
    known = _UNITS.get(unit)
    if known is not None:
        return known
    return "/".join(_part_words(part) for part in unit.split("/"))


def _part_words(part: str) -> str:
    known = _PARTS.get(part)
    if known is not None:
        return known
    return "" if part.startswith("{") and part.endswith("}") else part


def minus(number: str, style: Style = PLAIN) -> str:
    """A written number with a minus sign, not a hyphen, before it."""
    return number.replace("-", "\N{MINUS SIGN}", 1)

"""Every declared spelling stands for exactly what it says: read a second time, by other means than the table."""

import re
from decimal import Decimal

import pytest

from ontology.errors import UnitError
from ontology.units import convert, is_convertible, ucum_code
from ontology.units.ucum import spelling_table

# What a part of a spelling says, in UCUM.  Parts that are not here must be UCUM as they stand.
PARTS = {
    "percent": "%", "pct": "%", "mcg": "ug", "\u00b5g": "ug", "gm": "g", "Kg": "kg", "KG": "kg", "MG": "mg",
    "kgs": "kg", "DL": "dL", "cc": "mL", "lb": "[lb_av]", "lbs": "[lb_av]", "LB": "[lb_av]", "oz": "[oz_av]",
    "in": "[in_i]", "ft": "[ft_i]", "CM": "cm", "kpa": "kPa", "KPa": "kPa", "UMOL": "umol", "MMOL": "mmol",
    "\u00b5mol": "umol", "mcmol": "umol", "micromol": "umol", "mEq": "meq", "MEQ": "meq", "IU": "[iU]", "iU": "[iU]",
    "[IU]": "[iU]", "mIU": "m[iU]", "m[IU]": "m[iU]", "uIU": "u[iU]", "\u00b5IU": "u[iU]", "mcIU": "u[iU]",
    "u[IU]": "u[iU]", "mOsm": "mosm", "mosmol": "mosm", "mOsmol": "mosm", "cmH2O": "cm[H2O]", "cm H2O": "cm[H2O]",
    "\u00b5L": "uL", "msec": "ms", "sec": "s", "hr": "h", "hrs": "h", "day": "d", "year": "a", "y": "a", "yr": "a",
    "yrs": "a", "24h": "d", "24 h": "d", "24hr": "d", "24 hr": "d", "24hrs": "d", "24 hours": "d", "(24.h)": "d",
    "mmHg": "mm[Hg]", "mm Hg": "mm[Hg]", "mmhg": "mm[Hg]", "MMHG": "mm[Hg]", "mm(Hg)": "mm[Hg]", "m^2": "m2",
    "m\u00b2": "m2", "m**2": "m2", "sqm": "m2", "K": "10*3", "k": "10*3", "thou": "10*3", "Thousand": "10*3",
    "M": "10*6", "Million": "10*6", "INR": "{INR}", "points": "{score}", "score": "{score}", "(score)": "{score}",
}  # fmt: skip
WORDS = {
    "femtoliter": "fL", "picogram": "pg", "microgram": "ug", "milligram": "mg", "gram": "g", "kilogram": "kg",
    "milliliter": "mL", "millilitre": "mL", "liter": "L", "litre": "L", "millimeter": "mm", "centimeter": "cm",
    "meter": "m", "metre": "m", "inch": "[in_i]", "inche": "[in_i]", "foot": "[ft_i]", "feet": "[ft_i]",
    "pound": "[lb_av]", "ounce": "[oz_av]", "millisecond": "ms", "second": "s", "minute": "min", "hour": "h",
    "week": "wk", "month": "mo", "year": "a", "day": "d", "unit": "U", "kelvin": "K",
    "millimeter of mercury": "mm[Hg]",
}  # fmt: skip
CELSIUS = {"\u00b0C", "\u00baC", "\u2103", "C", "degC", "DegC", "deg C", "deg_C", "celsius", "degrees c", "cel", "CEL"}
FAHRENHEIT = {"\u00b0F", "\u00baF", "\u2109", "F", "degF", "DegF", "deg F", "deg_F", "[DegF]", "[degf]", "degrees f"}
EXPONENT = re.compile(r"x?10(?:\^|\*|e|E)?(3|6|9|12|\u00b3|\u2076|\u2079|\u00b9\u00b2)")
DIGITS = str.maketrans("\u00b3\u2076\u2079\u00b9\u00b2", "36912")
AREA = re.compile(r"[/ ]?\{?1\.73[ _]?(m2|m\^2|m\u00b2|sq\.? ?m|sqm)\}?")
COUNTED = re.compile(r"beats?|breaths?|resp|counts|H\.B", re.IGNORECASE)
SUBSTANCE = re.compile(r"( ?(creatinine|creat\.?|crea|Creat|Cr|cr)|\{(alb|creat|Creat|creatinine)\})(?=$|/)")


def said(text: str) -> str:
    """What a spelling says, in UCUM."""
    lowered = text.lower()
    if text in CELSIUS or lowered in CELSIUS or lowered == "degrees celsius":
        return "Cel"
    if text in FAHRENHEIT or lowered in FAHRENHEIT or lowered in ("fahrenheit", "degrees fahrenheit"):
        return "[degF]"
    if text.lower().removesuffix("bpm") in ("", "{}"):
        return "/min"
    if text.lower() == "lpm":
        return "L/min"
    if text == "mg/100mL":
        return "mg/dL"
    area = AREA.search(text)
    if area is not None:
        text = text.replace(area[0], "/{1.73_m2}")
    text = SUBSTANCE.sub("", text)
    if text in ("per minute", "min-1"):
        return "/min"
    text = text.replace(" per ", "/")
    return "/".join(part_said(part) for part in text.split("/"))


def part_said(part: str) -> str:
    exponent = EXPONENT.fullmatch(part)
    if exponent is not None:
        return f"10*{exponent[1].translate(DIGITS)}"
    if COUNTED.fullmatch(part.strip("{}")):
        return ""
    if part in PARTS:
        return PARTS[part]
    word = part.lower()
    return WORDS.get(word, WORDS.get(word.removesuffix("s"), PARTS.get(word.strip("{}()"), part)))


@pytest.mark.parametrize("code", sorted(set(spelling_table().values())))
def test_a_spelling_never_changes_the_magnitude(code: str) -> None:
    for text in (each for each, meant in spelling_table().items() if meant == code and each != code):
        meant = said(text)
        assert is_convertible(meant), (text, meant)
        for amount in (Decimal(1), Decimal(1000)):
            assert convert(amount, meant, code) == amount, (text, meant)


@pytest.mark.parametrize(
    "text",
    ["ML", "MG/L", "Mmol/L", "MM[HG]", "Mg/dL", "KPA", "G/L", "PG/ML", "umol", "mmol/l/1.73m2", "10*3", "iu/l", "u/l"],
)
def test_letters_in_the_wrong_case_are_not_guessed(text: str) -> None:
    assert ucum_code(text) is None


def test_a_wrong_entry_would_be_found() -> None:
    assert said("mcg/dL") == "ug/dL"
    with pytest.raises(UnitError):
        convert(Decimal(1), said("mIU/L"), "mmol/L")
    assert convert(Decimal(1), said("mcg/dL"), "mg/dL") != 1

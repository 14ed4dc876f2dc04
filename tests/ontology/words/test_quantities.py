"""Numbers without noise, and units as a reader writes them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ontology.words.quantities import (
    amount,
    brief_number,
    minus,
    number_words,
    round_in_unit,
    rounded_words,
    unit_words,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1.10", "1.1"),
        ("1.100000000000000000000000001", "1.1"),
        ("1.099999999999999999999999999", "1.1"),
        ("61.234567", "61.2346"),
        ("0.0910437", "0.0910437"),
        ("1E+3", "1000"),
        ("1E-7", "0.0000001"),
        ("100", "100"),
        ("1234567.5", "1234568"),
        ("12345678", "12345678"),
        ("999999.9", "1000000"),
        ("-0.0", "0"),
        ("0E+5", "0"),
        ("-2.50", "-2.5"),
    ],
)
def test_numbers(value: str, expected: str) -> None:
    assert number_words(Decimal(value)) == expected


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [("28.026", 1, "28.0"), ("1.25", 1, "1.3"), ("-0.04", 1, "0.0"), ("1E+3", 0, "1000")],
)
def test_decimals_are_kept(value: str, decimals: int, expected: str) -> None:
    assert number_words(Decimal(value), decimals) == expected


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("mm[Hg]", "mmHg"),
        ("Cel", "°C"),
        ("[degF]", "°F"),
        ("umol/L", "µmol/L"),
        ("kg/m2", "kg/m²"),
        ("10*9/L", "10⁹/L"),
        ("/min", "/min"),
        ("L/min", "L/min"),
        ("mg/mmol", "mg/mmol"),
        ("{beats}/min", "/min"),
        ("d", "days"),
        ("%", "%"),
        ("", ""),
    ],
)
def test_units(unit: str, expected: str) -> None:
    assert unit_words(unit) == expected


@pytest.mark.parametrize(
    ("number", "unit", "decimals", "said"),
    [
        ("0.4", "%", 0, "under 1 %"),
        ("0.04", "%", 1, "under 0.1 %"),
        ("99.96", "%", 1, "over 99.9 %"),
        ("100", "%", 0, "100 %"),
        ("0", "%", 0, "0 %"),
        ("0.4", "{score}", 0, "0 points"),
        ("0.6", "{score}", 0, "1 point"),
        ("17.9", "/min", 0, "18/min"),
    ],
)
def test_rounding_makes_no_chance_none_or_certain(number: str, unit: str, decimals: int, said: str) -> None:
    assert amount(Decimal(number), unit, decimals) == said


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12))
def test_a_number_in_words_is_the_number_but_for_noise(value: Decimal) -> None:
    text = number_words(value)
    assert "e" not in text.lower()
    assert abs(Decimal(text) - value) <= max(abs(value) * Decimal("5e-6"), Decimal(0))
    assert number_words(Decimal(text)) == text


@pytest.mark.parametrize(
    ("value", "expected"), [("1.4567", "1.46"), ("0.012345", "0.0123"), ("1234.5", "1235"), ("61", "61")]
)
def test_three_digits(value: str, expected: str) -> None:
    assert str(brief_number(Decimal(value))) == expected


def test_a_minus_is_no_hyphen() -> None:
    assert minus("-1.8") == "−1.8"


@pytest.mark.parametrize(
    ("number", "unit", "decimals", "said"),
    [("64.2959", "a", 1, "64.2"), ("17.99", "a", 0, "17"), ("64.2959", "kg", 1, "64.3"), ("0.95", "a", 1, "0.9")],
)
def test_an_age_is_rounded_down(number: str, unit: str, decimals: int, said: str) -> None:
    assert rounded_words(Decimal(number), unit, decimals) == said
    assert str(round_in_unit(Decimal(number), unit, decimals)) == said

"""Values as a reader meets them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ontology.values import Absent, AbsentReason, Bound, Coding, Date, Quantity, Series, Value
from ontology.words import number_words, unit_words, words

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Quantity(Decimal("1.6"), "mg/dL"), "1.6 mg/dL"),
        (Quantity(Decimal("61"), "mL/min/{1.73_m2}"), "61 mL/min/1.73 m²"),
        (Quantity(Decimal("-3.2"), "mL/min/{1.73_m2}/a"), "-3.2 mL/min/1.73 m² a year"),
        (Quantity(Decimal("5"), "{score}"), "5 points"),
        (Quantity(Decimal("1"), "{score}"), "1 point"),
        (Quantity(Decimal("1.0"), "a"), "1 year"),
        (Quantity(Decimal("67.5"), "a"), "67.5 years"),
        (Quantity(Decimal("18"), "/min"), "18/min"),
        (Quantity(Decimal("96"), "%"), "96 %"),
        (Quantity(Decimal("0.5"), "1"), "0.5"),
        (Bound("<", Decimal("5"), "mg/g"), "<5 mg/g"),
        (Bound(">=", Decimal("90"), "mL/min/{1.73_m2}"), ">=90 mL/min/1.73 m²"),
        (Coding("urn:sex", "male"), "male"),
        (Coding("http://snomed.info/sct", "248234008", "Alert"), "Alert"),
        (True, "yes"),
        (False, "no"),
        (Date(date(1950, 1, 1), date(1950, 12, 31)), "1950-01-01 to 1950-12-31"),
        (Date(date(1950, 1, 1), date(1950, 1, 1)), "1950-01-01"),
        (Series(((NOON, Decimal(1)),) * 12, "mg/dL"), "series of 12 (mg/dL)"),
        (Series((), "1"), "series of 0"),
        (Absent(AbsentReason.NOT_FOUND), "absent: not found"),
        (Absent(AbsentReason.RECORDED_UNKNOWN), "absent: recorded unknown"),
    ],
    ids=str,
)
def test_words(value: Value, expected: str) -> None:
    assert words(value) == expected


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


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12))
def test_a_number_in_words_is_the_number_but_for_noise(value: Decimal) -> None:
    text = number_words(value)
    assert "e" not in text.lower()
    assert abs(Decimal(text) - value) <= max(abs(value) * Decimal("5e-6"), Decimal(0))
    assert number_words(Decimal(text)) == text


@pytest.mark.parametrize("reason", AbsentReason)
def test_every_absence_has_words(reason: AbsentReason) -> None:
    assert words(Absent(reason)).startswith("absent: ")

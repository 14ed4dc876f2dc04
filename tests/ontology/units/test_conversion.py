"""Units: exact where UCUM says so, refused where it does not."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ontology.errors import UnitError
from ontology.units import SIGNIFICANT_DIGITS, convert, is_convertible, ucum_code
from ontology.units.ucum import spelling_table

CREATININE = Decimal("113.12")


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        ("98.6", "[degF]", "Cel", "37"),
        ("36.6", "Cel", "[degF]", "97.88"),
        ("310.15", "K", "Cel", "37"),
        ("-40", "[degF]", "Cel", "-40"),
        ("70", "[in_i]", "cm", "177.8"),
        ("1.7", "m", "cm", "170"),
        ("1", "[lb_av]", "kg", "0.45359237"),
        ("70000", "g", "kg", "70"),
        ("2", "/s", "/min", "120"),
        ("0.4", "1", "%", "40"),
        ("21", "%", "1", "0.21"),
        ("12", "mg/L", "mg/dL", "1.2"),
        ("0.012", "g/L", "mg/dL", "1.2"),
        ("0.03", "ug/mg", "mg/g", "0.03"),
        ("3", "g/mol", "mg/mmol", "3"),
        ("1", "mL/s", "mL/min", "60"),
        ("90", "ml/min/{1.73_m2}", "mL/min/{1.73_m2}", "90"),
        ("365.25", "d", "a", "1"),
        ("-3", "mL/min/{1.73_m2}/a", "mL/min/{1.73_m2}/mo", "-0.25"),
    ],
)
def test_converts_exactly(value: str, source: str, target: str, expected: str) -> None:
    result = convert(Decimal(value), source, target)
    assert str(result) == expected


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        ("113.12", "mg/dL", "mmol/L", "10"),
        ("11.312", "mg/dL", "umol/L", "1000"),
        ("1000", "umol/L", "mg/dL", "11.312"),
        ("113.12", "mg/g", "mg/mmol", "12.7961344"),
        ("12.7961344", "mg/mmol", "mg/g", "113.12"),
        ("11.312", "mg/mmol", "mg/g", "100"),
    ],
)
def test_mass_and_molar_units_meet_by_the_molar_mass(value: str, source: str, target: str, expected: str) -> None:
    assert str(convert(Decimal(value), source, target, CREATININE)) == expected


def test_one_mg_per_mmol_of_creatinine_is_8_84_mg_per_g() -> None:
    assert convert(Decimal(1), "mg/mmol", "mg/g", CREATININE).quantize(Decimal("0.01")) == Decimal("8.84")
    assert convert(Decimal(1), "mg/dL", "umol/L", CREATININE).quantize(Decimal("0.1")) == Decimal("88.4")


@pytest.mark.parametrize(
    ("source", "target", "molar_mass"),
    [
        ("mL/min", "mL/min/{1.73_m2}", None),
        ("mL/min/{1.73_m2}", "mL/min", CREATININE),
        ("mL/min/{1.73_m2}", "mL/min/{1.73_m2}/a", None),
        ("mg{a}/g{b}", "mg{b}/g{a}", None),
        ("{score}", "1", None),
        ("{score}", "%", None),
        ("mg/dL", "umol/L", None),
        ("mg/mmol", "mg/g", None),
        ("mmol/mol", "mg/g", CREATININE),
        ("mmol/mol", "mg/mmol", CREATININE),
        ("mg/dL", "mol", CREATININE),
        ("umol/L", "mg/g", CREATININE),
        ("umol/L", "mg/dL", Decimal(0)),
        ("mg/dL", "kg", None),
        ("K/uL", "10*3/uL", None),
        ("mmHg", "mm[Hg]", None),
        ("bpm", "/min", None),
        ("C", "Cel", None),
        ("[pH]", "1", None),
        ("Cel/min", "K/min", None),
        ("", "1", None),
        ("m" * 200, "cm", None),
        ("nonsense", "mg/dL", None),
    ],
)
def test_refuses(source: str, target: str, molar_mass: Decimal | None) -> None:
    with pytest.raises(UnitError):
        convert(Decimal(1), source, target, molar_mass)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1E+500"])
def test_refuses_numbers_beyond_reason(value: str) -> None:
    with pytest.raises(UnitError):
        convert(Decimal(value), "mg/L", "mg/dL")


def test_zero_is_zero_however_it_is_written() -> None:
    assert convert(Decimal("0E+999999"), "mg/L", "mg/dL") == 0
    assert convert(Decimal("0.00"), "Cel", "[degF]") == 32


def test_a_unit_to_itself_leaves_the_number_as_written() -> None:
    assert str(convert(Decimal("1.20"), "mg/dL", "mg/dL")) == "1.20"


PAIRS = [
    ("mg/dL", "umol/L"),
    ("mg/mmol", "mg/g"),
    ("Cel", "[degF]"),
    ("Cel", "K"),
    ("kg", "[lb_av]"),
    ("cm", "[in_i]"),
    ("mm[Hg]", "kPa"),
    ("%", "1"),
    ("/min", "Hz"),
]
# Up to ten digits, four of them decimals: more than any record of these quantities has.
NUMBERS = st.integers(min_value=0, max_value=9_999_999_999).map(lambda n: Decimal(n).scaleb(-4))


@given(NUMBERS, st.sampled_from([*PAIRS, *((b, a) for a, b in PAIRS)]))
def test_there_and_back_is_exact_to_the_precision_given(value: Decimal, pair: tuple[str, str]) -> None:
    there = convert(value, *pair, CREATININE)
    back = convert(there, pair[1], pair[0], CREATININE)
    assert back.quantize(Decimal("0.0001")) == value


@given(NUMBERS, NUMBERS, st.sampled_from([*PAIRS, *((b, a) for a, b in PAIRS)]))
def test_order_is_kept(one: Decimal, other: Decimal, pair: tuple[str, str]) -> None:
    low, high = sorted((one, other))
    assert convert(low, *pair, CREATININE) <= convert(high, *pair, CREATININE)
    if low != high:
        assert convert(low, *pair, CREATININE) != convert(high, *pair, CREATININE)


@given(NUMBERS, st.sampled_from(PAIRS))
def test_equal_numbers_stay_equal_and_have_no_more_digits_than_said(value: Decimal, pair: tuple[str, str]) -> None:
    result = convert(value, *pair, CREATININE)
    assert result == convert(value.normalize(), *pair, CREATININE)
    assert len(result.as_tuple().digits) <= SIGNIFICANT_DIGITS
    assert "E+" not in str(result)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("mmHg", "mm[Hg]"),
        (" mmHg ", "mm[Hg]"),
        ("beats/minute", "/min"),
        ("breaths/minute", "/min"),
        ("bpm", "/min"),
        ("°C", "Cel"),
        ("C", "Cel"),
        ("F", "[degF]"),
        ("degF", "[degF]"),
        ("kg/m^2", "kg/m2"),
        ("kg/m²", "kg/m2"),
        ("µmol/L", "umol/L"),
        ("μmol/L", "umol/L"),
        ("umol/l", "umol/L"),
        ("mg/dl", "mg/dL"),
        ("mg/dL", "mg/dL"),
        ("mL/min/1.73m2", "mL/min/{1.73_m2}"),
        ("mg/g{creat}", "mg/g"),
        ("K/uL", "10*3/uL"),
        ("(score)", "{score}"),
        ("MG/dL", None),
        ("fraction", None),
        ("", None),
        ("mL/min/m2", None),
    ],
)
def test_spellings(text: str, code: str | None) -> None:
    assert ucum_code(text) == code


def test_every_spelling_leads_to_ucum_and_contradicts_it_only_where_said() -> None:
    """A spelling that UCUM itself reads as another unit is listed here by hand, each with a thought."""
    otherwise = {"C", "F", "K/uL", "ft"}
    for text, code in spelling_table().items():
        assert is_convertible(code)
        if text == code or "{" in text or not is_convertible(text):
            continue
        try:
            same = all(convert(Decimal(n), text, code) == n for n in (1, 1000))
        except UnitError:
            same = False
        assert same is (text not in otherwise), text

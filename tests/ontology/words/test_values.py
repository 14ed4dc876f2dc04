"""Values as a reader meets them: in a sentence, in a warrant, at the bedside, and as recorded."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from ontology.evaluation import Interval, SlotInput
from ontology.values import Absent, AbsentReason, Bound, Coding, Date, Quantity, Series, Value
from ontology.words import SHORT, Style
from ontology.words.values import (
    between_words,
    brief_words,
    concept_words,
    in_local_limits,
    input_words,
    interval_words,
    limits_words,
    local_factor,
    missing_words,
    quantity_words,
    recorded_words,
    uncertainty_words,
    value_words,
)
from tests.support.descriptions import make_concept

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
COURSE = Series(tuple((NOON + timedelta(days=n), Decimal(n + 1)) for n in range(12)), "mg/dL")
YEAR_1950 = Date(date(1950, 1, 1), date(1950, 12, 31))
MISSING = Absent(AbsentReason.RECORDED_UNKNOWN)
LIMITS = Interval(Decimal(46), Decimal(52), "mL/min/{1.73_m2}", "whatever the sex may be")


@pytest.mark.parametrize(
    ("value", "short", "full"),
    [
        (Quantity(Decimal("1.6"), "mg/dL"), "1.6 mg/dL", "1.6 mg/dL"),
        (Quantity(Decimal("61"), "mL/min/{1.73_m2}"), "61 mL/min/1.73 m²", "61 mL/min/1.73 m²"),
        (
            Quantity(Decimal("-3.2"), "mL/min/{1.73_m2}/a"),
            "-3.2 mL/min/1.73 m² a year",
            "-3.2 mL/min/1.73 m² a year",
        ),
        (Quantity(Decimal("5"), "{score}"), "5 points", "5 points"),
        (Quantity(Decimal("1"), "{score}"), "1 point", "1 point"),
        (Quantity(Decimal("1.0"), "a"), "1 year", "1 year"),
        (Quantity(Decimal("67.5"), "a"), "67.5 years", "67.5 years"),
        (Quantity(Decimal("18"), "/min"), "18/min", "18/min"),
        (Quantity(Decimal("96"), "%"), "96 %", "96 %"),
        (Quantity(Decimal("0.5"), "1"), "0.5", "0.5"),
        (Bound("<", Decimal("5"), "mg/g"), "<5 mg/g", "less than 5 mg/g"),
        (
            Bound(">=", Decimal("90"), "mL/min/{1.73_m2}"),
            ">=90 mL/min/1.73 m²",
            "at least 90 mL/min/1.73 m²",
        ),
        (Coding("urn:sex", "male"), "male", "male"),
        (Coding("http://snomed.info/sct", "248234008", "Alert"), "Alert", "Alert"),
        (True, "yes", "yes"),
        (False, "no", "no"),
        (YEAR_1950, "1950-01-01 to 1950-12-31", "between 1950-01-01 and 1950-12-31"),
        (Date(date(1950, 1, 1), date(1950, 1, 1)), "1950-01-01", "1950-01-01"),
        (COURSE, "series of 12 (mg/dL)", "12 values, 2026-01-01 to 2026-01-12, 1 to 12 mg/dL"),
        (replace(COURSE, points=COURSE.points[:1]), "series of 1 (mg/dL)", "1 value, 1 mg/dL on 2026-01-01"),
        (Series((), "1"), "series of 0", "no values"),
        (Absent(AbsentReason.NOT_FOUND), "absent: not found", "missing (not found in the record)"),
        (MISSING, "absent: recorded unknown", "missing (recorded as unknown)"),
    ],
    ids=str,
)
def test_values(value: Value, short: str, full: str) -> None:
    assert value_words(value, style=SHORT) == short
    assert value_words(value) == full


def test_the_short_form_makes_no_chance_none_or_certain() -> None:
    def short(number: str, unit: str = "%") -> str:
        return value_words(Quantity(Decimal(number), unit), 1, SHORT)

    assert short("0.04") == "under 0.1 %"
    assert short("0.05") == "under 0.1 %"
    assert short("99.96") == "over 99.9 %"
    assert short("99.94") == "99.9 %"
    assert (short("0"), short("100")) == ("0 %", "100 %")
    assert short("0.04", "mg/dL") == "0 mg/dL"


@pytest.mark.parametrize("reason", AbsentReason)
def test_every_absence_has_words(reason: AbsentReason) -> None:
    assert value_words(Absent(reason), style=SHORT).startswith("absent: ")
    assert value_words(Absent(reason)).startswith("missing (")


def test_decimals_stand_in_a_sentence_and_not_in_a_warrant() -> None:
    risk = Quantity(Decimal("28.026"), "%")
    assert value_words(risk, 1) == "28.0 %"
    assert value_words(risk, 1, SHORT) == "28 %"


@pytest.mark.parametrize(
    ("value", "brief", "recorded"),
    [
        (Quantity(Decimal("1.4560"), "mg/dL"), "1.46 mg/dL", "1.4560 mg/dL"),
        (Quantity(Decimal("120"), "mm[Hg]"), "120 mmHg", "120 mm[Hg]"),
        (Bound("<", Decimal("5.0"), "mg/g"), "<5 mg/g", "<5.0 mg/g"),
        (Coding("urn:sex", "male"), "male", "male"),
        (True, "yes", "yes"),
        (YEAR_1950, "1950-01-01 to 1950-12-31", "1950-01-01 to 1950-12-31"),
        (COURSE, "series of 12 (mg/dL)", "series of 12 (mg/dL)"),
        (MISSING, "absent: recorded unknown", "no value"),
    ],
    ids=str,
)
def test_at_the_bedside_and_as_recorded(value: Value, brief: str, recorded: str) -> None:
    assert brief_words(value) == brief
    assert recorded_words(value) == recorded


def test_intervals() -> None:
    assert interval_words(LIMITS) == "46 to 52 mL/min/1.73 m²"
    assert between_words(LIMITS, 1) == "between 46.0 and 52.0 mL/min/1.73 m²"


@pytest.mark.parametrize(
    ("low", "high", "text", "says"),
    [
        ("5.1", "15.2", "90 % of fits", "5.1 to 15.2 % (90 % of fits)"),
        ("-2.9", "-0.8", "95 % interval −2.9 to −0.8 %", "95 % interval −2.9 to −0.8 %"),
        ("-0.4", "1.20", "95 % interval −0.4 to +1.2 %", "95 % interval −0.4 to +1.2 %"),
        # Other numbers in the words are not the limits.
        (
            "5.1",
            "15.2",
            "90 % of fits to people of 40 to 90 years",
            "5.1 to 15.2 % (90 % of fits to people of 40 to 90 years)",
        ),
    ],
)
def test_limits_are_told_once(low: str, high: str, text: str, says: str) -> None:
    assert uncertainty_words(Interval(Decimal(low), Decimal(high), "%", text), 1) == says


def test_the_limits_stand_before_words_that_do_not_have_them() -> None:
    limits = Interval(Decimal("0.2"), Decimal("2.4"), "%", "widened to hold the estimate")
    assert uncertainty_words(limits, 0) == "under 1 to 2 % (widened to hold the estimate)"
    worded = replace(limits, text="95 % confidence interval +0.2 to +2.4")
    assert uncertainty_words(worded, 0) == worded.text


@pytest.mark.parametrize(
    ("consumed", "known", "missing"),
    [
        (SlotInput(MISSING), "missing", "recorded as unknown"),
        (
            SlotInput(MISSING, LIMITS),
            "between 46 and 52 mL/min/1.73 m²",
            "recorded as unknown; between 46 and 52 mL/min/1.73 m²",
        ),
        (SlotInput(Bound("<", Decimal(5), "mg/g")), "<5 mg/g", "known only as <5 mg/g"),
    ],
)
def test_inputs(consumed: SlotInput, known: str, missing: str) -> None:
    assert input_words(consumed) == known
    assert missing_words(consumed) == missing


@pytest.mark.parametrize(
    ("low", "high", "unit", "decimals", "words"),
    [
        ("17.96", "18.04", "mg/dL", 1, "between 17.96 and 18.04 mg/dL"),
        ("17.96", "18.04", "mg/dL", 0, "between 17.96 and 18.04 mg/dL"),
        # Of an age that is known to the month; ages are rounded down.
        ("17.96", "18.04", "a", 1, "between 17.9 and 18.0 years"),
        ("17.4", "18.4", "a", 0, "between 17 and 18 years"),
        ("1", "1", "{score}", 0, "at 1 point"),
        ("1", "2", "{score}", 0, "between 1 and 2 points"),
        # No more than three further digits.
        ("17.99999", "18.00001", "mg/dL", 1, "between 18.0000 and 18.0000 mg/dL"),
    ],
)
def test_limits_have_as_many_digits_as_tell_them_apart(
    low: str, high: str, unit: str, decimals: int, words: str
) -> None:
    assert between_words(Interval(Decimal(low), Decimal(high), unit, ""), decimals) == words


CREATININE = replace(
    make_concept("serum-creatinine"), unit="mg/dL", units=("mg/dL", "umol/L"), molar_mass=Decimal("113.12")
)
LOCAL = Style(units={"serum-creatinine": "umol/L"})


def test_values_are_shown_in_the_unit_of_the_site() -> None:
    """88.4 µmol/L is 1 mg/dL of creatinine (113.12 g/mol)."""
    one = Quantity(Decimal(1), "mg/dL")
    assert concept_words(one, CREATININE, 2) == "1.00 mg/dL"
    assert concept_words(one, CREATININE, 2, LOCAL) == "88.4 µmol/L"
    assert concept_words(Quantity(Decimal("88.4"), "umol/L"), CREATININE, style=LOCAL) == "88.4 µmol/L"
    assert concept_words(Bound("<", Decimal("0.2"), "mg/dL"), CREATININE, style=LOCAL) == "less than 17.7 µmol/L"
    limits = Interval(Decimal(1), Decimal(2), "mg/dL", "")
    assert limits_words(limits, CREATININE, 1, LOCAL) == "between 88.4 and 177 µmol/L"
    assert in_local_limits(limits, CREATININE) is limits
    assert "88.4 to 1061 µmol/L" in concept_words(COURSE, CREATININE, style=LOCAL)
    assert round(local_factor("mg/dL", CREATININE, LOCAL), 1) == Decimal("88.4")
    # Differences of a temperature: its zero is another.
    temperature, fahrenheit = make_concept("t"), Style(units={"t": "[degF]"})
    assert local_factor("Cel", temperature, fahrenheit) == Decimal("1.8")
    # What the site's unit does not meet is shown as it is.
    assert concept_words(Quantity(Decimal(1), "kg"), CREATININE, style=LOCAL) == "1 kg"


@pytest.mark.parametrize(
    ("number", "unit", "decimals", "words"),
    [
        ("1.60", "mg/dL", None, "1.6 mg/dL"),
        ("51.0953", "mL/min/{1.73_m2}", 0, "51 mL/min/1.73 m²"),
        ("51.5", "mL/min/{1.73_m2}", 0, "52 mL/min/1.73 m²"),
        ("28.04", "%", 1, "28.0 %"),
        ("0.04", "%", 1, "under 0.1 %"),
        ("18", "/min", None, "18/min"),
        ("1", "{score}", 0, "1 point"),
        ("0.0000012345678", "1", None, "0.00000123457"),
        ("17.9999", "a", None, "17.9 years"),
        ("17.9999", "a", 1, "17.9 years"),
        ("17.9999", "a", 0, "17 years"),
        ("18", "a", 1, "18.0 years"),
    ],
)
def test_a_quantity_in_a_table(number: str, unit: str, decimals: int | None, words: str) -> None:
    assert quantity_words(Decimal(number), unit, decimals) == words

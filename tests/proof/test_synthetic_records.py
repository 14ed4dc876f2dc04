"""Amended, erroneous and contradictory records of the synthetic patients: what of them is used, and what is told."""

import math
from decimal import Decimal

import pytest

from ontology.values import Absent, AbsentReason, Quantity, Series
from server.executor.trace import BoundInput, Trace
from server.explain.results import Status
from tests.support.proof_questions import execution, results_by_concept

pytestmark = pytest.mark.ehr


def given(trace: Trace, concept: str, slot: str) -> BoundInput:
    return execution(trace, concept).inputs[slot]


def named(found: BoundInput) -> set[str]:
    return {resource.source.id for resource in found.resources if resource.source is not None}


def ckd_epi(creatinine: float, age: float, female: bool) -> float:
    """doi:10.1056/NEJMoa2102953."""
    ratio = creatinine / (0.7 if female else 0.9)
    low, high = min(ratio, 1) ** (-0.241 if female else -0.302), max(ratio, 1) ** -1.2
    return float(142 * low * high * math.pow(0.9938, age) * (1.012 if female else 1))


def test_an_amended_result_counts_as_amended(synthetic: dict[str, Trace]) -> None:
    """1.1 became 1.6 mg/dL; 4.8 was of another patient; 2.2 was not reported yet; 1.7 is preliminary."""
    series = given(synthetic["amended-results"], "aki-stage", "creatinine")
    assert isinstance(series.value, Series)
    assert [value for _, value in series.value.points] == [Decimal("1.6"), Decimal("1.7")]
    assert {(r.source.id, r.source.version) for r in series.resources if r.source} == {
        ("amended-results-creatinine-1", "2"),
        ("amended-results-creatinine-3", "1"),
    }
    assert {resource.status for resource in series.resources} == {"amended", "preliminary"}


def test_what_was_entered_in_error_or_not_known_yet_is_nowhere(synthetic: dict[str, Trace]) -> None:
    trace = synthetic["amended-results"]
    everywhere = {name for e in trace.executions for i in e.inputs.values() for name in named(i)}
    assert "amended-results-creatinine-1" in everywhere
    assert not everywhere & {"amended-results-creatinine-2", "amended-results-creatinine-4", "amended-results-weight-1"}


def test_a_preliminary_result_counts_with_a_rebuttal(synthetic: dict[str, Trace]) -> None:
    result = results_by_concept(synthetic["amended-results"])["egfr"]
    assert given(synthetic["amended-results"], "egfr", "creatinine").value == Quantity(Decimal("1.7"), "mg/dL")
    assert "preliminary" in {issue.code for issue in result.issues}
    assert isinstance(result.value, Quantity)
    # 67 years and 24 of 365 days.
    assert abs(float(result.value.value) - ckd_epi(1.7, 67 + 24 / 365, female=False)) < 0.005


def test_a_corrected_ratio_counts_as_corrected(synthetic: dict[str, Trace]) -> None:
    ratio = given(synthetic["amended-results"], "uacr", "recorded")
    assert ratio.value == Quantity(Decimal(30), "mg/g")
    assert [(r.status, r.source and r.source.version) for r in ratio.resources] == [("corrected", "2")]


def test_units_are_converted_by_their_definition(synthetic: dict[str, Trace]) -> None:
    """1 lb = 0.45359237 kg, 1 in = 2.54 cm (both exact); creatinine 113.12 g/mol: 106 µmol/L is 1.199 mg/dL."""
    trace = synthetic["contradictory-units"]
    weight, height = (given(trace, "bmi", slot).value for slot in ("weight", "height"))
    assert weight == Quantity(Decimal(176) * Decimal("0.45359237"), "kg")
    assert height == Quantity(Decimal(70) * Decimal("2.54"), "cm")
    # 79.83 kg over (1.778 m)².
    assert results_by_concept(trace)["bmi"].value == Quantity(Decimal("25.25"), "kg/m2")
    assert given(trace, "supplemental-oxygen", "fio2").value == Quantity(Decimal(21), "%")
    creatinine = given(trace, "egfr-slope", "egfr")
    assert isinstance(creatinine.value, Series)
    (_, first), (_, second) = creatinine.value.points
    # The same concentration twice: 1.2 mg/dL, and 106 µmol/L, 0.1 % less.
    assert 0 < second - first < Decimal("0.1")


@pytest.mark.parametrize(
    ("concept", "slot", "reason", "said"),
    [
        ("egfr", "creatinine", AbsentReason.UNCONVERTIBLE, "1.15 g"),
        ("uacr", "recorded", AbsentReason.UNCONVERTIBLE, "there is no unit"),
        ("news2", "respiratory_rate", AbsentReason.CONFLICTING, "says 18 /min"),
        ("news2", "pulse", AbsentReason.IMPLAUSIBLE, "840 /min"),
        ("news2", "temperature", AbsentReason.IMPLAUSIBLE, "38.5 [degF]"),
    ],
)
def test_what_cannot_be_used_is_never_guessed(
    concept: str, slot: str, reason: AbsentReason, said: str, synthetic: dict[str, Trace]
) -> None:
    trace = synthetic["contradictory-units"]
    found = given(trace, concept, slot)
    assert found.value == Absent(reason)
    assert any(said in issue.text for issue in found.issues)
    result = results_by_concept(trace)[concept]
    assert result.status is Status.INSUFFICIENT
    assert any(said in issue.text for issue in result.issues)


def test_news2_of_what_is_left_is_bounds(synthetic: dict[str, Trace]) -> None:
    """SpO2 96 (0), air (0), systolic 128 (0), alert (0); respiration, pulse and temperature may add 3 each."""
    result = results_by_concept(synthetic["contradictory-units"])["news2"]
    assert result.bounds is not None
    assert (result.bounds.low, result.bounds.high) == (0, 9)


def test_unknown_sex_gives_both_results_as_bounds(synthetic: dict[str, Trace]) -> None:
    result = results_by_concept(synthetic["unknown-sex"])["egfr"]
    assert result.status is Status.INSUFFICIENT
    assert result.bounds is not None
    age = 55 + 263 / 365  # born 10 October 1970, on 30 June 2026
    for bound, female in ((result.bounds.low, True), (result.bounds.high, False)):
        assert abs(float(bound) - ckd_epi(1.3, age, female)) < 0.005


def test_a_partial_birth_date_gives_bounds(synthetic: dict[str, Trace]) -> None:
    results = results_by_concept(synthetic["partial-birth-date"])
    age, egfr = results["age"], results["egfr"]
    assert age.status is egfr.status is Status.INSUFFICIENT
    assert age.bounds is not None and egfr.bounds is not None
    # Born on the last and on the first day of 1951: 181 days and 180 days after the birthday.
    ages = (74 + 181 / 365, 75 + 180 / 365)
    for bound, years in zip((age.bounds.low, age.bounds.high), ages, strict=True):
        assert abs(float(bound) - years) < 1e-5
    for bound, years in zip((egfr.bounds.high, egfr.bounds.low), ages, strict=True):
        assert abs(float(bound) - ckd_epi(0.85, years, female=True)) < 0.005

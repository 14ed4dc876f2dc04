"""The synthetic patients in a real FHIR server: what can be known of each without the server, by hand."""

from decimal import Decimal
from typing import Any

import pytest

from ontology.values import Absent, Coding, Quantity
from server.executor.trace import Trace
from server.explain.results import Status
from tests.support.proof_questions import results_by_concept

pytestmark = pytest.mark.ehr
C, P, I, N = Status.COMPLETE, Status.PARTIAL, Status.INSUFFICIENT, Status.NOT_APPLICABLE  # noqa: E741 - as in the table

SCORES = [
    # Heart failure 1, hypertension 1, 78 years 2, diabetes 1, stroke 2, female 1; the infarction is refuted, so that
    # vascular disease is not recorded, and would add 1.
    ("af-stroke", "cha2ds2-vasc", 8, (8, 9)),
    ("af-stroke", "cha2ds2-va", 7, (7, 8)),
    # 74 or 75 years: 1 or 2; hypertension 1, female 1.  Not recorded: heart failure 1, diabetes 1, stroke 2, vessels 1.
    ("partial-birth-date", "cha2ds2-vasc", 3, (3, 9)),
    ("partial-birth-date", "cha2ds2-va", 2, (2, 8)),
    # Last set: respiration 28 (3), SpO2 91 (3), oxygen (2), systolic 88 (3), pulse 132 (3), voice (3), 39.4 °C (2).
    ("sepsis-ward", "news2", 19, None),
    # Respiration 28, systolic 88, not alert.
    ("sepsis-ward", "qsofa", 3, None),
    # Last set: respiration 20 (0), 90 % on scale 2 (0), oxygen (2), systolic 130 (0), pulse 88 (0), alert, 36.8 °C (0).
    ("copd-scale-2", "news2", 2, None),
    # Respiration 14, 98 %, air, systolic 118, pulse 60, alert, 36.7 °C.
    ("healthy", "news2", 0, None),
    ("healthy", "qsofa", 0, None),
    # Last set: respiration 24 (2), SpO2 93 (2), oxygen (2), systolic 98 (2), pulse 116 (2), alert, 36.9 °C (0).
    ("infarction", "news2", 10, None),
]

CODES = [
    # 2.3 mg/dL over 0.9: 2.56 times.
    ("sepsis-ward", "aki-stage", "aki-stage-2"),
    # 2.4 mg/dL against 1.3: 1.85 times.
    ("liver-day-3", "aki-stage", "aki-stage-1"),
    # UACR 618 mg/g; eGFR below 30 from the second creatinine of 2025 on.
    ("ckd-progressing", "albuminuria-category", "A3"),
    ("ckd-progressing", "gfr-category", "G4"),
    # UACR corrected from 300 to 30 mg/g.
    ("amended-results", "albuminuria-category", "A2"),
    ("healthy", "albuminuria-category", "A1"),
    ("healthy", "gfr-category", "G1"),
    ("unknown-sex", "albuminuria-category", "A2"),
    # Whichever day of 1951: 71 to 72.
    ("partial-birth-date", "gfr-category", "G2"),
]

KIDNEY = ("egfr", "gfr-category", "ckd-chronicity", "egfr-slope", "kidney-failure-risk-2y", "kidney-failure-risk-5y")
RHYTHM = ("cha2ds2-vasc", "cha2ds2-va")
REFUSED = [
    *(("dialysis", concept, "on dialysis") for concept in KIDNEY),
    *(("dialysis", concept, "on chronic dialysis") for concept in ("aki-stage", "aki-episode")),
    *(("child-fever", concept, "under 18 years") for concept in (*KIDNEY, "qsofa", *RHYTHM)),
    ("child-fever", "news2", "under 16 years"),
    ("pregnant", "news2", "pregnancy"),
    ("infarction", "prevent-10y-total-cvd", "known cardiovascular disease"),
    ("prevention", "mortality-after-mi-1y", "no acute myocardial infarction"),
    ("prevention", "support-hospital-mortality-day3", "none of the disease groups"),
    *(
        ("af-mechanical-valve", concept, "prosthetic heart valve: valve type or severity not recorded")
        for concept in RHYTHM
    ),
    *(
        (patient, concept, "no atrial fibrillation or flutter recorded")
        for patient in ("healthy", "sparse")
        for concept in RHYTHM
    ),
    *(("healthy", f"kidney-failure-risk-{years}y", "60 mL/min/1.73 m² or more") for years in (2, 5)),
]

# What is absent, and the words with which the issues say why.
WANTING = [
    ("sparse", "egfr", "the latest is of 2019-03-04"),
    ("sparse", "gfr-category", "the latest is of 2019-03-04"),
    ("sparse", "bmi", "No body height in the last 10 years"),
    ("sparse", "albuminuria-category", "No albumin-creatinine ratio in the last 3 years"),
    ("sparse", "aki-stage", "the latest is of 2019-03-04"),
    ("sparse", "egfr-slope", "the latest is of 2019-03-04"),
    ("sparse", "news2", "No respiratory rate in the last 24 hours"),
    ("sparse", "qsofa", "No systolic blood pressure in the last 24 hours"),
    ("sparse", "supplemental-oxygen", "oxygen therapy not documented: room air not assumed"),
    # That one drug is not taken, and one type of diabetes refuted, says no more than that.
    ("prevention", "prevent-10y-total-cvd", "statin"),
    ("ckd-progressing", "kidney-failure-risk-5y", "neither set for this site nor assumed"),
    ("ckd-progressing", "aki-stage", "No creatinine in the last 7 days"),
    ("unknown-sex", "egfr", "says unknown"),
    ("unknown-sex", "kidney-failure-risk-5y", "neither set for this site nor assumed"),
    ("partial-birth-date", "age", "Exact age unknown: only the year of birth, 1951, is recorded"),
]


@pytest.mark.parametrize(("patient", "concept", "score", "bounds"), SCORES)
def test_scores(
    patient: str, concept: str, score: int, bounds: tuple[int, int] | None, synthetic: dict[str, Trace]
) -> None:
    result = results_by_concept(synthetic[patient])[concept]
    assert result.value == Quantity(Decimal(score), "{score}")
    found: Any = None if result.bounds is None else (result.bounds.low, result.bounds.high)
    assert found == bounds
    # Settled is complete, whichever of several kinds of record settled it.
    assert result.status is (C if bounds is None else P)
    if bounds is not None:
        assert f"at least {score} (recorded); up to {bounds[1]}" in result.text


@pytest.mark.parametrize(("patient", "concept", "code"), CODES)
def test_categories(patient: str, concept: str, code: str, synthetic: dict[str, Trace]) -> None:
    result = results_by_concept(synthetic[patient])[concept]
    assert result.value == Coding("https://medtwin.example/codes", code)
    assert result.status in (C, P)


@pytest.mark.parametrize(("patient", "concept", "why"), REFUSED)
def test_refused(patient: str, concept: str, why: str, synthetic: dict[str, Trace]) -> None:
    result = results_by_concept(synthetic[patient])[concept]
    assert result.status is N
    assert isinstance(result.value, Absent)
    assert result.bounds is None
    assert why in result.text


@pytest.mark.parametrize(("patient", "concept", "why"), WANTING)
def test_insufficient_says_why(patient: str, concept: str, why: str, synthetic: dict[str, Trace]) -> None:
    result = results_by_concept(synthetic[patient])[concept]
    assert result.status is I
    assert isinstance(result.value, Absent)
    assert any(why in issue.text for issue in result.issues), [issue.text for issue in result.issues]


def test_nothing_failed(synthetic: dict[str, Trace]) -> None:
    assert len(synthetic) == 17
    for trace in synthetic.values():
        assert Status.FAILED not in {result.status for result in results_by_concept(trace).values()}
        assert trace.issues == ()

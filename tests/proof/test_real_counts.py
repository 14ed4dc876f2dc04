"""What the server read of the real patients, against an independent reading of their raw JSON, patient by patient."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import pytest

from ontology.values import Quantity
from server.explain.results import Status
from tests.support.independent_reading import CREATININE, UACR, diagnosed, has_number, moment, newest, vital_signs
from tests.support.real_answers import WHY_ABSENT, Answers, RealAnswer

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.ehr,
    pytest.mark.skipif(WHY_ABSENT is not None, reason=WHY_ABSENT or ""),
]

# Concept, slot, codes, and for how many days a number counts.
NUMBERS = [
    ("egfr", "creatinine", CREATININE, 90),
    ("aki-stage", "creatinine", CREATININE, 462),
    ("egfr-slope", "creatinine", CREATININE, 1461),
    ("egfr", "recorded", ("33914-3", "62238-1", "98979-8"), 90),
    ("albuminuria-category", "uacr", UACR, 365),
    ("kidney-failure-risk-5y", "uacr", UACR, 365),
    ("bmi", "weight", ("29463-7",), 365),
    ("bmi", "height", ("8302-2",), 3653),
    ("bmi", "recorded", ("39156-5",), 365),
]
# In the codes of these data: SNOMED CT in full, ICD-10 and ICD-9 without dots, by their beginnings.
DIAGNOSES = {
    "atrial_fibrillation": r"49436004$|I48|4273[12]$",
    "diabetes": r"(44054006|127013003|422034002|1501000119109|1551000119108|368581000119106)$"
    r"|E(08|09|10|11|13)\w{1,4}$|(249|250)\w{1,2}$",
    "heart_failure": r"88805009$|I50\w*$|I110$|I13[02]$|428\w{1,2}$|40[24]\w[13]$",
    "hypertension": r"38341003$|I1[0-6]\w{0,2}$|40[1-5]\w{1,2}$",
    "stroke_tia_thromboembolism": r"230690007$|I6[34]\w*$|G45\w$|Z8673$|43[34]\w1$|V1254$|I69[34]\w*$",
    "vascular_disease": r"(22298006|53741008|399211009)$|I2[12]\w{0,2}$|I25[12]\w{0,2}$|I70\w*$"
    r"|41[02]\w{0,2}$|4140\w?$|440\w{0,2}$|E115[12]$",
}
EVERYONE = ("synthea", "mimic")


def agrees(answers: Answers, server: Callable[[RealAnswer], object], naive: Callable[[RealAnswer], object]) -> None:
    for source in EVERYONE:
        for answer in answers[source]:
            assert server(answer) == naive(answer), f"{source}: the server's reading, then the naive one"


def at(answer: RealAnswer) -> datetime:
    """As of when: the death, if there was one before."""
    death = answer.patient.resources[0].get("deceasedDateTime")
    asked = answer.patient.last_observation
    assert asked is not None
    return asked if death is None else min(asked, moment(death))


@pytest.mark.parametrize(("concept", "slot", "codes", "days"), NUMBERS)
def test_numbers(concept: str, slot: str, codes: tuple[str, ...], days: int, answers: Answers) -> None:
    agrees(answers, lambda a: a.filled(concept, slot), lambda a: has_number(a.patient.resources, codes, at(a), days))


def test_vital_signs(answers: Answers) -> None:
    names = ("respiratory_rate", "spo2", "systolic_bp", "pulse", "temperature")
    agrees(
        answers,
        lambda a: {name for name in names if a.filled("news2", name)},
        lambda a: vital_signs(a.patient.resources, at(a)),
    )


@pytest.mark.parametrize("slot", DIAGNOSES)
def test_diagnoses(slot: str, answers: Answers) -> None:
    agrees(
        answers,
        lambda a: a.filled("cha2ds2-vasc", slot),
        lambda a: diagnosed(a.patient.resources, DIAGNOSES[slot], at(a)),
    )


def test_estimated_gfr_is_that_of_the_creatinine_in_an_old_code(answers: Answers) -> None:
    """Synthea's creatinine is coded 38483-4: each in the window gives an estimate, by the published equation."""
    estimated = 0
    for answer in answers["synthea"]:
        if not has_number(answer.patient.resources, ("38483-4",), at(answer), 90):
            continue
        estimated += 1
        result = answer.results["egfr"]
        assert result.status is Status.COMPLETE
        assert isinstance(result.value, Quantity)
        ground = answer.input("egfr", "creatinine").resources[0]
        assert ground.effective is not None
        assert ground.effective.end == newest(answer.patient.resources, ("38483-4",), at(answer), at(answer) - LONG_AGO)
        assert isinstance(ground.value, Quantity)
        assert abs(result.value.value - ckd_epi(answer, float(ground.value.value))) < Decimal("0.05")
    assert estimated == 8


LONG_AGO = moment("1900-01-01")


def ckd_epi(answer: RealAnswer, creatinine: float) -> Decimal:
    """The equation of doi:10.1056/NEJMoa2102953, with the age in days over 365.25."""
    patient = answer.patient.resources[0]
    female = patient["gender"] == "female"
    age = (at(answer) - moment(patient["birthDate"])).days / 365.25
    ratio = creatinine / (0.7 if female else 0.9)
    alpha = -0.241 if female else -0.302
    estimate = 142 * min(ratio, 1) ** alpha * max(ratio, 1) ** -1.2 * 0.9938**age * (1.012 if female else 1)
    return Decimal(str(estimate))


def test_reading_nothing_would_not_pass(answers: Answers) -> None:
    """The naive reading itself finds something: agreement on nothing proves nothing."""
    creatinines = sum(has_number(a.patient.resources, CREATININE, at(a), 90) for a in answers["synthea"])
    signs = sum(bool(vital_signs(a.patient.resources, at(a))) for a in answers["mimic"])
    fibrillation = sum(
        diagnosed(a.patient.resources, DIAGNOSES["atrial_fibrillation"], at(a)) for a in answers["mimic"]
    )
    assert (creatinines, signs, fibrillation) == (8, 34, 4)

"""Clinical rules that only the whole can show: from records, through selection, modules and explanation.

Rules of one module are proven beside that module; a failed search in ``test_faults.py``.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ontology.values import Absent, AbsentReason, Bound, Coding, Quantity
from server.executor.trace import Trace
from server.explain import fhir
from server.explain.results import AnswerResult, Status
from server.explain.text import argument
from tests.support.asking import AT, PATIENT, shipped
from tests.support.charts import Record, condition, creatinine, lab, patient, uacr
from tests.support.proving import ask_of, execution, told

MAY, JUNE = "2026-05-04T08:00:00+00:00", "2026-06-15T08:00:00+00:00"
JANUARY = "2026-01-12T09:00:00+00:00"
FIBRILLATION, INFARCTION, STROKE_HISTORY = "49436004", "22298006", "275526006"


async def result(chart: list[Record], concept: str, **more: Any) -> AnswerResult:
    return told(await ask_of(chart, concept, **more))[concept]


def codes(answer: AnswerResult) -> set[str]:
    return {issue.code for issue in answer.issues}


def said(answer: AnswerResult, code: str) -> str:
    return " ".join(issue.text for issue in answer.issues if issue.code == code)


def filled(trace: Trace, concept: str, slot: str) -> object:
    return execution(trace, concept).inputs[slot].value


@pytest.mark.parametrize(
    ("newer", "words"),
    [
        (lab("29463-7", 9000, "kg", JUNE, "w2"), "9000"),
        (lab("29463-7", 80, "furlong", JUNE, "w2"), "cannot be read"),
        (lab("29463-7", None, None, JUNE, "w2", dataAbsentReason={"text": "refused"}), "refused"),
    ],
    ids=["implausible", "unreadable", "unknown"],
)
async def test_steps_back_past_a_record_that_cannot_be_used_and_names_it(newer: Record, words: str) -> None:
    chart = [patient(), lab("8302-2", 170, "cm", MAY, "h1"), lab("29463-7", 72.25, "kg", MAY, "w1"), newer]
    answer = await result(chart, "bmi")
    assert answer.value == Quantity(Decimal("25.00"), "kg/m2")
    assert "Observation/w2" in said(answer, "stepped-back")
    assert words in said(answer, "stepped-back")
    assert any("Observation/w2" in rebuttal for rebuttal in answer.chain[-1].rebuttals)


async def test_does_not_step_back_where_a_change_may_be_missed() -> None:
    answer = await result([patient(), creatinine(1.0, MAY, id="c1"), creatinine(4, JUNE, "g/L", id="c2")], "egfr")
    assert (answer.status, answer.value) == (Status.INSUFFICIENT, Absent(AbsentReason.INPUT_ABSENT))
    assert "Observation/c2" in said(answer, "unconvertible")


async def test_an_unknown_outside_of_the_window_is_not_stepped_past_into_the_past() -> None:
    """Nothing older than the window stands in for what is recorded as unknown within it."""
    unknown = creatinine(1.0, JUNE, id="c2", dataAbsentReason={"text": "haemolysed"})
    del unknown["valueQuantity"]
    trace = await ask_of([patient(), creatinine(1.0, "2025-06-01T08:00:00+00:00", id="c1"), unknown], "egfr")
    assert filled(trace, "egfr", "creatinine") == Absent(AbsentReason.RECORDED_UNKNOWN)


async def test_says_from_when_until_when_its_grounds_are() -> None:
    chart = [patient(), creatinine(2.4, MAY), uacr(300, JANUARY)]
    answer = await result(chart, "kidney-failure-risk-5y", assume={"north-america": True})
    assert answer.grounds_from == datetime.fromisoformat(JANUARY)
    assert answer.effective == datetime.fromisoformat(MAY)
    shown = argument(answer)
    assert "rests on records from 2026-01-12 09:00 UTC to 2026-05-04 08:00 UTC" in shown


async def test_what_was_not_reported_yet_does_not_count() -> None:
    late = creatinine(3.0, "2026-06-29T08:00:00+00:00", id="c2", issued="2026-06-30T13:00:00+00:00")
    chart = [patient(), creatinine(1.0, JUNE, id="c1"), late]
    now, later = await ask_of(chart, "egfr"), await ask_of(chart, "egfr", at=AT + timedelta(hours=2))
    assert filled(now, "egfr", "creatinine") == Quantity(Decimal("1.0"), "mg/dL")
    assert filled(later, "egfr", "creatinine") == Quantity(Decimal("3.0"), "mg/dL")


async def test_our_own_results_are_never_read_back() -> None:
    chart = [patient(), creatinine(1.6, JUNE), lab("29463-7", 70, "kg", JUNE), lab("8302-2", 170, "cm", JUNE)]
    before = await ask_of(chart, "egfr", "bmi")
    ours = []
    for answer in told(before).values():
        (observation,) = [
            entry["resource"]
            for entry in fhir.bundle(answer)["entry"]
            if entry["resource"]["resourceType"] == "Observation"
        ]
        ours.append({**observation, "id": f"ours-{answer.concept.id}", "subject": {"reference": f"Patient/{PATIENT}"}})
    assert {each["code"]["coding"][0]["code"] for each in ours} == {"98979-8", "39156-5"}, "codes that we read"
    after = await ask_of([*chart, *ours], "egfr", "bmi")
    for concept in ("egfr", "bmi"):
        assert filled(after, concept, "recorded") == Absent(AbsentReason.NOT_FOUND)
    # The tag alone keeps them out.
    untagged = [{name: value for name, value in each.items() if name != "meta"} for each in ours]
    foreign = await ask_of([*chart, *untagged], "egfr")
    assert isinstance(filled(foreign, "egfr", "recorded"), Quantity)


@pytest.mark.parametrize(
    ("verification", "counts"),
    [("confirmed", True), ("unconfirmed", False), ("provisional", False), ("differential", False), ("refuted", False),
     ("entered-in-error", False)],
)  # fmt: skip
async def test_which_conditions_count(verification: str, counts: bool) -> None:
    status = {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": verification}]
    }
    chart = [patient(), condition(FIBRILLATION), condition(INFARCTION, verificationStatus=status)]
    trace = await ask_of(chart, "cha2ds2-vasc")
    expected = True if counts else Absent(AbsentReason.NOT_FOUND)
    assert filled(trace, "cha2ds2-vasc", "vascular_disease") == expected


async def test_history_counts_where_the_criterion_says_ever() -> None:
    trace = await ask_of([patient(), condition(FIBRILLATION), condition(STROKE_HISTORY)], "cha2ds2-vasc")
    assert filled(trace, "cha2ds2-vasc", "stroke_tia_thromboembolism") is True


@pytest.mark.parametrize(("hours", "counts"), [(-1, False), (1, True)])
async def test_before_the_encounter_ends_what_has_only_its_date_does_not_count(hours: int, counts: bool) -> None:
    stay = {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "finished",
        "class": {"code": "IMP"},
        "subject": {"reference": "Patient/p1"},
        "period": {"start": "2026-06-20T08:00:00Z", "end": "2026-06-28T08:00:00Z"},
    }
    undated = condition(FIBRILLATION, onset=None, encounter={"reference": "Encounter/e1"})
    at = datetime(2026, 6, 28, 8, tzinfo=UTC) + timedelta(hours=hours)
    trace = await ask_of([patient(), stay, undated], "cha2ds2-vasc", at=at)
    assert (filled(trace, "cha2ds2-vasc", "atrial_fibrillation") is True) is counts


async def test_a_what_if_says_what_it_is_not() -> None:
    chart = [patient(), creatinine(2.4, JUNE), uacr(300, JUNE)]
    assume = {"uacr": Quantity(Decimal(30), "mg/g"), "north-america": True}
    answer = await result(chart, "kidney-failure-risk-5y", assume=assume)
    assert answer.assumed
    assert "not the expected effect of treatment" in answer.text


async def test_a_risk_leaves_as_percent() -> None:
    chart = [patient(), creatinine(2.4, JUNE), uacr(300, JUNE)]
    answer = await result(chart, "kidney-failure-risk-5y", assume={"north-america": True})
    assert isinstance(answer.value, Quantity) and answer.value.unit == "%"
    assert answer.risk is not None and 0 < answer.risk.probability < 1
    assert answer.text.count("in 100 similar people over 5 years") == 1
    risk = fhir.bundle(answer)["entry"][0]["resource"]
    (prediction,) = risk["prediction"]
    assert risk["resourceType"] == "RiskAssessment"
    assert Decimal(str(prediction["probabilityDecimal"])) == pytest.approx(answer.risk.probability * 100)


@pytest.mark.parametrize("extension", [False, True])
async def test_gender_stands_in_for_sex_with_a_rebuttal(extension: bool) -> None:
    coding = {
        "system": "http://terminology.hl7.org/CodeSystem/sex-parameter-for-clinical-use",
        "code": "female-typical",
    }
    url = "http://hl7.org/fhir/StructureDefinition/patient-sexParameterForClinicalUse"
    stated = [{"url": url, "extension": [{"url": "value", "valueCodeableConcept": {"coding": [coding]}}]}]
    person = patient(gender="male", extension=stated) if extension else patient(gender="female")
    trace = await ask_of([person, creatinine(1.6, JUNE)], "egfr")
    assert filled(trace, "egfr", "sex") == Coding("http://hl7.org/fhir/administrative-gender", "female")
    assert ("administrative-gender" in codes(told(trace)["egfr"])) is not extension


async def test_a_laboratorys_own_estimate_is_never_a_substitute() -> None:
    chart = [patient(), lab("62238-1", 55, "mL/min/{1.73_m2}", JUNE)]
    answer = await result(chart, "egfr")
    assert answer.status is Status.INSUFFICIENT
    disagreeing = await result([*chart, creatinine(1.9, JUNE)], "egfr")
    assert "55" in said(disagreeing, "disagrees-with-recorded")


@pytest.mark.parametrize("code", ["2890-2", "34366-5", "2888-6"])
async def test_protein_is_not_albumin(code: str) -> None:
    answer = await result([patient(), lab(code, 500, "mg/g", JUNE)], "albuminuria-category")
    assert answer.status is Status.INSUFFICIENT


async def test_a_ratio_below_a_limit_never_enters_a_logarithm() -> None:
    below = uacr(5, JUNE)
    below["valueQuantity"]["comparator"] = "<"
    chart = [patient(), creatinine(2.4, JUNE), below]
    trace = await ask_of(chart, "kidney-failure-risk-5y", assume={"north-america": True})
    assert filled(trace, "kidney-failure-risk-5y", "uacr") == Bound("<", Decimal("5.0"), "mg/g")
    answer = told(trace)["kidney-failure-risk-5y"]
    assert answer.status is Status.INSUFFICIENT
    assert answer.bounds is not None and answer.bounds.low == 0 < answer.bounds.high


async def test_death_caps_the_evaluation_time() -> None:
    died = patient(birth="1950-06-01", deceasedDateTime="2026-05-31T23:00:00Z")
    trace = await ask_of([died, creatinine(1.0, MAY)], "egfr", "age")
    assert trace.at == datetime(2026, 5, 31, 23, tzinfo=UTC)
    age = told(trace)["age"].value
    assert isinstance(age, Quantity) and 75 < age.value < 76
    assert "death" in codes(told(trace)["age"])


async def test_race_and_ethnicity_change_nothing() -> None:
    race = {"url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race", "extension": []}
    plain = await ask_of([patient(), creatinine(1.6, JUNE)], "egfr")
    with_race = await ask_of([patient(extension=[race]), creatinine(1.6, JUNE)], "egfr")
    assert [e.evaluation for e in plain.executions] == [e.evaluation for e in with_race.executions]
    assert not any("race" in name or "ethnic" in name for name in shipped().concepts)

"""Clinical rules that only the whole can show, of answers: of whom, on what terms, and in which form they leave."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from ontology.values import Bound, Coding, Quantity
from server.explain import fhir
from server.explain.results import Status
from tests.support.charts import creatinine, lab, patient, uacr
from tests.support.engine_questions import shipped
from tests.support.proof_questions import ask_about, issue_text, result_of, results_by_concept, slot_value

MAY, JUNE = "2026-05-04T08:00:00+00:00", "2026-06-15T08:00:00+00:00"
JANUARY = "2026-01-12T09:00:00+00:00"
FIBRILLATION, INFARCTION, STROKE_HISTORY = "49436004", "22298006", "275526006"


async def test_a_what_if_says_what_it_is_not() -> None:
    chart = [patient(), creatinine(2.4, JUNE), uacr(300, JUNE)]
    assume = {"uacr": Quantity(Decimal(30), "mg/g"), "north-america": True}
    answer = await result_of(chart, "kidney-failure-risk-5y", assume=assume)
    assert answer.assumed
    assert "not the expected effect of treatment" in answer.text


async def test_a_risk_leaves_as_percent() -> None:
    chart = [patient(), creatinine(2.4, JUNE), uacr(300, JUNE)]
    answer = await result_of(chart, "kidney-failure-risk-5y", assume={"north-america": True})
    assert isinstance(answer.value, Quantity) and answer.value.unit == "%"
    assert answer.risk is not None and 0 < answer.risk.probability < 1
    assert answer.text.count("in 100 similar people over 5 years") == 1
    risk = fhir.bundle(answer)["entry"][0]["resource"]
    (prediction,) = risk["prediction"]
    assert risk["resourceType"] == "RiskAssessment"
    assert Decimal(str(prediction["probabilityDecimal"])) == round(answer.risk.probability * 100, 2)


async def test_a_small_risk_is_told_one_way() -> None:
    chart = [patient(), creatinine(1.3, JUNE), uacr(8, JUNE)]
    answer = await result_of(chart, "kidney-failure-risk-5y", assume={"north-america": True})
    assert answer.risk is not None and Decimal("0.005") < answer.risk.probability < Decimal("0.01")
    assert answer.text.count("similar people") == answer.text.count("in 1,000 similar people over 5 years") == 1


@pytest.mark.parametrize("extension", [False, True])
async def test_gender_stands_in_for_sex_with_a_rebuttal(extension: bool) -> None:
    coding = {
        "system": "http://terminology.hl7.org/CodeSystem/sex-parameter-for-clinical-use",
        "code": "female-typical",
    }
    url = "http://hl7.org/fhir/StructureDefinition/patient-sexParameterForClinicalUse"
    stated = [{"url": url, "extension": [{"url": "value", "valueCodeableConcept": {"coding": [coding]}}]}]
    person = patient(gender="male", extension=stated) if extension else patient(gender="female")
    trace = await ask_about([person, creatinine(1.6, JUNE)], "egfr")
    assert slot_value(trace, "egfr", "sex") == Coding("http://hl7.org/fhir/administrative-gender", "female")
    assert (
        "administrative-gender" in {issue.code for issue in results_by_concept(trace)["egfr"].issues}
    ) is not extension


async def test_a_laboratorys_own_estimate_is_never_a_substitute() -> None:
    chart = [patient(), lab("62238-1", 55, "mL/min/{1.73_m2}", JUNE)]
    answer = await result_of(chart, "egfr")
    assert answer.status is Status.INSUFFICIENT
    disagreeing = await result_of([*chart, creatinine(1.9, JUNE)], "egfr")
    assert "55" in issue_text(disagreeing, "disagrees-with-recorded")


@pytest.mark.parametrize("code", ["2890-2", "34366-5", "2888-6"])
async def test_protein_is_not_albumin(code: str) -> None:
    answer = await result_of([patient(), lab(code, 500, "mg/g", JUNE)], "albuminuria-category")
    assert answer.status is Status.INSUFFICIENT


async def test_a_ratio_below_a_limit_never_enters_a_logarithm() -> None:
    below = uacr(5, JUNE)
    below["valueQuantity"]["comparator"] = "<"
    chart = [patient(), creatinine(2.4, JUNE), below]
    trace = await ask_about(chart, "kidney-failure-risk-5y", assume={"north-america": True})
    assert slot_value(trace, "kidney-failure-risk-5y", "uacr") == Bound("<", Decimal("5.0"), "mg/g")
    answer = results_by_concept(trace)["kidney-failure-risk-5y"]
    assert answer.status is Status.INSUFFICIENT
    assert answer.bounds is not None and answer.bounds.low == 0 < answer.bounds.high


async def test_death_caps_the_evaluation_time() -> None:
    died = patient(birth="1950-06-01", deceasedDateTime="2026-05-31T23:00:00Z")
    trace = await ask_about([died, creatinine(1.0, MAY)], "egfr", "age")
    assert trace.at == datetime(2026, 5, 31, 23, tzinfo=UTC)
    age = results_by_concept(trace)["age"].value
    assert isinstance(age, Quantity) and 75 < age.value < 76
    assert "death" in {issue.code for issue in results_by_concept(trace)["age"].issues}


async def test_race_and_ethnicity_change_nothing() -> None:
    race = {"url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race", "extension": []}
    plain = await ask_about([patient(), creatinine(1.6, JUNE)], "egfr")
    with_race = await ask_about([patient(extension=[race]), creatinine(1.6, JUNE)], "egfr")
    assert [e.evaluation for e in plain.executions] == [e.evaluation for e in with_race.executions]
    assert not any("race" in name or "ethnic" in name for name in shipped().concepts)

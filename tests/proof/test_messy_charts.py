"""Charts as they are met, put to the real engine: what an answer may claim of them, and what it must not."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from ontology.evaluation import Severity
from ontology.values import Absent, AbsentReason, Value
from server.explain.explain import explain
from server.explain.fhir import bundle
from server.explain.results import AnswerResult, Status
from tests.support.charts import SCT, condition, creatinine, lab, patient
from tests.support.engine_questions import AT, Asker, Record, open_asker

NOT_APPLICABLE = Absent(AbsentReason.NOT_APPLICABLE)
FIBRILLATION, HYPERTENSION, PREGNANCY = "49436004", "38341003", "77386006"


@pytest.fixture
async def ask() -> AsyncIterator[Asker]:
    async with open_asker(cache={"enabled": False}) as asker:
        yield asker


async def answer(
    ask: Asker, of: str, *records: Record, at: datetime = AT, assume: Mapping[str, Value] | None = None
) -> AnswerResult:
    (result,) = explain(await ask(records, of, at=at, assume=assume))
    return result


def told(result: AnswerResult) -> str:
    return " | ".join(issue.text for issue in result.issues)


@pytest.mark.parametrize(
    "when",
    [
        {"onset": None},
        {"onset": None, "encounter": {"reference": "Encounter/e1"}},
        {"onset": None, "recordedDate": "2026-06-30"},
    ],
    ids=["undated", "encounter not read", "recorded on the day"],
)
async def test_atrial_fibrillation_on_record_but_not_placed_in_time_is_not_called_unrecorded(
    ask: Asker, when: dict[str, Any]
) -> None:
    result = await answer(ask, "cha2ds2-vasc", patient(), condition(FIBRILLATION, **when))
    assert result.value != NOT_APPLICABLE
    assert "Not excluded: no atrial fibrillation or flutter recorded" in told(result)


OBSERVED = "2026-06-30T11:30:00Z"


def bedside(when: str = OBSERVED) -> list[Record]:
    """One set of observations that scores nothing."""
    signs = (("9279-1", 16, "/min"), ("59408-5", 97, "%"), ("8480-6", 120, "mm[Hg]"), ("8867-4", 70, "/min"))
    alert: Record = {"valueCodeableConcept": {"coding": [{"system": SCT, "code": "248234008"}]}}
    return [
        *(lab(code, value, unit, when) for code, value, unit in signs),
        lab("8310-5", 37, "Cel", when),
        lab("3151-8", 0, "L/min", when),
        lab("67775-7", None, None, when, **alert),
    ]


async def test_a_pregnancy_that_nobody_ended_in_the_record_does_not_withhold_the_early_warning_score(
    ask: Asker,
) -> None:
    woman = patient("1990-01-01")
    years_ago = await answer(ask, "news2", woman, condition(PREGNANCY, "2021-01-01"), *bedside())
    assert years_ago.status is Status.COMPLETE
    assert "Pregnancy: not documented" in told(years_ago)
    now = await answer(ask, "news2", woman, condition(PREGNANCY, "2026-03-01"), *bedside())
    assert now.value == NOT_APPLICABLE


async def test_a_score_of_conditions_holds_when_it_was_evaluated_not_when_the_last_condition_began(ask: Asker) -> None:
    # Then she was 59, which scores nothing; now she is 66.
    chart = [patient(), condition(FIBRILLATION, "2020-01-01"), condition(HYPERTENSION, "2020-01-01")]
    result = await answer(ask, "cha2ds2-vasc", *chart)
    assert "are present (as of 2026-06-30 12:00 UTC). Points: " in result.text
    assert result.effective == AT
    assert result.grounds_from == datetime(2020, 1, 1, tzinfo=UTC)
    assert bundle(result)["entry"][0]["resource"]["effectiveDateTime"] == "2026-06-30T12:00:00+00:00"


async def test_a_refusal_that_rests_on_an_assumption_says_so(ask: Asker) -> None:
    result = await answer(ask, "egfr", patient(), creatinine(1.4, "2026-06-20"), assume={"dialysis": True})
    assert result.value == NOT_APPLICABLE
    assert "on an assumption" in result.text


async def test_what_is_undecided_is_told_once(ask: Asker) -> None:
    below: Record = {"valueQuantity": {"value": 300, "comparator": "<", "unit": "mg/g"}}
    result = await answer(ask, "albuminuria-category", patient(), lab("9318-7", None, None, "2026-06-01", **below))
    assert result.text == (
        "Albuminuria category could not be computed: the records do not decide it; it is A1 or A2 (as of 2026-06-01)."
    )


async def test_one_point_is_no_points(ask: Asker) -> None:
    drowsy = lab("9269-2", 13, "{score}", OBSERVED)
    assert "is 1 point: mentation 1 (" in (await answer(ask, "qsofa", patient(), *bedside(), drowsy)).text


async def test_contradictory_oxygen_is_not_called_inapplicable(ask: Asker) -> None:
    chart = [
        patient(),
        *bedside(),
        lab("722742002", None, None, OBSERVED, system=SCT),
        lab("3150-0", 40, "%", OBSERVED),
    ]
    oxygen = await answer(ask, "supplemental-oxygen", *chart)
    assert oxygen.status is Status.INSUFFICIENT
    assert "oxygen and room air both recorded within 30 minutes: not decided" in oxygen.text
    news2 = await answer(ask, "news2", *chart)
    assert "oxygen therapy (conflicting values)" in news2.text
    assert "does not apply" not in oxygen.text + news2.text + told(news2)


async def test_a_least_total_goes_out_with_its_comparator(ask: Asker) -> None:
    partial = await answer(ask, "cha2ds2-vasc", patient(), condition(FIBRILLATION), condition(HYPERTENSION))
    quantity = bundle(partial)["entry"][0]["resource"]["valueQuantity"]
    assert (quantity["value"], quantity["comparator"]) == (3, ">=")
    whole = await answer(ask, "news2", patient(), *bedside())
    assert "comparator" not in bundle(whole)["entry"][0]["resource"]["valueQuantity"]


async def test_a_result_of_today_without_a_time_of_day_is_missed_aloud(ask: Asker) -> None:
    result = await answer(ask, "egfr", patient(), creatinine(1.9, "2026-06-30"), creatinine(1.2, "2026-06-20"))
    assert result.step is not None
    assert any(
        "perhaps later than the time" in text
        for ground in result.step.grounds
        for text in (issue.text for issue in ground.issues if issue.severity is Severity.WARNING)
    )


async def test_limits_of_a_risk_are_told_once(ask: Asker) -> None:
    low: Record = {"valueQuantity": {"value": 5, "comparator": "<", "unit": "mg/g"}}
    chart = [patient(), creatinine(1.9, "2026-06-20"), lab("9318-7", None, None, "2026-06-01", **low)]
    result = await answer(ask, "kidney-failure-risk-5y", *chart, assume={"north-america": True})
    assert result.text.count(" lies between ") == 1


@pytest.mark.parametrize("death", [{"deceasedBoolean": True}, {"deceasedDateTime": "2026-06-30T11:45:00Z"}])
async def test_nothing_is_recommended_for_the_dead(ask: Asker, death: dict[str, Any]) -> None:
    dead = await answer(ask, "news2", patient(**death), *bedside())
    assert dead.value == (await answer(ask, "news2", patient(), *bedside())).value
    assert dead.recommendations == ()
    assert "death" in told(dead) or "died" in told(dead)
    assert (await answer(ask, "news2", patient(), *bedside())).recommendations


async def test_a_coma_scale_below_15_beside_alert_is_told_and_not_scored(ask: Asker) -> None:
    plain = await answer(ask, "news2", patient(), *bedside())
    beside = await answer(ask, "news2", patient(), *bedside(), lab("9269-2", 13, "{score}", "2026-06-30T09:00:00Z"))
    assert "Glasgow Coma Scale below 15" in told(beside)
    assert "Glasgow" not in told(plain)
    assert (beside.value, beside.status) == (plain.value, Status.COMPLETE)
    assert plain.status is Status.COMPLETE


@pytest.mark.parametrize(
    ("code", "system"), [("46177005", SCT), ("N18.6", "http://hl7.org/fhir/sid/icd-10-cm")], ids=["SNOMED CT", "ICD"]
)
async def test_kidney_failure_that_is_recorded_is_not_predicted_without_a_word(
    ask: Asker, code: str, system: str
) -> None:
    chart = [patient(), creatinine(2.4, "2026-06-20"), lab("9318-7", 300, "mg/g", "2026-06-01")]
    ended = condition(code, "2026-01-01", system)
    for concept in ("kidney-failure-risk-2y", "kidney-failure-risk-5y"):
        result = await answer(ask, concept, *chart, ended, assume={"north-america": True})
        assert "Caution: end-stage kidney disease" in told(result)
        without = await answer(ask, concept, *chart, assume={"north-america": True})
        assert "Caution: end-stage" not in told(without)


async def test_a_creatinine_of_an_unlikely_unit_gives_no_stage(ask: Asker) -> None:
    chart = [patient(), creatinine(1.0, "2026-06-25"), creatinine(79, "2026-06-29")]
    result = await answer(ask, "aki-stage", *chart)
    assert result.status is Status.INSUFFICIENT
    assert "check the unit" in told(result)


async def test_a_valve_code_is_not_said_to_say_more_than_it_does(ask: Asker) -> None:
    valve = condition("Z95.2", "2020-01-01", "http://hl7.org/fhir/sid/icd-10-cm")
    stenosis = condition("79619009")
    unknown = "valve type or severity not recorded: it decides anticoagulant and score"
    for concept in ("cha2ds2-vasc", "cha2ds2-va"):
        refused = await answer(ask, concept, patient(), condition(FIBRILLATION), valve)
        assert refused.value == NOT_APPLICABLE
        assert f"prosthetic heart valve: {unknown}" in told(refused)
        refused = await answer(ask, concept, patient(), condition(FIBRILLATION), stenosis)
        assert refused.value == NOT_APPLICABLE
        assert f"mitral stenosis: {unknown}" in told(refused)


@pytest.mark.parametrize(
    ("concept", "record", "site", "expected"),
    [
        # Of the value sets of HL7 Norway and CIMI: arm, wrist, thigh, ankle; mouth, forehead, knee, joint, finger.
        ("systolic-bp", lab("8480-6", 120, "mm[Hg]", "2026-06-29"), "368208006", "value"),
        ("systolic-bp", lab("8480-6", 120, "mm[Hg]", "2026-06-29"), "5951000", "caution"),
        ("systolic-bp", lab("8480-6", 120, "mm[Hg]", "2026-06-29"), "61396006", "caution"),
        ("systolic-bp", lab("8480-6", 120, "mm[Hg]", "2026-06-29"), "51636004", "another"),
        ("body-temperature", lab("8310-5", 38.5, "Cel", "2026-06-29"), "74262004", "value"),
        ("body-temperature", lab("8310-5", 38.5, "Cel", "2026-06-29"), "52795006", "caution"),
        ("body-temperature", lab("8310-5", 38.5, "Cel", "2026-06-29"), "72696002", "caution"),
        ("body-temperature", lab("8310-5", 38.5, "Cel", "2026-06-29"), "39352004", "another"),
        ("body-temperature", lab("8310-5", 38.5, "Cel", "2026-06-29"), "7569003", "another"),
    ],
)
async def test_where_it_was_measured_decides(
    ask: Asker, concept: str, record: Record, site: str, expected: str
) -> None:
    measured = {**record, "bodySite": {"coding": [{"system": SCT, "code": site}]}}
    result = await answer(ask, concept, patient(), measured)
    codes = {issue.code for issue in result.issues}
    assert isinstance(result.value, Absent) is (expected == "another")
    assert ("another-measurement" in codes) is (expected == "another")
    assert ("code-caution" in codes) is (expected == "caution")


@pytest.mark.parametrize(
    ("words", "usual"),
    [
        ("Left arm", True),
        ("right radial artery", True),
        ("Pulmonary artery", False),
        ("dorsalis pedis artery", False),
        ("left forearm", False),
    ],
)
async def test_an_artery_in_words_alone_is_not_one_of_the_arm(ask: Asker, words: str, usual: bool) -> None:
    measured = {**lab("8480-6", 25, "mm[Hg]", "2026-06-29"), "bodySite": {"text": words}}
    result = await answer(ask, "systolic-bp", patient(), measured)
    assert (f"body site {words}: not one of the usual sites" in told(result)) is not usual


ICD_10_PCS, ICD_9_CM = "http://www.cms.gov/Medicare/Coding/ICD10", "http://hl7.org/fhir/sid/icd-9-cm"
ICD_9_PROCEDURES = "http://mimic.mit.edu/fhir/mimic/CodeSystem/mimic-procedure-icd9"
UNKNOWN_VALVE = "prosthetic heart valve: valve type or severity not recorded: it decides anticoagulant and score"


@pytest.mark.parametrize(
    ("system", "code", "status", "refusal"),
    [
        (SCT, "26212005", "completed", UNKNOWN_VALVE),
        (SCT, "53059001", "completed", UNKNOWN_VALVE),
        (SCT, "307279007", "completed", UNKNOWN_VALVE),
        (ICD_10_PCS, "02RG0JZ", "completed", UNKNOWN_VALVE),
        (ICD_9_PROCEDURES, "35.22", "completed", UNKNOWN_VALVE),
        (ICD_9_PROCEDURES, "3524", "completed", UNKNOWN_VALVE),
        # A tricuspid or pulmonary one may be mechanical, too; 35.25 and 35.27 are tissue grafts.
        (ICD_9_PROCEDURES, "35.28", "completed", UNKNOWN_VALVE),
        (ICD_10_PCS, "02RJ0JZ", "completed", UNKNOWN_VALVE),
        (ICD_9_PROCEDURES, "35.27", "completed", None),
        (ICD_10_PCS, "02RJ08Z", "completed", None),
        (SCT, "705991002", "completed", "mechanical heart valve: vitamin K antagonist whatever the score"),
        # Not done, biological, by catheter.
        (SCT, "26212005", "not-done", None),
        (SCT, "50216001", "completed", None),
        (SCT, "773996000", "completed", None),
        (ICD_10_PCS, "02RG08Z", "completed", None),
        (ICD_9_PROCEDURES, "35.23", "completed", None),
    ],
)
async def test_a_valve_that_is_only_a_procedure_refuses(
    ask: Asker, system: str, code: str, status: str, refusal: str | None
) -> None:
    replaced = {
        "resourceType": "Procedure", "id": "valve", "status": status, "subject": {"reference": "Patient/p1"},
        "code": {"coding": [{"system": system, "code": code}]}, "performedDateTime": "2015-03-02",
    }  # fmt: skip
    for concept in ("cha2ds2-vasc", "cha2ds2-va"):
        result = await answer(ask, concept, patient(), condition(FIBRILLATION), replaced)
        assert (result.value == NOT_APPLICABLE) is (refusal is not None)
        assert refusal is None or refusal in told(result)


async def test_a_diagnosis_of_icd_9_is_no_procedure(ask: Asker) -> None:
    """Without their dots the diagnosis 352.2 and the procedure 35.22 are one code."""
    nerve = condition("352.2", "2020-01-01", ICD_9_CM)
    result = await answer(ask, "cha2ds2-vasc", patient(), condition(FIBRILLATION), nerve)
    assert result.value != NOT_APPLICABLE


async def test_a_risk_leaves_with_no_more_decimals_than_it_has_grounds_for(ask: Asker) -> None:
    chart = [patient(), creatinine(2.4, "2026-06-20"), lab("9318-7", 300, "mg/g", "2026-06-01")]
    result = await answer(ask, "kidney-failure-risk-5y", *chart, assume={"north-america": True})
    assert result.risk is not None
    (prediction,) = bundle(result)["entry"][0]["resource"]["prediction"]
    sent = Decimal(str(prediction["probabilityDecimal"]))
    assert sent != result.risk.probability * 100
    assert sent == round(result.risk.probability * 100, 2)

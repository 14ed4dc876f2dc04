"""Records as implementation guides ask for them, put to the real engine: read rightly, or left out and reported.

The inputs are ours, made after official examples (US Core 9, AU Core, gematik ISiK, the German core data set, OpenMRS,
UK Core, nl-core).  What is right for each follows from the code system and the guide, never from an earlier answer.
"""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ontology.evaluation import Interval
from ontology.values import Absent, AbsentReason, Coding, Quantity, Value
from server.explain.explain import explain
from server.explain.results import AnswerResult, Status
from tests.support.engine_questions import Asker, open_asker

CASES = Path(__file__).parents[1] / "cases"
AT = datetime(2026, 6, 15, 12, tzinfo=UTC)
NOT_FOUND = Absent(AbsentReason.NOT_FOUND)


@pytest.fixture
async def ask() -> AsyncIterator[Asker]:
    async with open_asker(cache={"enabled": False}) as asker:
        yield asker


async def answer(ask: Asker, file: str, of: str) -> AnswerResult:
    (path,) = CASES.glob(f"*/{file}.json")
    records = [entry["resource"] for entry in json.loads(path.read_text())["entry"]]
    (result,) = explain(await ask(records, of, at=AT, patient="p1"))
    return result


def reported(result: AnswerResult) -> dict[str, str]:
    """All texts of the answer's issues by code, those of its steps and inputs too."""
    texts: dict[str, str] = {}
    for issue in result.issues:
        texts[issue.code] = f"{texts.get(issue.code, '')} {issue.text}"
    return texts


def numbers(value: Value) -> tuple[Decimal, str]:
    assert isinstance(value, Quantity)
    return value.value, value.unit


@pytest.mark.parametrize(
    ("file", "of", "value", "unit"),
    [
        ("02-pulmonary-after-systemic", "systolic-bp", "128", "mm[Hg]"),
        ("10-focus-encounter", "phq9-total", "8", "{score}"),
        ("11-gcs-unit-1", "gcs", "11", "{score}"),
        ("13-leucocytes-per-nl", "leucocytes", "9.4", "10*3/uL"),
        ("25-fasting-glucose", "glucose", "94", "mg/dL"),
        ("35-albumin-uk-code", "serum-albumin", "4.1", "g/dL"),
        # 5.2 mmol/L of 180.16 g/mol
        ("35-albumin-uk-code", "glucose", "93.6832", "mg/dL"),
        ("42-news2-shock-hidden-by-ventricular-pressure", "systolic-bp", "82", "mm[Hg]"),
        ("42-news2-shock-hidden-by-ventricular-pressure", "diastolic-bp", "48", "mm[Hg]"),
        ("39-news2-with-pulmonary-artery-pressure", "systolic-bp", "128", "mm[Hg]"),
        ("c11-coded-urine-and-serum", "serum-creatinine", "1.0", "mg/dL"),
    ],
)
async def test_measurements_that_guides_code_in_their_way_are_read(
    ask: Asker, file: str, of: str, value: str, unit: str
) -> None:
    assert numbers((await answer(ask, file, of)).value) == (Decimal(value), unit)


@pytest.mark.parametrize(
    ("file", "of"),
    [
        ("08-smoking-open-period", "current-smoker"),
        ("34-tobacco-use-snomed-finding", "current-smoker"),
        ("09-pregnancy-status-observation", "pregnancy"),
        ("18-penicillin-allergy", "penicillin-allergy"),
        ("20-haemodialysis-procedure", "dialysis"),
        ("21-coronary-stent", "coronary-revascularisation"),
        ("22-anterior-infarction", "acute-myocardial-infarction"),
        ("22-anterior-infarction", "vascular-disease"),
        ("28-patient-on-oxygen-with-flow", "supplemental-oxygen"),
        ("29-oxygen-flow-and-fio2-codes", "supplemental-oxygen"),
        ("32-influenza-vaccine-codes", "influenza-vaccination"),
    ],
)
async def test_what_is_so_or_was_done_is_a_yes_in_the_codes_of_guides(ask: Asker, file: str, of: str) -> None:
    assert (await answer(ask, file, of)).value is True


@pytest.mark.parametrize(
    ("file", "of", "record", "code"),
    [
        ("01-pulmonary-artery-pressure", "systolic-bp", "Observation/pap", "8440-0"),
        ("01-pulmonary-artery-pressure", "diastolic-bp", "Observation/pap", "8385-7"),
        ("01-pulmonary-artery-pressure", "mean-blood-pressure", "Observation/pap", "8414-5"),
        ("04-joint-temperature", "body-temperature", "Observation/t1", "250124002"),
        ("06-spontaneous-breaths-on-ventilator", "respiratory-rate", "Observation/r1", "152498"),
        ("31-average-blood-pressure", "systolic-bp", "Observation/b1", "96608-5"),
        ("31-average-blood-pressure", "diastolic-bp", "Observation/b1", "96609-3"),
    ],
)
async def test_a_further_code_takes_a_record_away_and_is_named(
    ask: Asker, file: str, of: str, record: str, code: str
) -> None:
    result = await answer(ask, file, of)
    assert (result.value, result.status) == (NOT_FOUND, Status.INSUFFICIENT)
    text = reported(result)["another-measurement"]
    assert record in text
    assert code in text


async def test_a_newer_pressure_of_another_place_neither_replaces_an_arterial_one_nor_goes_unsaid(ask: Asker) -> None:
    text = reported(await answer(ask, "02-pulmonary-after-systemic", "systolic-bp"))["another-measurement"]
    assert "Observation/pap" in text
    assert "Pulmonary artery" in text


@pytest.mark.parametrize(
    ("file", "points"),
    # RCP 2017, chart 1: a systolic pressure of 82 scores 3, one of 128 nothing; nothing else scores.
    [("42-news2-shock-hidden-by-ventricular-pressure", 3), ("39-news2-with-pulmonary-artery-pressure", 0)],
)
async def test_the_early_warning_score_rests_on_the_arterial_pressure(ask: Asker, file: str, points: int) -> None:
    result = await answer(ask, file, "news2")
    assert numbers(result.value)[0] == points
    record = "Observation/lv" if points else "Observation/pap"
    assert record in reported(result)["another-measurement"]


async def test_a_record_of_serum_and_of_urine_is_refused_naming_both_codes(ask: Asker) -> None:
    result = await answer(ask, "c11-coded-urine-and-serum", "egfr")
    # CKD-EPI 2021: 142 × (1.0/0.7)^-1.2 × 0.9938^66.04 × 1.012
    assert round(numbers(result.value)[0]) == 62
    text = reported(result)["another-measurement"]
    assert all(each in text for each in ("Observation/new", "2160-0", "2161-8"))


async def test_nothing_but_a_record_of_two_measurements_conflicts_and_is_not_called_not_found(ask: Asker) -> None:
    (path,) = CASES.glob("records/c11-*.json")
    records = [entry["resource"] for entry in json.loads(path.read_text())["entry"] if entry["resource"]["id"] != "old"]
    (result,) = explain(await ask(records, "serum-creatinine", at=AT, patient="p1"))
    assert result.value == Absent(AbsentReason.CONFLICTING)


async def test_us_cores_sex_is_read_like_the_gender_with_a_warning(ask: Asker) -> None:
    result = await answer(ask, "07-sex-us-core-extension", "sex")
    assert isinstance(result.value, Coding)
    assert result.value.code == "female"
    assert "documented sex" in reported(result)["administrative-gender"]
    # CKD-EPI 2021 for a woman of 70.29 years and 1.1 mg/dL: 142 × (1.1/0.7)^-1.2 × 0.9938^70.29 × 1.012
    assert round(numbers((await answer(ask, "07-sex-us-core-extension", "egfr")).value)[0]) == 54


async def test_without_any_sex_it_is_not_recorded_rather_than_unknown(ask: Asker) -> None:
    (path,) = CASES.glob("guides/07-*.json")
    records = [entry["resource"] for entry in json.loads(path.read_text())["entry"]]
    del records[0]["extension"]
    (sex,) = explain(await ask(records, "sex", at=AT, patient="p1"))
    assert sex.value == NOT_FOUND
    assert "does not state it" in reported(sex)["not-found"]
    (egfr,) = explain(await ask(records, "egfr", at=AT, patient="p1"))
    assert isinstance(egfr.value, Absent)
    assert isinstance(egfr.bounds, Interval)


async def test_a_pregnancy_status_cautions_and_a_session_of_dialysis_refuses_the_estimated_gfr(ask: Asker) -> None:
    pregnant = await answer(ask, "09-pregnancy-status-observation", "egfr")
    assert any(issue.code == "caution" and issue.text == "Caution: pregnancy" for issue in pregnant.issues)
    assert (await answer(ask, "20-haemodialysis-procedure", "egfr")).status is Status.NOT_APPLICABLE


async def test_smoker_of_unknown_present_status_is_shown_and_read_neither_way(ask: Asker) -> None:
    result = await answer(ask, "38-smoker-77176002", "current-smoker")
    assert isinstance(result.value, Absent)
    assert "77176002" in reported(result)["unconvertible"]

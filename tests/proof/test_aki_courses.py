"""Courses of creatinine with a right stage, as FHIR Observations through the engine; and what rests on the episode."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ontology.values import Absent, AbsentReason, Coding
from server.explain.explain import explain
from server.explain.fhir import bundle
from server.explain.results import AnswerResult, Status
from tests.support.charts import condition, creatinine, patient, uacr
from tests.support.engine_questions import Asker, Record, open_asker
from tests.support.fhir_bundles import resources_of_type

AT = datetime(2026, 6, 15, 12, tzinfo=UTC)
CASES = json.loads((Path(__file__).parents[1] / "cases" / "aki.json").read_text())["cases"]
NOT_APPLICABLE = Absent(AbsentReason.NOT_APPLICABLE)
HAEMODIALYSIS, DEPENDENCE, END_STAGE = "302497006", "105502003", "46177005"


@pytest.fixture
async def ask() -> AsyncIterator[Asker]:
    async with open_asker(cache={"enabled": False}) as asker:
        yield asker


def before(hours: float) -> str:
    return (AT - timedelta(hours=hours)).isoformat()


async def answer(ask: Asker, of: str, *records: Record, at: datetime = AT) -> AnswerResult:
    (result,) = explain(await ask([patient(), *records], of, at=at, assume={"north-america": True}))
    return result


def texts(result: AnswerResult) -> str:
    return " | ".join((result.text, *(issue.text for issue in result.issues)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
async def test_a_course_has_its_stage(ask: Asker, case: dict[str, Any]) -> None:
    course = [creatinine(p["value"], before(p["hours_before"]), case["unit"]) for p in case["creatinine"]]
    result = await answer(ask, "aki-stage", *course)
    expected = case["expect"].split(",")[0].split(" ")[0]
    if expected == "absent":
        assert (result.status, result.value) == (Status.INSUFFICIENT, Absent(AbsentReason.INPUT_ABSENT))
        assert f"{case['creatinine'][-1]['value']} mg/dL" in result.text
        assert ("to be treated as AKI until shown otherwise" in result.text) is ("urgent" in case["expect"])
    else:
        assert isinstance(result.value, Coding)
        assert result.value.code == {"not-met": "aki-criteria-not-met"}.get(expected, f"aki-{expected}")
        assert "rine output not assessed" in result.text


def dialysis(day: str) -> Record:
    return {
        "resourceType": "Procedure", "id": f"d-{day}", "status": "completed", "performedDateTime": day,
        "subject": {"reference": "Patient/p1"},
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": HAEMODIALYSIS}]},
    }  # fmt: skip


INJURED = (creatinine(1.0, "2026-04-16T08:00:00Z"), creatinine(4.6, "2026-06-11T08:00:00Z"))


async def test_dialysis_that_begins_is_stage_3_and_only_chronic_dialysis_refuses(ask: Asker) -> None:
    begun = (*INJURED, dialysis("2026-06-12"), dialysis("2026-06-14"), creatinine(1.1, "2026-06-15T08:00:00Z"))
    result = await answer(ask, "aki-stage", *begun)
    assert result.text.startswith("AKI stage 3: dialysis 12 Jun to 14 Jun")
    assert "AKI or first ESKD" in texts(result)
    for chronic in (DEPENDENCE, END_STAGE):
        refused = await answer(ask, "aki-stage", *begun, condition(chronic, "2025-01-01"))
        assert refused.value == NOT_APPLICABLE
        assert "on chronic dialysis" in refused.text
    alone = await answer(ask, "aki-stage", *INJURED, condition(END_STAGE, "2025-01-01"))
    assert alone.value != NOT_APPLICABLE


@pytest.mark.parametrize(
    ("began", "ended", "text"),
    [
        # Continuous dialysis without an end: creatinine of today shows no recovery.
        ("2026-06-05", None, "AKI stage 3: dialysis since 5 Jun, in progress"),
        ("2026-06-12", None, "AKI stage 3: dialysis since 12 Jun, in progress"),
        ("2026-06-05", "2026-06-14", "AKI stage 3: dialysis 5 Jun to 14 Jun"),
    ],
)
async def test_dialysis_over_days_lasts_until_its_end(ask: Asker, began: str, ended: str | None, text: str) -> None:
    period = {"start": began} if ended is None else {"start": began, "end": ended}
    record = {**dialysis(began), "status": "completed" if ended else "in-progress", "performedPeriod": period}
    del record["performedDateTime"]
    old = dialysis("2025-11-27")
    lower = creatinine(1.1, "2026-06-15T08:00:00Z")
    for records in ((*INJURED, record, lower), (*INJURED, old, record, lower)):
        assert (await answer(ask, "aki-stage", *records)).text.startswith(text)
        assert (await answer(ask, "aki-episode", *records)).value is True


@pytest.mark.parametrize(
    ("record", "refused"),
    [
        ({"performedDateTime": "2026-06-10"}, True),
        ({"performedDateTime": "2025-12-01"}, True),
        ({"performedPeriod": {"start": "2025-12-01"}}, True),
        ({"performedPeriod": {"start": "2025-12-01", "end": "2026-12-01"}}, True),
        ({}, True),
        ({"performedPeriod": {"start": "2025-12-01", "end": "2026-03-01"}}, False),
    ],
)
async def test_dialysis_in_progress_refuses_an_egfr(ask: Asker, record: dict[str, Any], refused: bool) -> None:
    going_on = {**dialysis("d"), "status": "in-progress", **record}
    if "performedDateTime" not in record:
        del going_on["performedDateTime"]
    result = await answer(ask, "egfr", *INJURED, going_on)
    assert (result.value == NOT_APPLICABLE) is refused
    # Otherwise it is not known whether it goes on, and that is in the answer.
    assert ("on dialysis" in result.text) is refused
    assert refused or "Dialysis: unknown" in texts(result)


async def test_creatinine_between_two_courses_of_dialysis_is_judged(ask: Asker) -> None:
    between = creatinine(0.8, "2026-05-20T08:00:00Z")
    today = creatinine(2.0, "2026-06-15T08:00:00Z")
    result = await answer(ask, "aki-stage", dialysis("2026-05-10"), between, dialysis("2026-06-01"), today)
    assert result.text.startswith("AKI stage 2: creatinine 2.0 mg/dL, 2.5 times 0.8 (20 May)")


async def test_dialysis_in_progress_is_told_without_an_end(ask: Asker) -> None:
    result = await answer(ask, "dialysis-date", {**dialysis("2026-06-05"), "status": "in-progress"})
    assert "since 2026-06-05" in result.text
    (observation,) = resources_of_type(bundle(result), "Observation")
    assert observation["valuePeriod"] == {"start": "2026-06-05"}


STEADY = (*(creatinine(2.0, f"2026-{month:02}-01T08:00:00Z") for month in (1, 3, 5)), uacr(300, "2026-05-01"))
RAISED, LOWER = creatinine(3.1, "2026-05-20T08:00:00Z"), creatinine(2.9, "2026-06-08T13:00:00Z")


@pytest.mark.parametrize(
    ("records", "refused", "told"),
    [
        (STEADY, False, ""),
        ((*STEADY, RAISED), True, "acute kidney injury, ongoing or ended within 7 days"),
        ((*STEADY, RAISED, LOWER), True, "acute kidney injury, ongoing or ended within 7 days"),
        ((*STEADY, RAISED, creatinine(2.9, "2026-06-08T11:00:00Z")), False, ""),
        # Unknown, and not shown to last.
        (STEADY[2:], False, "unknown. The answer holds only"),
        (STEADY[2:], False, "Low GFR not shown to last 90 days"),
    ],
)
async def test_the_risk_of_kidney_failure_is_refused_in_aki_and_for_7_days_after(
    ask: Asker, records: tuple[Record, ...], refused: bool, told: str
) -> None:
    for years in (2, 5):
        result = await answer(ask, f"kidney-failure-risk-{years}y", *records)
        assert (result.value == NOT_APPLICABLE) is refused
        assert told in texts(result)
        if not told:
            assert "not shown to last" not in texts(result)
            assert "acute kidney injury, ongoing" not in texts(result)

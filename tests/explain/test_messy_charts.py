"""Charts as they are met, put to the real engine: what an answer may claim of them, and what it must not."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from ontology.values import Absent, AbsentReason, Value
from server.explain.explain import explain
from server.explain.fhir import bundle
from server.explain.results import AnswerResult, Status
from tests.support.asking import AT, Asker, Record, asking
from tests.support.charts import SCT, condition, creatinine, lab, patient

NOT_APPLICABLE = Absent(AbsentReason.NOT_APPLICABLE)
FIBRILLATION, HYPERTENSION, PREGNANCY = "49436004", "38341003", "77386006"


@pytest.fixture
async def ask() -> AsyncIterator[Asker]:
    async with asking(cache={"enabled": False}) as asker:
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
    assert "Could not be excluded (not known): no atrial fibrillation recorded" in told(result)

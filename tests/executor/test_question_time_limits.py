"""Times at the ends of the calendar: none of them breaks a question."""

from datetime import UTC, datetime

import pytest

from server.errors import QuestionError
from server.executor.engine import Engine
from server.executor.question import Question, evaluation_time
from server.explain.explain import explain
from server.explain.results import Status
from tests.support.charts import creatinine, patient
from tests.support.engine_questions import shipped
from tests.support.fake_fhir_servers import BASE, FakeFhir
from tests.support.settings import make_settings

CONCEPTS = ("egfr", "news2", "egfr-slope", "aki-stage", "cha2ds2-vasc", "ckd-chronicity")


async def statuses(at: str, **more: object) -> list[Status]:
    fhir = FakeFhir(({**patient(), **more}, creatinine(1.6, "2026-06-01T08:30:00Z")))
    settings = make_settings(sources=[{"id": "ehr", "base_url": BASE}], cache={"enabled": False})
    async with await Engine.open(settings, shipped(), fhir.client()) as engine:
        question = Question("p1", CONCEPTS, datetime.fromisoformat(at))
        return [result.status for result in explain(await engine.ask(question))]


@pytest.mark.parametrize(
    "at",
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1849-12-31T23:59:59Z"],
)
async def test_a_time_in_which_no_record_can_lie_is_refused(at: str) -> None:
    with pytest.raises(QuestionError, match="1850 to 2499") as caught:
        await statuses(at)
    assert caught.value.code == "time-out-of-range"


@pytest.mark.parametrize("at", ["1850-01-01T00:00:00Z", "2499-12-31T23:59:59Z"])
async def test_the_first_and_the_last_time_are_answered(at: str) -> None:
    assert Status.FAILED not in await statuses(at)


@pytest.mark.parametrize("death", ["0001-01-01", "0001", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_a_death_at_an_end_of_the_calendar_is_answered(death: str) -> None:
    assert Status.FAILED not in await statuses("2026-06-30T12:00:00Z", deceasedDateTime=death)


def test_an_earlier_time_before_all_records_is_told_from_when_on_it_may_lie() -> None:
    at = datetime(2026, 6, 30, tzinfo=UTC)
    with pytest.raises(QuestionError, match="1850") as caught:
        evaluation_time(Question("p1", CONCEPTS, at, earlier_times=(datetime(1, 1, 1, tzinfo=UTC),)))
    assert caught.value.code == "since-not-earlier"

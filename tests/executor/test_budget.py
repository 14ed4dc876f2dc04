"""What one request may cost in all: refused with words, or told as not had, and never cut silently."""

import asyncio
import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from collectors.fetching.read_budget import ReadBudget
from ontology.values import Absent, AbsentReason, Quantity
from server.errors import QuestionError
from server.executor.budget import Budget
from server.executor.question import Question
from server.explain.explain import explain
from server.kinds import model
from tests.support.charts import creatinine, patient
from tests.support.engine_questions import AT
from tests.support.fake_fhir_servers import FaultyFhir, engine_over


def chart(count: int) -> list[dict[str, Any]]:
    courses = (creatinine(1.0 + number / 100, _day(number), id=f"o{number}") for number in range(count))
    return [patient(), *courses]


def _day(number: int) -> str:
    return (AT - timedelta(days=1 + number)).isoformat()


async def asked(records: Iterable[Any], of: tuple[str, ...], budget: Budget | None = None, **server: int) -> Any:
    async with engine_over(FaultyFhir(records), cache={"enabled": False}, server=server) as engine:
        return await engine.ask(Question("p1", of, AT, budget=budget))


@pytest.mark.parametrize("limit", [{"max_records": 5}, {"max_read_bytes": 1024}])
async def test_a_search_beyond_what_may_be_read_is_told_as_not_had(limit: dict[str, Any]) -> None:
    trace = await asked(chart(9), ("egfr",), **limit)
    (answer,) = explain(trace)
    assert isinstance(answer.value, Absent)
    told = " ".join(issue.text for issue in answer.issues)
    assert "more records than one question may read" in told or "more bytes than one question may read" in told
    (leaf,) = explain(await asked(chart(9), ("serum-creatinine",), **limit))
    assert leaf.value == Absent(AbsentReason.UNREACHABLE)


async def test_what_is_within_the_limit_is_answered() -> None:
    (answer,) = explain(await asked(chart(9), ("egfr",), max_records=10))
    assert isinstance(answer.value, Quantity)


@pytest.mark.parametrize(("most", "refused"), [(12, True), (100, False)])
async def test_too_many_executions_are_refused_and_none_is_left_out(most: int, refused: bool) -> None:
    if not refused:
        assert len((await asked(chart(9), ("egfr-slope",), max_executions=most)).executions) > 12
        return
    with pytest.raises(QuestionError) as error:
        await asked(chart(9), ("egfr-slope",), max_executions=most)
    assert error.value.code == "too-many-executions"


async def test_working_out_ends_with_its_time() -> None:
    ticks = iter(range(1_000_000))
    budget = Budget(ReadBudget(), 1_000, 20, clock=lambda: next(ticks))
    with pytest.raises(QuestionError) as error:
        await asked(chart(30), ("egfr-slope",), budget)
    assert error.value.code == "too-long"


def test_opening_a_model_is_no_work_of_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    work = Budget(ReadBudget(), 1, 20, clock=lambda: now[0]).start_work()
    with model.timed_loading():
        now[0] += 30
    work.check_time()
    now[0] += 21
    with pytest.raises(QuestionError):
        work.check_time()


async def test_others_have_their_turn_between_the_times_of_a_timeline() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with engine_over(FaultyFhir(chart(80)), cache={"enabled": False}) as engine:
        await engine.ask(Question("p1", ("egfr",), AT))
        task = asyncio.create_task(other())
        await engine.ask(Question("p1", ("egfr",), AT))
        once, turns = turns, 0
        course = await engine.timeline(Question("p1", ("egfr",), AT, earlier_times=(AT - timedelta(days=100),)), 100)
        task.cancel()
    assert len(course.traces) > 80
    assert turns >= once + 80

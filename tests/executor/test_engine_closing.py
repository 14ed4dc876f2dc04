"""Engines that are closed while a question runs: it ends with words, as one whose source went away."""

import asyncio
from typing import Any

import httpx
import pytest

from collectors.auth.token_endpoint import discover_token_endpoint
from collectors.errors import SourceUnreachableError
from collectors.settings import Source
from ontology.values import Absent, AbsentReason
from server.executor.question import Question
from server.explain.explain import explain
from tests.support.charts import creatinine, patient
from tests.support.engine_questions import AT
from tests.support.fake_fhir_servers import FaultyFhir, engine_over

OF = ("egfr", "serum-creatinine")
RECORDS = [patient(), creatinine(1.0, "2026-06-01T08:00:00Z")]


def values(trace: Any) -> list[Any]:
    return [each.value for each in explain(trace)]


@pytest.mark.parametrize("cached", [True, False])
async def test_a_question_that_comes_late_is_told_that_nothing_can_be_had(cached: bool) -> None:
    async with engine_over(FaultyFhir(RECORDS), cache={"enabled": cached}) as engine:
        await engine.close()
        trace = await engine.ask(Question("p1", OF, AT))
        assert values(trace)[1] == Absent(AbsentReason.UNREACHABLE)
        assert any("engine is closing" in issue.text for issue in trace.issues)


@pytest.mark.parametrize("cached", [True, False])
async def test_a_question_under_way_ends_with_words(cached: bool) -> None:
    asked, closed = asyncio.Event(), asyncio.Event()

    async def paged(request: httpx.Request) -> httpx.Response:
        asked.set()
        await closed.wait()
        link = [{"relation": "next", "url": f"{request.url}&page=2"}]
        return httpx.Response(200, json={"resourceType": "Bundle", "type": "searchset", "link": link, "entry": []})

    async with engine_over(FaultyFhir(RECORDS, Observation=paged), cache={"enabled": cached}) as engine:
        question = asyncio.create_task(engine.ask(Question("p1", OF, AT)))
        await asked.wait()
        await engine.close()
        closed.set()
        trace = await question
    assert values(trace)[1] == Absent(AbsentReason.UNREACHABLE)
    assert any("engine is closing" in issue.text for issue in trace.issues)


async def test_whether_sources_answer_is_told_then_too() -> None:
    async with engine_over(FaultyFhir(RECORDS), cache={"enabled": False}) as engine:
        await engine.close()
        (status,) = await engine.source_status()
    assert (status.reachable, "engine is closing" in status.text) == (False, True)


async def test_no_authorisation_is_asked_for_then() -> None:
    http = FaultyFhir(()).client()
    await http.aclose()
    with pytest.raises(SourceUnreachableError, match="engine is closing"):
        await discover_token_endpoint(http, Source("ehr", "https://ehr.example/fhir"))

"""The same faults through POST /graphql: an answer or an error with a code, no trace, no patient, no value."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest

from collectors.fetching import transport
from server.executor.engine import Engine
from tests.support.charts import creatinine, patient
from tests.support.fake_fhir_servers import (
    FaultyFhir,
    application_client,
    engine_over,
    html,
    never_answering,
    page_loop,
    raising_egfr,
    refusing,
    unreachable,
)

PATIENT, VALUE = "pat-5f2c91", 1.6180339
RECENT = "2026-06-29T08:00:00+00:00"
CHART = [patient(id=PATIENT, name=[{"family": "Featherstone"}]), creatinine(VALUE, RECENT, id="cr1", of=PATIENT)]
QUERY = """query ($id: ID!) { patient(id: $id) {
  results(of: ["egfr", "age", "serum-creatinine", "cha2ds2-vasc"], at: "2026-06-30T12:00:00Z") {
    concept { id } status text value { __typename ... on Absent { reason } ... on Quantity { value } }
    issues { code severity text } } } }"""
TRACES = ("Traceback", 'File "', ".py", "Error(", "site-packages")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_FIRST_BACKOFF", 0.001)


async def post(engine: Engine, of: str = PATIENT) -> tuple[httpx.Response, dict[str, Any]]:
    async with application_client(engine) as client, asyncio.timeout(20):
        answer = await client.post("/graphql", json={"query": QUERY, "variables": {"id": of}})
    assert not any(sign in answer.text for sign in TRACES)
    return answer, answer.json()


def by_concept(told: dict[str, Any]) -> dict[str, Any]:
    return {result["concept"]["id"]: result for result in told["data"]["patient"]["results"]}


@pytest.mark.parametrize(
    "fault", [unreachable, never_answering, html, page_loop, refusing(401), refusing(403), refusing(500)]
)
async def test_a_source_at_fault_is_answered(fault: Any) -> None:
    fhir = FaultyFhir(CHART, Patient=fault, Observation=fault, Condition=fault)
    async with engine_over(fhir, server={"deadline": 2}) as engine:
        answer, told = await post(engine)
    assert answer.status_code == 200
    assert "errors" not in told
    results = by_concept(told)
    assert {result["status"] for result in results.values()} == {"INSUFFICIENT"}
    assert results["serum-creatinine"]["value"]["reason"] in ("UNREACHABLE", "NOT_PERMITTED")
    assert results["egfr"]["value"] == {"__typename": "Absent", "reason": "INPUT_ABSENT"}
    assert all(result["issues"] for result in results.values())


async def test_a_module_that_raises_fails_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with engine_over(FaultyFhir(CHART), raising_egfr(tmp_path / "egfr")) as engine:
        answer, told = await post(engine)
    assert answer.status_code == 200
    results = by_concept(told)
    assert results["egfr"]["status"] == "FAILED"
    assert results["egfr"]["value"]["reason"] == "FAILED"
    assert str(VALUE) not in json.dumps(results["egfr"])
    assert (results["age"]["status"], results["serum-creatinine"]["status"]) == ("COMPLETE", "COMPLETE")
    assert results["serum-creatinine"]["value"]["value"] == VALUE
    assert "module egfr 1.0.3 raised ValueError" in caplog.text
    assert not any(secret in caplog.text for secret in (PATIENT, str(VALUE), "Featherstone"))


@pytest.mark.parametrize("of", ["nobody-77f1", "no/such%id", "x" * 80])
async def test_an_unknown_patient_is_an_error_that_does_not_repeat_the_id(
    of: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with engine_over(FaultyFhir(CHART)) as engine:
        answer, told = await post(engine, of)
    (error,) = told["errors"]
    assert error["extensions"]["code"] == "patient-not-found"
    assert of not in answer.text
    assert of not in caplog.text

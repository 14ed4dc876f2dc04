"""The application: health, headers, limits of a request, errors at the edge, and a whole question over HTTP."""

import asyncio
import gc
import logging
from pathlib import Path

import pytest

from server.app import application, create_app
from server.executor.engine import Engine
from tests.support.charts import creatinine, patient
from tests.support.engine_questions import shipped
from tests.support.fake_fhir_servers import BASE, FakeFhir
from tests.support.served_application import serving
from tests.support.settings import make_settings

RECORDS = (patient(), creatinine(1.6, "2026-06-01T08:30:00Z"))
QUERY = (
    '{ patient(id: "p1") { results(of: ["egfr", "serum-creatinine"], at: "2026-06-02T12:00:00Z") '
    "{ status text chain { module { id } reused } records { url version } } } }"
)


async def test_a_question_from_http_to_fhir_and_back_and_what_is_reused() -> None:
    fhir = FakeFhir(RECORDS)
    async with serving(fhir) as client:
        answer = await client.post("/graphql", json={"query": QUERY})
        again = await client.post("/graphql", json={"query": QUERY})
    assert answer.status_code == 200, answer.text
    egfr, recorded = answer.json()["data"]["patient"]["results"]
    assert egfr["text"].startswith("Estimated GFR is ")
    assert recorded["records"][0]["url"].startswith(f"{BASE}/Observation/")
    assert recorded["records"][0]["version"] == "1"
    assert [step["reused"] for step in egfr["chain"]] == [False] * len(egfr["chain"])
    assert all(step["reused"] for step in again.json()["data"]["patient"]["results"][0]["chain"])


async def test_health_and_readiness_tell_the_truth_and_nothing_of_a_patient() -> None:
    fhir = FakeFhir(RECORDS)
    async with serving(fhir) as client:
        await client.post("/graphql", json={"query": QUERY})
        alive, able = await client.get("/health"), await client.get("/ready")
        assert (alive.status_code, able.status_code) == (200, 200)
        assert alive.json()["status"] == "alive"
        assert alive.json()["cache"]["reachable"] is True
        assert [(s["id"], s["reachable"]) for s in alive.json()["sources"]] == [("ehr", True)]
    async with serving(fhir) as client:
        fhir.down = True
        alive, able = await client.get("/health"), await client.get("/ready")
        assert (alive.status_code, able.status_code) == (200, 503)
        assert alive.json()["sources"][0]["reachable"] is False
        assert "p1" not in alive.text + able.text


async def test_a_source_that_is_away_is_answered_typed() -> None:
    fhir = FakeFhir(RECORDS)
    async with serving(fhir, server={"deadline": 2}) as client:
        fhir.down = True
        answer = await client.post("/graphql", json={"query": QUERY})
    assert answer.status_code == 200
    egfr, recorded = answer.json()["data"]["patient"]["results"]
    assert (egfr["status"], recorded["status"]) == ("INSUFFICIENT", "INSUFFICIENT")
    assert "the source could not be reached" in egfr["text"]


async def test_every_answer_carries_the_headers() -> None:
    async with serving(FakeFhir(())) as client:
        for path in ("/health", "/nothing", "/graphql"):
            headers = (await client.get(path)).headers
            assert headers["cache-control"] == "no-store"
            assert headers["x-content-type-options"] == "nosniff"
            assert "default-src 'none'" in headers["content-security-policy"]


async def test_what_is_not_there_is_json() -> None:
    async with serving(FakeFhir(())) as client:
        missing, wrong = await client.get("/Patient/p1"), await client.post("/health")
    assert (missing.status_code, missing.json()["errors"][0]["extensions"]["code"]) == (404, "http-404")
    assert (wrong.status_code, wrong.json()["errors"][0]["extensions"]["code"]) == (405, "http-405")
    assert "p1" not in missing.text


async def test_the_log_names_routes_and_never_what_was_asked(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="medtwin")
    async with serving(FakeFhir(RECORDS)) as client:
        await client.post("/graphql?patient=p1-secret", json={"query": QUERY})
        await client.get("/Patient/p1-secret")
        await client.get("/health?x=p1-secret")
        await client.request("P1-SECRET", "/health")
    lines = [record.getMessage() for record in caplog.records if record.name == "medtwin.access"]
    assert [line.split(" ")[:3] for line in lines] == [
        ["POST", "/graphql", "200"],
        ["GET", "other", "404"],
        ["GET", "/health", "200"],
        ["other", "/health", "405"],
    ]
    assert "secret" not in caplog.text.lower()
    assert "1.6" not in caplog.text


async def test_a_body_that_is_too_large_is_not_read() -> None:
    async with serving(FakeFhir(()), server={"max_query_bytes": 1024}) as client:
        answer = await client.post("/graphql", json={"query": "x" * 2000})
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("built", "production", "status"), [(True, False, 200), (True, True, 404), (False, False, 404)]
)
async def test_graphiql_only_where_it_was_built_and_never_in_production(
    tmp_path: Path, built: bool, production: bool, status: int
) -> None:
    if built:
        (tmp_path / "index.html").write_text("<!doctype html><title>GraphiQL</title>")
    async with serving(FakeFhir(()), server={"graphiql_dir": str(tmp_path), "production": production}) as client:
        page = await client.get("/graphiql/")
    assert page.status_code == status
    if status == 200:
        assert "default-src 'self'" in page.headers["content-security-policy"]
        assert "http" not in page.headers["content-security-policy"]


async def test_an_endpoint_that_breaks_answers_an_id_and_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_: Engine) -> None:
        raise RuntimeError("p1-secret")

    monkeypatch.setattr(Engine, "source_status", broken)
    async with serving(FakeFhir(())) as client:
        answer = await client.get("/health")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json()["errors"][0]["extensions"]["code"] == "internal"


async def test_models_are_frozen_once_they_are_open_and_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    async def warm_up(_: object) -> None:
        done.append("open")

    monkeypatch.setattr(application, "warm_up_catalog", warm_up)
    monkeypatch.setattr(gc, "collect", lambda: done.append("collect"))
    monkeypatch.setattr(gc, "freeze", lambda: done.append("freeze"))
    settings = make_settings(sources=[{"id": "ehr", "base_url": BASE}], cache={"enabled": False})

    async def opened() -> Engine:
        return await Engine.open(settings, shipped(), FakeFhir([]).client())

    for freeze in (False, True):
        app = create_app(settings, opened, freeze=freeze)
        async with app.router.lifespan_context(app):
            admission = app.state.graphql.admission
            async with admission.admitted("a"):
                await asyncio.sleep(0.01)
                # Garbage of a question that runs would never be collected.
                assert done[-1] == "open"
            await asyncio.sleep(0.01)
        assert done == (["open", "collect", "freeze"] if freeze else ["open"])
        done.clear()

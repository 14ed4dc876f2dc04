"""Invariant 1: nothing of a patient in logs, errors, cache keys, cached bytes as they lie, or file names."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from collectors.fetching import transport
from ontology.errors import MedtwinError
from server.executor.question import Question
from tests.support.fake_fhir_servers import (
    Fault,
    FaultyFhir,
    application_client,
    engine_over,
    html,
    page_loop,
    raising_egfr,
    refusing,
    watch_embedded,
)
from tests.support.proof_questions import every_concept
from tests.support.secrets_chart import AT, CREATININE, assert_none, cache_contents, chart, everything_logged, secrets


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_FIRST_BACKOFF", 0.001)


# Ids that FHIR allows and family names in any script, each with a part that occurs nowhere by chance.
IDS = st.from_regex(r"[A-Za-z0-9.\-]{0,20}zq7x[A-Za-z0-9.\-]{0,20}", fullmatch=True)
NAMES = st.text(st.characters(whitelist_categories=["L"]), max_size=20).map("Zwyx{}".format)


# No shrinking: each example starts a cache server, and a leak is as plain in the first one found.
@settings(
    max_examples=8,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(of=IDS, family=NAMES)
def test_a_question_that_succeeds(of: str, family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    caches = watch_embedded(monkeypatch)

    async def run() -> None:
        async with engine_over(FaultyFhir(chart(of, family)), site={"north-america": True}) as engine:
            trace = await engine.ask(Question(of, every_concept(), AT))
            await engine.ask(Question(of, every_concept(), AT))
            # What is written goes behind the answer: a look into the server must not race it.
            await engine.memory.store.flush()
            server = caches[-1]
            names, values = await cache_contents(server)
            files = [str(path) for path in server.directory.rglob("*")]
            contents = [path.read_bytes() for path in server.directory.rglob("*") if path.is_file()]
        assert len(names) > 20
        # That the chart was read at all, or none of this would prove anything.
        assert CREATININE in repr(trace.executions)
        hidden = secrets(of, family)
        assert_none(hidden, "a cache key", [name.decode("ascii") for name in names])
        assert_none(hidden, "a cached value", [value.decode("latin-1") for value in values])
        # As they are encoded before they are sealed, too.
        assert not any(word in value for value in values for word in (b"quantity", b"creatinine", b"absent", b"mg/dL"))
        assert_none(hidden, "a file's name", files)
        assert_none(hidden, "a file", [content.decode("latin-1") for content in contents])

    with everything_logged() as lines:
        asyncio.run(run())
    assert_none(secrets(of, family), "the log", lines)


FAULTS: dict[str, Fault] = {"HTML": html, "page loop": page_loop, "403": refusing(403), "500": refusing(500)}
OF, FAMILY = "pat-90210-q", "Featherstonehaugh"
BAD_IDS = ["../Patient/9", "pat 90210 q", "pat-90210-q?_count=1", "päţient-90210", "x" * 70, "pat-404-nobody"]
QUERY = "query ($id: ID!, $at: DateTime) { patient(id: $id) { results(of: %s, at: $at) { text } } }"


@pytest.mark.parametrize("name", FAULTS)
async def test_a_source_at_fault(name: str) -> None:
    fhir = FaultyFhir(chart(OF, FAMILY), Observation=FAULTS[name], Condition=FAULTS[name])
    with everything_logged() as lines:
        async with engine_over(fhir) as engine:
            trace = await engine.ask(Question(OF, every_concept(), AT))
    assert trace.issues
    assert_none(secrets(OF, FAMILY), "the log", lines)
    assert_none(secrets(OF, FAMILY), "an issue of the run", [issue.text for issue in trace.issues])


async def test_a_module_that_raises_with_a_value_in_its_message(tmp_path: Path) -> None:
    with everything_logged() as lines:
        async with engine_over(FaultyFhir(chart(OF, FAMILY)), raising_egfr(tmp_path / "egfr")) as engine:
            await engine.ask(Question(OF, ("egfr",), AT))
    assert any("module egfr" in line and "ValueError" in line for line in lines)
    assert_none(secrets(OF, FAMILY), "the log", lines)


@pytest.mark.parametrize("of", BAD_IDS)
async def test_exceptions_that_reach_the_edge(of: str) -> None:
    with everything_logged() as lines:
        async with engine_over(FaultyFhir(chart(OF, FAMILY))) as engine:
            with pytest.raises(MedtwinError) as caught:
                await engine.ask(Question(of, ("egfr",), AT))
    assert_none({of}, "the exception", [str(caught.value), repr(caught.value)])
    assert_none({of}, "the log", lines)


VARIABLES: list[tuple[str, dict[str, Any]]] = [
    ('["egfr"]', {"id": OF, "at": "2026-06-30T12:00:00Z"}),
    ('["egfr"]', {"id": OF, "at": "the day after Featherstonehaugh"}),
    ('["no-such-concept"]', {"id": OF}),
    ('["egfr"]', {"id": {"family": FAMILY}}),
    *(('["egfr"]', {"id": of, "at": "2026-06-30T12:00:00Z"}) for of in BAD_IDS),
]


@pytest.mark.parametrize(("of", "variables"), VARIABLES)
async def test_over_http(of: str, variables: dict[str, Any]) -> None:
    with everything_logged() as lines:
        async with engine_over(FaultyFhir(chart(OF, FAMILY))) as engine, application_client(engine) as client:
            body = {"query": QUERY % of, "variables": variables}
            told = await client.post(f"/graphql?patient={OF}", json=body)
            health = await client.get("/health")
    hidden = secrets(OF, FAMILY) | {str(variables["id"])}
    ours = [line for line in lines if not line.startswith(("httpx", "httpcore"))]
    assert_none(hidden, "the log", ours)
    assert_none(hidden, "an error", [error["message"] for error in told.json().get("errors", ())])
    assert_none(hidden, "health", [health.text])


async def test_what_an_engine_shows_of_itself() -> None:
    """Debuggers and error reports print objects: an engine's hold no patient once a question is answered."""
    async with engine_over(FaultyFhir(chart(OF, FAMILY))) as engine:
        await engine.ask(Question(OF, every_concept(), AT))
        shown = [repr(vars(each)) for each in (engine, engine.memory, engine.gatherer, engine.memory.result_cache)]
    assert_none(secrets(OF, FAMILY), "the engine", shown)


def test_the_secrets_are_such_that_a_leak_would_show() -> None:
    with everything_logged() as lines:
        logging.getLogger("medtwin.anything").debug("asked about %s", OF)
    with pytest.raises(AssertionError, match="the log holds"):
        assert_none(secrets(OF, FAMILY), "the log", lines)

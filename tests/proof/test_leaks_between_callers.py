"""Invariant 1 between callers: no answer, log line, cache key or error holds anything of another's patient.

``LEAK_QUESTIONS`` sets the number of questions (``make leak``), ``LEAK_SEED`` another order of events.
"""

import os
from random import Random
from typing import Any

import httpx
import pytest

from collectors.fetching import single_flight, transport
from server.executor import engine as engines
from server.executor.cache.encryption import Keyring
from server.executor.cache.store import Store
from server.executor.engine import Engine
from tests.support.engine_questions import shipped
from tests.support.granted_questions import KEPT, GrantedApp, source
from tests.support.leak_run import (
    CALLERS,
    MRN,
    NAMES,
    LeakRun,
    UnsteadyServers,
    UnsteadyStore,
    foreign,
    of_anybody,
    unsteady_flight,
)
from tests.support.secrets_chart import everything_logged
from tests.support.settings import make_settings

QUESTIONS = int(os.environ.get("LEAK_QUESTIONS", "2000"))
SEED = int(os.environ.get("LEAK_SEED", "20261010"))


async def test_nothing_of_anothers_patient_gets_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(SEED)  # noqa: S311 - an order of events, and no secret
    servers, store = UnsteadyServers(random), UnsteadyStore(random)

    async def opened(*_: Any, keys: Keyring, **__: Any) -> Store:
        return store.sealed(keys)

    monkeypatch.setattr(engines, "open_store", opened)
    monkeypatch.setattr(single_flight, "_await_call", unsteady_flight(random))
    monkeypatch.setattr(transport, "_FIRST_BACKOFF", 0.0)
    # One source keeps records for a while, the other is asked each time.
    sources = [source("ehr", identifiers=[MRN], freshness=dict.fromkeys(KEPT, 2)), source("lab", identifiers=[MRN])]
    http = httpx.AsyncClient(transport=httpx.MockTransport(servers))
    with everything_logged() as lines:
        async with await Engine.open(make_settings(sources=sources), shipped(), http) as engine:
            run = LeakRun(GrantedApp(engine), servers, random)
            await run.learn()
            await run.run(QUESTIONS)
            await engine.memory.store.flush()
    # The first ones: to compare thousands takes longer than the run.
    assert run.faults[:10] == []
    assert servers.strays[:10] == []
    assert [line for line in lines if of_anybody(line)][:10] == []
    assert [name for name in store.names if of_anybody(name)] == []
    assert [value for value in store.values.values() if of_anybody(value.decode("latin-1"))] == []
    # That it happened at all, or this would prove nothing.
    seen = run.seen
    assert seen["answered"] > QUESTIONS / 2 and seen["absent"] > QUESTIONS / 10 and seen["reused"] > QUESTIONS / 10
    assert seen["other-patient"] > QUESTIONS / 50 and seen["source-not-permitted"] > QUESTIONS / 50
    assert seen["cancelled"] > QUESTIONS / 50 and seen["courses"] > QUESTIONS / 50
    assert store.hits > QUESTIONS and servers.count > QUESTIONS
    assert servers.reads > seen["records"] > QUESTIONS / 20 and seen["source-answer"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("zq7x07", []),
        ("Zwyx07 1.077 pt-q07", []),
        ("zq7x08", ["zq7x08"]),
        ("1.327 mg/dL", ["1.327"]),
        ("Patient/pt-q08", ["pt-q08"]),
        ("Zwyx32", ["Zwyx32"]),
        ("pt-q07 of the other source: zq7x32", ["zq7x32"]),
    ],
)
def test_what_is_another_patients_is_recognised(text: str, found: list[str]) -> None:
    assert foreign(text, 7) == found
    assert of_anybody(text)


def test_the_callers_are_of_both_sources() -> None:
    assert (CALLERS, len(NAMES)) == (50, 2)

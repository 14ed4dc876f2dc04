"""The cache may be killed at any moment: the answers stay the same, and only take their computing again."""

import asyncio
import os
import signal
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from server.executor.engine import Engine
from server.executor.question import Question
from server.executor.result_cache import Job, JobResult
from server.executor.trace import Trace
from tests.support.charts import creatinine, patient, uacr
from tests.support.engine_questions import reused_modules
from tests.support.fake_fhir_servers import FaultyFhir, engine_over, watch_embedded
from tests.support.proof_questions import every_concept, results_by_concept

AT = datetime(2026, 6, 30, 12, tzinfo=UTC)
RECENT = "2026-06-29T08:00:00+00:00"
CHART = [patient(), creatinine(1.6, RECENT, id="cr1"), uacr(120, RECENT, id="ur1")]


async def ask(engine: Engine) -> Trace:
    async with asyncio.timeout(20):
        return await engine.ask(Question("p1", every_concept(), AT))


async def test_the_cache_killed_between_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    caches = watch_embedded(monkeypatch)
    async with engine_over(FaultyFhir(CHART)) as engine:
        before, warm = await ask(engine), await ask(engine)
        await engine.memory.store.flush()
        os.kill(caches[0].pid, signal.SIGKILL)
        after = await ask(engine)
        status = await engine.cache_status()
    # What one question computes twice is had from its own first time, with a cache or without.
    assert len(reused_modules(warm)) > len(reused_modules(before))
    assert reused_modules(after) == reused_modules(before)
    assert values(after) == values(before)
    assert (status.reachable, status.kind) == (False, "embedded")
    assert "p1" not in status.text


async def test_the_cache_killed_mid_run(monkeypatch: pytest.MonkeyPatch) -> None:
    caches = watch_embedded(monkeypatch)
    async with engine_over(FaultyFhir(CHART)) as engine:
        undisturbed = await ask(engine)
    async with engine_over(FaultyFhir(CHART)) as engine:
        land, waves = engine.memory.result_cache.results_for, 0

        async def kill_after_the_first_wave(jobs: Sequence[Job]) -> Sequence[JobResult]:
            nonlocal waves
            landed = await land(jobs)
            waves += 1
            if waves == 1:
                os.kill(caches[1].pid, signal.SIGKILL)
            return landed

        monkeypatch.setattr(engine.memory.result_cache, "results_for", kill_after_the_first_wave)
        trace = await ask(engine)
    assert waves > 1
    assert values(trace) == values(undisturbed)


def values(trace: Trace) -> dict[str, object]:
    return {concept: (result.status, result.value) for concept, result in results_by_concept(trace).items()}

"""Attribution beside the event loop: a few questions at a time; what nobody waits for, or takes too long, ends."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from server.executor.budget import Budget, Effort, EffortExceededError
from server.graphql import attribution
from server.settings import ServerSettings
from tests.support.exported_arguments import exported_result
from tests.support.traces import EVERY_TRACE

TRACE, RESULTS = EVERY_TRACE["chain"](), (exported_result("chain"),)
SOON = 10.0


class Working:
    """In the place of attribution: works until it is stopped, and says how many did at once."""

    def __init__(self) -> None:
        self.now, self.most, self.ended = 0, 0, 0
        self.lock = threading.Lock()
        self.begun, self.over = threading.Event(), threading.Event()

    def __call__(self, _trace: Any, results: Any, _asked: Any, effort: Callable[[], Effort]) -> Any:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.begun.set()
        try:
            effort().stopped.wait(SOON)
            with pytest.raises(EffortExceededError):
                effort().take_calls()
        finally:
            with self.lock:
                self.now -= 1
                self.ended += 1
                if not self.now:
                    self.over.set()
        return results


async def test_what_nobody_waits_for_ends_and_few_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    working = Working()
    monkeypatch.setattr(attribution, "with_attributions", working)
    asked = [asyncio.create_task(attribution.attribute_results(TRACE, RESULTS, (), None)) for _ in range(6)]
    await asyncio.to_thread(working.begun.wait, SOON)
    for task in asked:
        task.cancel()
    told = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(each, asyncio.CancelledError) for each in told)
    await asyncio.to_thread(working.over.wait, SOON)
    assert 1 <= working.most <= attribution.WORKERS


async def test_the_time_of_a_question_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter((0.0, 5.0, 20.5))
    budget = Budget.from_settings(ServerSettings(deadline=20))
    budget.clock = lambda: next(clock)
    late: list[bool] = []

    def working(_trace: Any, results: Any, _asked: Any, effort: Callable[[], Effort]) -> Any:
        late.extend((effort().is_late(), effort().is_late()))
        return results

    monkeypatch.setattr(attribution, "with_attributions", working)
    assert await attribution.attribute_results(TRACE, RESULTS, (), budget) == RESULTS
    assert late == [False, True]

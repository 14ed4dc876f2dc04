"""A long run gives others their turns: counted, not timed."""

import asyncio
from datetime import timedelta

import pytest

from collectors.assembly import facts_from_resources
from server.compiler.compilation import compile_plan
from server.executor.budget import TURN_SECONDS, TURN_SIZE, SharedTurns, shared_turns
from server.executor.question import Question
from server.executor.result_cache import by_turns
from tests.support.charts import creatinine, patient
from tests.support.engine_questions import AT, shipped
from tests.support.fake_fhir_servers import FaultyFhir, engine_over

POINTS = 3 * TURN_SIZE


class Other:
    """Something else on the loop, that counts how often it has its turn."""

    def __init__(self) -> None:
        self.turns = 0

    async def live(self) -> None:
        while True:
            self.turns += 1
            await asyncio.sleep(0)

    async def __aenter__(self) -> "Other":
        self._task = asyncio.create_task(self.live())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})


@pytest.mark.parametrize(
    ("items", "turns"), [(0, 0), (1, 0), (TURN_SIZE, 0), (TURN_SIZE + 1, 1), (2 * TURN_SIZE, 1), (2 * TURN_SIZE + 1, 2)]
)
async def test_everything_is_done_in_order_and_others_go_between(items: int, turns: int) -> None:
    async with Other() as other:
        assert await by_turns(str, range(items)) == [str(item) for item in range(items)]
        assert other.turns == turns


@pytest.mark.parametrize("questions", [1, 7, 30])
@pytest.mark.parametrize("items", [1, 9, 64, 150])
async def test_the_questions_of_a_request_share_their_turns(questions: int, items: int) -> None:
    most, done = 0, 0

    def work(item: int) -> int:
        nonlocal done
        done += 1
        return item

    async def other() -> None:
        nonlocal most, done
        while True:
            most, done = max(most, done), 0
            await asyncio.sleep(0)

    beside = asyncio.create_task(other())
    await asyncio.sleep(0)
    given = shared_turns.set(SharedTurns())
    found = await asyncio.gather(*(by_turns(work, range(items)) for _ in range(questions)))
    shared_turns.reset(given)
    await asyncio.sleep(0)
    beside.cancel()
    assert found == [list(range(items))] * questions
    # Two tasks of one turn of the loop stand on both sides of the one that counts.
    assert min(TURN_SIZE, questions * items) // 2 < most <= 2 * TURN_SIZE


async def test_a_piece_that_takes_long_ends_the_turn() -> None:
    times = iter(number * TURN_SECONDS / 3 for number in range(10**6))
    given = shared_turns.set(SharedTurns(lambda: next(times)))
    async with Other() as other:
        assert await by_turns(str, range(30)) == [str(item) for item in range(30)]
    shared_turns.reset(given)
    assert other.turns >= 30 // 4


async def test_a_question_that_is_given_up_while_it_waits_keeps_no_other_waiting() -> None:
    given = shared_turns.set(SharedTurns())
    waiting = [asyncio.create_task(by_turns(str, range(2 * TURN_SIZE))) for _ in range(4)]
    await asyncio.sleep(0)
    # The first has had its turn; the others wait.
    waiting[1].cancel()
    waiting[2].cancel()
    async with asyncio.timeout(5):
        assert len(await waiting[3]) == 2 * TURN_SIZE
    shared_turns.reset(given)
    assert [each.cancelled() for each in waiting] == [False, True, True, False]


async def test_what_fails_fails_the_whole() -> None:
    with pytest.raises(ZeroDivisionError):
        await by_turns(lambda item: 1 // item, [1] * TURN_SIZE + [0])


async def test_a_series_of_many_points_lets_others_go_between() -> None:
    # Nothing is fetched and nothing kept, so that no other wait gives a turn.
    records = [patient()] + [
        creatinine(1.0 + number / 1000, (AT - timedelta(days=1 + number)).isoformat(), id=f"o{number}")
        for number in range(POINTS)
    ]
    plan = compile_plan(shipped(), ("egfr-slope",))
    async with engine_over(FaultyFhir(records), cache={"enabled": False}) as engine:
        source = engine.source(None)
        facts = facts_from_resources(source, "p1", plan.searches, records)
        question = Question("p1", ("egfr-slope",), AT)
        async with Other() as other:
            trace = await engine.answer(question, plan, AT, facts, source)
            # Two waves of as many points, each prepared, looked up and evaluated; names and reasons of all.
            waves = 2 * 3 * (POINTS // TURN_SIZE - 1)
            assert len(trace.executions) > 2 * POINTS
            assert other.turns >= waves + 2 * (2 * POINTS // TURN_SIZE - 1)

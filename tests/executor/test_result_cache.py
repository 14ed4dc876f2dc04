"""One evaluation for many that ask: within a wave, within a process, and across processes where it is costly."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ontology.evaluation import Evaluation, Working
from ontology.values import Absent, AbsentReason, Quantity
from server.executor.cache.store import NoStore, Store
from server.executor.result_cache import Job, JobResult, ResultCache, encode_evaluation, lock_name, value_name
from tests.support.cache_servers import SERVERS, Backend, open_backend, wait_until_true

REPO = Path(__file__).parents[2]
HOUR = timedelta(hours=1)


def result(number: int) -> Evaluation:
    return Evaluation(Quantity(Decimal(number), "mg/dL"), Working("worked"))


class Counted:
    """An evaluation that counts its calls."""

    def __init__(self, number: int = 1) -> None:
        self.calls = 0
        self.number = number

    def __call__(self) -> Evaluation:
        self.calls += 1
        return result(self.number)


class Memory(NoStore):
    """A store in this process, which yields to others as a real one does, and counts requests."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, bytes] = {}
        self.locks: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.held: str | None = None

    async def _request(self, name: str) -> None:
        """Answered at the next turn of the loop, or once ``held`` names another request."""
        self.requests.append(name)
        await asyncio.sleep(0)
        await wait_until_true(lambda: self.held != name)

    async def get_many(self, names: Sequence[str]) -> list[bytes | None]:
        if names:
            await self._request("get")
        return [self.values.get(name) for name in names]

    async def put_many(self, items: Mapping[str, bytes], ttl: timedelta) -> None:
        if items:
            await self._request("put")
        self.values.update(items)

    async def claim_many(self, names: Sequence[str], holder: bytes, ttl: timedelta) -> list[bool]:
        await self._request("claim")
        return [self.locks.setdefault(name, holder) == holder for name in names]

    async def is_first(self, name: str, ttl: timedelta) -> bool | None:
        await self._request("first")
        return self.locks.setdefault(name, b"") == b""

    async def release_many(self, names: Sequence[str], holder: bytes) -> None:
        if names:
            await self._request("release")
        for name in names:
            if self.locks.get(name) == holder:
                del self.locks[name]


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture(params=SERVERS)
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[Backend]:
    async with open_backend(request.param) as opened:
        yield opened


@pytest.mark.parametrize("costly", [False, True])
async def test_evaluated_once_then_reused(memory: Memory, costly: bool) -> None:
    flight, evaluate = ResultCache(memory, HOUR), Counted()
    assert await flight.results_for([Job("a", evaluate, costly)]) == [JobResult(result(1), reused=False)]
    assert await flight.results_for([Job("a", evaluate, costly)]) == [JobResult(result(1), reused=True)]
    assert evaluate.calls == 1
    assert memory.locks == {}


async def test_a_wave_costs_one_look_and_one_write(memory: Memory) -> None:
    flight = ResultCache(memory, HOUR)
    landed = await flight.results_for([Job(str(n), Counted(n)) for n in range(50)])
    assert [each.evaluation for each in landed] == [result(n) for n in range(50)]
    assert memory.requests == ["get", "put"]
    await flight.results_for([Job(str(n), Counted(n)) for n in range(50)])
    assert memory.requests == ["get", "put", "get"]


async def test_an_empty_wave_asks_nothing(memory: Memory) -> None:
    assert await ResultCache(memory, HOUR).results_for([]) == []
    assert memory.requests == []


async def test_equal_jobs_of_one_wave_are_evaluated_once(memory: Memory) -> None:
    evaluate = Counted()
    landed = await ResultCache(memory, HOUR).results_for([Job("a", evaluate), Job("b", Counted(2)), Job("a", evaluate)])
    assert [each.reused for each in landed] == [False, False, True]
    assert evaluate.calls == 1


@pytest.mark.parametrize(
    ("store", "costly"),
    # Without a cache nothing is awaited around a cheap evaluation, and so nothing runs beside it.
    [(Memory, False), (Memory, True), (NoStore, True)],
)
async def test_concurrent_waves_share_one_evaluation(store: Callable[[], Store], costly: bool) -> None:
    flight, evaluate = ResultCache(store(), HOUR), Counted()
    waves = await asyncio.gather(*(flight.results_for([Job("a", evaluate, costly)]) for _ in range(20)))
    assert evaluate.calls == 1
    assert sorted(each.reused for (each,) in waves) == [False] + [True] * 19


async def test_a_wave_that_comes_while_another_writes_does_not_evaluate(memory: Memory) -> None:
    flight, evaluate = ResultCache(memory, HOUR), Counted()
    memory.held = "put"
    first = asyncio.create_task(flight.results_for([Job("a", evaluate)]))
    await wait_until_true(lambda: "put" in memory.requests)
    assert await flight.results_for([Job("a", evaluate)]) == [JobResult(result(1), reused=True)]
    assert not first.done()
    memory.held = None
    await first
    assert evaluate.calls == 1


async def test_waves_that_overlap_both_ways_do_not_wait_for_each_other(memory: Memory) -> None:
    flight = ResultCache(memory, HOUR)
    jobs = [Job(name, Counted(), True) for name in "abcd"]
    async with asyncio.timeout(20):
        await asyncio.gather(
            *(flight.results_for(jobs[n:] + jobs[:n]) for n in range(4)), flight.results_for(list(reversed(jobs)))
        )


async def test_what_is_raised_is_raised_and_others_evaluate_for_themselves(memory: Memory) -> None:
    flight, sound = ResultCache(memory, HOUR), Counted()

    def unsound() -> Evaluation:
        raise ZeroDivisionError

    outcomes = await asyncio.gather(
        flight.results_for([Job("a", unsound)]), flight.results_for([Job("a", sound)]), return_exceptions=True
    )
    assert isinstance(outcomes[0], ZeroDivisionError)
    assert outcomes[1] == [JobResult(result(1), reused=False)]
    assert await flight.results_for([Job("a", sound)]) == [JobResult(result(1), reused=True)]


async def test_a_leader_that_is_cancelled_does_not_cancel_its_followers(memory: Memory) -> None:
    flight, evaluate = ResultCache(memory, HOUR), Counted()
    memory.held = "get"
    leader = asyncio.create_task(flight.results_for([Job("a", evaluate)]))
    await wait_until_true(lambda: "get" in memory.requests)
    follower = asyncio.create_task(flight.results_for([Job("a", evaluate)]))
    await asyncio.sleep(0)
    leader.cancel()
    await asyncio.wait([leader])
    assert leader.cancelled()
    assert evaluate.calls == 0
    memory.held = None
    assert await follower == [JobResult(result(1), reused=False)]


async def test_a_follower_that_is_cancelled_does_not_cancel_its_leader(memory: Memory) -> None:
    flight, started, go = ResultCache(memory, HOUR), asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def evaluate() -> Evaluation:
        loop.call_soon_threadsafe(started.set)
        go.wait(20)
        return result(1)

    leader = asyncio.create_task(flight.results_for([Job("a", evaluate, True)]))
    await started.wait()
    follower = asyncio.create_task(flight.results_for([Job("a", evaluate, True)]))
    await asyncio.sleep(0)
    follower.cancel()
    await asyncio.sleep(0)
    go.set()
    assert await leader == [JobResult(result(1), reused=False)]


async def test_a_module_that_failed_is_asked_anew(memory: Memory) -> None:
    failed = Evaluation(Absent(AbsentReason.FAILED), Working("failed"))
    flight = ResultCache(memory, HOUR)
    assert await flight.results_for([Job("a", lambda: failed)]) == [JobResult(failed, reused=False)]
    assert memory.values == {}
    assert await flight.results_for([Job("a", lambda: result(1))]) == [JobResult(result(1), reused=False)]


async def test_other_absences_are_kept(memory: Memory) -> None:
    absent = Evaluation(Absent(AbsentReason.INPUT_ABSENT), Working("no creatinine"))
    flight = ResultCache(memory, HOUR)
    await flight.results_for([Job("a", lambda: absent)])
    assert await flight.results_for([Job("a", lambda: absent)]) == [JobResult(absent, reused=True)]


async def test_a_value_that_cannot_be_read_is_evaluated(memory: Memory) -> None:
    memory.values[value_name("a")] = b"garbled"
    assert (await ResultCache(memory, HOUR).results_for([Job("a", Counted())]))[0].reused is False


async def test_only_costly_evaluations_take_a_lock(memory: Memory) -> None:
    flight = ResultCache(memory, HOUR)
    await flight.results_for([Job("a", Counted()), Job("b", Counted(), True), Job("c", Counted(), True)])
    assert memory.requests.count("claim") == 1, "all locks of a wave in one request"


async def test_costly_evaluations_do_not_hold_up_the_loop(memory: Memory) -> None:
    seen = []

    def evaluate() -> Evaluation:
        seen.append(threading.current_thread())
        return result(1)

    await ResultCache(memory, HOUR).results_for([Job("cheap", evaluate), Job("costly", evaluate, True)])
    assert seen[0] is threading.main_thread()
    assert seen[1] is not threading.main_thread()


async def test_one_that_waits_takes_what_the_holder_found(memory: Memory) -> None:
    memory.locks[lock_name("a")] = b"another process"
    evaluate = Counted()
    waiting = asyncio.create_task(
        ResultCache(memory, HOUR, wait_limit=20, pause=0.001).results_for([Job("a", evaluate, True)])
    )
    await wait_until_true(lambda: memory.requests.count("get") >= 3)
    memory.values[value_name("a")] = encode_evaluation(result(7))
    assert await waiting == [JobResult(result(7), reused=True)]
    assert evaluate.calls == 0


async def test_one_that_waits_takes_over_when_the_lock_is_given_up(memory: Memory) -> None:
    memory.locks[lock_name("a")] = b"another process"
    evaluate = Counted()
    waiting = asyncio.create_task(
        ResultCache(memory, HOUR, wait_limit=20, pause=0.001).results_for([Job("a", evaluate, True)])
    )
    await wait_until_true(lambda: memory.requests.count("get") >= 3)
    memory.locks.clear()
    assert await waiting == [JobResult(result(1), reused=False)]


async def test_one_that_has_waited_long_enough_evaluates(memory: Memory) -> None:
    memory.locks[lock_name("a")] = b"hangs"
    landed = await ResultCache(memory, HOUR, wait_limit=0.01, pause=0.001).results_for([Job("a", Counted(), True)])
    assert landed == [JobResult(result(1), reused=False)]
    assert memory.locks == {lock_name("a"): b"hangs"}, "another's lock is left alone"


PROCESS = """
import asyncio, sys, time
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from ontology.evaluation import Evaluation, Working
from ontology.values import Quantity
from server.executor.cache.redis_store import RedisStore
from server.executor.result_cache import Job, ResultCache

url, log, costly, name, takes = sys.argv[1], Path(sys.argv[2]), sys.argv[3] == "costly", sys.argv[4], float(sys.argv[5])

def evaluate():
    with log.open("a") as file:
        file.write("evaluated\\n")
    time.sleep(takes)
    return Evaluation(Quantity(Decimal(1), "mg/dL"), Working("worked"))

async def main():
    store = RedisStore(url, connect_timeout=10, answer_timeout=10)
    flight = ResultCache(store, timedelta(hours=1), wait_limit=60, lock=timedelta(seconds=int(sys.argv[6])))
    await store.status()
    print("ready", flush=True)
    sys.stdin.readline()
    landed = await flight.results_for([Job(name, evaluate, costly)])
    print("reused" if landed[0].reused else "evaluated", flush=True)
    await store.close()

asyncio.run(main())
"""


def start(url: str, log: Path, name: str, takes: float, lock: int = 60) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", PROCESS, url, log, "costly", name, str(takes), str(lock)],
        cwd=REPO,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def let_go(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


async def test_two_processes_evaluate_once(backend: Backend, tmp_path: Path) -> None:
    log, name = tmp_path / "log", os.urandom(32).hex()
    processes = [start(backend.url or "", log, name, takes=0.3) for _ in range(2)]
    for process in processes:
        let_go(process)
    told = [(await asyncio.to_thread(process.communicate, timeout=60))[0].strip() for process in processes]
    assert sorted(told) == ["evaluated", "reused"]
    assert log.read_text() == "evaluated\n"


async def test_a_crashed_process_is_followed_by_another(backend: Backend, tmp_path: Path) -> None:
    log, name = tmp_path / "log", os.urandom(32).hex()
    first, second = (start(backend.url or "", log, name, takes, lock=1) for takes in (60, 0))
    let_go(first)
    await wait_until_true(lambda: log.exists())
    let_go(second)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    told, _ = await asyncio.to_thread(second.communicate, timeout=60)
    assert told.strip() == "evaluated"
    assert log.read_text() == "evaluated\n" * 2


async def test_a_cache_killed_mid_run_changes_no_answer(backend: Backend) -> None:
    if backend.embedded is None and backend.process is None:
        pytest.skip("the server at this address is not ours to kill")
    flight = ResultCache(backend.store, HOUR)
    name = os.urandom(32).hex()

    def evaluate() -> Evaluation:
        backend.kill()
        return result(1)

    assert await flight.results_for([Job(name, evaluate)]) == [JobResult(result(1), reused=False)]
    assert await flight.results_for([Job(name, Counted()), Job("b", Counted(2), True)]) == [
        JobResult(result(1), reused=False),
        JobResult(result(2), reused=False),
    ]

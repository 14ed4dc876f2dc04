"""One request under way for equal needs: over pages, through errors and waits, and whoever gives up."""

import asyncio
from collections.abc import Callable

import pytest
from starlette.requests import Request
from starlette.responses import Response

from collectors.errors import PatientNotFoundError
from collectors.fetching import transport
from collectors.fetching.access import CallerAccess
from collectors.fetching.retry import WaitLimit
from collectors.fetching.single_flight import SingleFlight
from collectors.gatherer import Gatherer
from collectors.source_facts import SourceFacts
from ontology.values import Absent, AbsentReason
from tests.support.collector_inputs import AT, BASE, CREATININE, SEX, SOURCE, observation, searches, slot
from tests.support.misbehaving_server import Answer, MisbehavingServer, bundle, client_of, refusing

ALL = searches(CREATININE, SEX)
UNREACHABLE = Absent(AbsentReason.UNREACHABLE)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_FIRST_BACKOFF", 0.001)


class Held:
    """An answer that waits until it is let go."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self.cancelled = 0

    async def __call__(self, request: Request) -> Response:
        self.begun.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        made = self._answer(request)
        return made if isinstance(made, Response) else await made


def paged(request: Request) -> Response:
    number = int(request.query_params.get("page", "1"))
    following = f"{BASE}/Observation?page={number + 1}" if number < 3 else None
    return bundle(observation(id=f"o{number}"), following=following)


def value(facts: SourceFacts) -> object:
    return facts.select(slot(), AT, AT).value


def count(facts: SourceFacts) -> int:
    return len(facts.gathered_facts.resources["serum-creatinine"])


async def together(held: Held, server: MisbehavingServer, read: Callable[[SourceFacts], object]) -> list[object]:
    async with client_of(server) as http:
        gatherer = Gatherer(http)
        asking = [asyncio.ensure_future(gatherer.gather(SOURCE, "p", ALL, AT, 30)) for _ in range(3)]
        await held.begun.wait()
        held.go.set()
        return [read(facts) for facts in await asyncio.gather(*asking)]


async def test_all_pages_are_shared() -> None:
    held = Held(paged)
    server = MisbehavingServer(Observation=held)
    assert await together(held, server, count) == [3, 3, 3]
    assert len(server.of("Observation")) == 3


async def test_who_comes_while_a_later_page_is_read_gets_all_of_them() -> None:
    held = Held(paged)
    server = MisbehavingServer(Observation=lambda r: held(r) if "page" in r.query_params else paged(r))
    assert await together(held, server, count) == [3, 3, 3]
    assert len(server.of("Observation")) == 3


@pytest.mark.parametrize(("status", "sent"), [(500, 1), (503, 4)])
async def test_a_failure_is_shared_and_is_not_remembered(status: int, sent: int) -> None:
    held = Held(refusing(status, times=sent, then=[observation()]))
    server = MisbehavingServer(Observation=held)
    assert await together(held, server, value) == [UNREACHABLE] * 3
    assert len(server.of("Observation")) == sent
    async with client_of(server) as http:
        assert count(await Gatherer(http).gather(SOURCE, "p", ALL, AT, 30)) == 1


async def test_a_request_for_which_nobody_waits_any_more_is_ended() -> None:
    held = Held(paged)
    async with client_of(MisbehavingServer(Observation=held)) as http:
        gatherer = Gatherer(http)
        asking = [asyncio.ensure_future(gatherer.gather(SOURCE, "p", ALL, AT, 30)) for _ in range(2)]
        await held.begun.wait()
        for each in asking:
            assert held.cancelled == 0
            each.cancel()
            with pytest.raises(asyncio.CancelledError):
                await each
        await asyncio.sleep(0)
    assert held.cancelled == 1
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_no_search_goes_on_once_it_is_known_that_there_is_no_such_patient() -> None:
    held = Held(paged)
    async with client_of(MisbehavingServer(Observation=held, Patient=lambda _: bundle())) as http:
        with pytest.raises(PatientNotFoundError):
            await Gatherer(http).gather(SOURCE, "p", ALL, AT, 30)
        going_on = [task for task in asyncio.all_tasks() if "Run.search" in repr(task.get_coro())]
        assert going_on == []
        await asyncio.sleep(0)
        assert held.cancelled == held.begun.is_set()


async def test_a_wait_lasts_as_long_as_the_most_patient_one_can() -> None:
    """The source asks for two seconds, which the first one to ask does not have."""
    held = Held(refusing(429, {"Retry-After": "2"}, 1, [observation()]))
    server = MisbehavingServer(Observation=held)
    async with client_of(server) as http:
        gatherer = Gatherer(http)
        hasty = asyncio.ensure_future(gatherer.gather(SOURCE, "p", ALL, AT, 1.5))
        await held.begun.wait()
        patient = asyncio.ensure_future(gatherer.gather(SOURCE, "p", ALL, AT, 30))
        await asyncio.sleep(0.01)
        held.go.set()
        assert value(await hasty) == UNREACHABLE
        assert value(await patient) != UNREACHABLE
    assert len(server.of("Observation")) == 2


async def test_one_without_time_to_wait_fails_at_once() -> None:
    server = MisbehavingServer(Observation=refusing(429, {"Retry-After": "100"}))
    async with client_of(server) as http:
        facts = await Gatherer(http).gather(SOURCE, "p", ALL, AT, 50)
    assert "asks to wait 100 s" in facts.select(slot(), AT, AT).issues[0].text
    assert len(server.of("Observation")) == 1


async def test_callers_are_kept_apart_in_their_pages_too() -> None:
    server = MisbehavingServer(Observation=paged)
    async with client_of(server) as http:
        gatherer = Gatherer(http)
        calls = (gatherer.gather(SOURCE, "p", ALL, AT, 30, CallerAccess(each, f"scope-{each}")) for each in "ab")
        assert [count(facts) for facts in await asyncio.gather(*calls)] == [3, 3]
    asked = sorted((r.headers["authorization"], r.url.query.count("page=")) for r in server.of("Observation"))
    assert asked == [(f"Bearer {each}", page) for each in "ab" for page in (0, 1, 1)]


async def test_a_patience_is_extended_by_who_joins_and_by_nobody_else() -> None:
    flights: SingleFlight[int] = SingleFlight()
    first, joined, other = WaitLimit(1.0), WaitLimit(5.0), WaitLimit(9.0)
    go = asyncio.Event()

    async def call() -> int:
        await go.wait()
        return 1

    waiting = [
        asyncio.ensure_future(flights.run(key, call, patience))
        for key, patience in (("a", first), ("a", joined), ("b", other))
    ]
    await asyncio.sleep(0)
    go.set()
    assert await asyncio.gather(*waiting) == [1, 1, 1]
    assert (first.until, joined.until, other.until) == (5.0, 5.0, 9.0)

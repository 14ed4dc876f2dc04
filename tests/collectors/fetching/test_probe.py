"""The probe of sources: at once, in bounded time, and no more often than it must."""

import asyncio
from dataclasses import replace

import httpx
import pytest

from collectors.fetching.probe import SourceProbe, SourceStatus
from collectors.settings import Source

SOURCES = tuple(Source(id=name, base_url=f"https://{name}.example/fhir") for name in "abc")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_an_answer_holds_for_a_while_however_many_ask() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(200)

    clock = Clock()
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        probe = SourceProbe(http, SOURCES, ttl=2, clock=clock)
        told = await asyncio.gather(*(probe.status() for _ in range(20)))
        assert all(each == told[0] for each in told)
        assert sorted(asked) == ["a.example", "b.example", "c.example"]
        clock.now += 2
        await probe.status()
        assert len(asked) == 6


async def test_sources_are_asked_at_once_and_one_that_never_answers_is_left() -> None:
    together = asyncio.Barrier(len(SOURCES))

    async def answer(request: httpx.Request) -> httpx.Response:
        await together.wait()
        if request.url.host == "a.example":
            await asyncio.Event().wait()
        return httpx.Response(503 if request.url.host == "b.example" else 200)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        told = await SourceProbe(http, SOURCES, timeout=0.05).status()
    assert told == (
        SourceStatus("a", False, "no answer within 0.05 s"),
        SourceStatus("b", False, "answers 503"),
        SourceStatus("c", True, "answers"),
    )


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_only_a_good_answer_counts_and_no_redirect_is_followed(status: int) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, headers={"Location": "https://elsewhere.example/"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), follow_redirects=True) as http:
        assert await SourceProbe(http, SOURCES[:1]).status() == (SourceStatus("a", False, f"answers {status}"),)


@pytest.mark.parametrize(
    ("auth", "status", "reachable"),
    [
        ("none", 401, False),
        ("caller", 401, True),
        ("caller", 403, True),
        ("backend", 401, True),
        ("caller", 404, False),
    ],
)
async def test_a_source_that_wants_a_token_lives_though_it_refuses(auth: str, status: int, reachable: bool) -> None:
    sent: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers.get("authorization"))
        return httpx.Response(status)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        (told,) = await SourceProbe(http, [replace(SOURCES[0], auth=auth)]).status()
    assert (told.reachable, sent) == (reachable, [None])

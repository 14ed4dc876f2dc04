"""Questions at once and by the second: for each caller, and in all."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.executor.cache.call_rate import LocalRate
from server.graphql.admission import Admission, NotAdmittedError, address_key
from server.graphql.endpoint import GraphQL
from tests.support.fake_engine import endpoint

SHORT = 0.05
KEY = b"a key of tests"


async def refusal(admission: Admission, caller: str) -> NotAdmittedError | None:
    try:
        async with admission.admitted(caller):
            return None
    except NotAdmittedError as error:
        return error


@pytest.mark.parametrize(
    ("running", "caller", "code"),
    [
        ((), "a", None),
        (("a",), "a", None),
        (("a", "a"), "a", "overloaded"),
        (("a", "a"), "b", None),
        (("a", "a", "b"), "b", "overloaded"),
        (("a", "a", "b"), "c", "overloaded"),
    ],
)
async def test_two_of_a_caller_and_three_in_all(running: tuple[str, ...], caller: str, code: str | None) -> None:
    admission = Admission(3, 2, wait=SHORT)
    async with AsyncExitStack() as stack:
        for each in running:
            await stack.enter_async_context(admission.admitted(each))
        error = await refusal(admission, caller)
        assert (error and error.code) == code
        assert error is None or (error.status, error.retry_after) == (503, 1)
    # All places are free again.
    assert await refusal(admission, "a") is None
    assert not admission._callers and not admission._asking
    assert admission._most._value == 3


async def test_who_waits_is_let_in_when_another_is_done() -> None:
    admission = Admission(1, 1, wait=10)
    order: list[str] = []

    async def ask(name: str) -> None:
        async with admission.admitted(name):
            order.append(name)
            await asyncio.sleep(0)

    await asyncio.gather(*(ask(name) for name in "abc"))
    assert order == ["a", "b", "c"]


async def test_who_goes_away_while_waiting_takes_no_place() -> None:
    admission = Admission(1, 2, wait=10)
    async with admission.admitted("a"):
        waiting = [asyncio.create_task(refusal(admission, each)) for each in ("a", "b")]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert set(admission._callers) == {"a"}
    assert await refusal(admission, "b") is None


async def test_it_is_idle_only_when_nobody_asks() -> None:
    admission = Admission(2, 2)
    await admission.wait_until_idle()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(admission.admitted("a"))
        waiting = asyncio.create_task(admission.wait_until_idle())
        await asyncio.sleep(0)
        assert not waiting.done()
    await waiting


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        # Whoever has one IPv6 address has the others of its network.
        ("2001:db8::1", "2001:db8::2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        (None, None, True),
    ],
)
def test_a_caller_without_a_name_is_an_address(one: str | None, other: str | None, equal: bool) -> None:
    assert (address_key(one, KEY) == address_key(other, KEY)) is equal
    assert one is None or one not in address_key(one, KEY)


async def post(over: GraphQL, times: int = 1) -> list[httpx.Response]:
    async def answer(request: Request) -> Response:
        return await over(request)

    app = Starlette(routes=[Route("/graphql", answer, methods=["POST"])])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        return [await client.post("/graphql", json={"query": "{ modules { id } }"}) for _ in range(times)]


def seen(response: httpx.Response) -> tuple[int, Any, str | None, str]:
    errors = response.json().get("errors", [{"extensions": {"code": None}}])
    kind = response.headers["content-type"].split(";")[0]
    return response.status_code, errors[0]["extensions"]["code"], response.headers.get("retry-after"), kind


async def test_too_many_a_second_are_refused_as_json() -> None:
    over = endpoint()
    over.admission = Admission(10, 10, LocalRate(2))
    assert list(map(seen, await post(over, 3))) == [
        (200, None, None, "application/json"),
        (200, None, None, "application/json"),
        (429, "too-many-requests", "1", "application/json"),
    ]


async def test_too_many_at_once_are_refused_as_json() -> None:
    over = endpoint()
    over.admission = Admission(1, 1, wait=SHORT)
    async with over.admission.admitted("somebody else"):
        (response,) = await post(over)
    assert seen(response) == (503, "overloaded", "1", "application/json")


async def test_what_is_no_question_counts_for_nobody() -> None:
    over = endpoint()
    over.admission = Admission(1, 1, LocalRate(1))

    async def answer(request: Request) -> Response:
        return await over(request)

    app = Starlette(routes=[Route("/graphql", answer, methods=["POST"])])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        bad = {"Authorization": "Bearer a b"}
        assert [(await client.post("/graphql", json={}, headers=bad)).status_code for _ in range(5)] == [400] * 5
    assert [each.status_code for each in await post(over, 2)] == [200, 429]

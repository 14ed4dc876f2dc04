"""Bodies of requests: what they are declared as, how large and how slow they may be, and callers who go away."""

import asyncio
from collections.abc import Iterable

import pytest
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from server.access.bodies import finishes_before_disconnect, is_json_body, read_body

GRAPHQL, JSON = "application/graphql-response+json", "application/json"
GONE: Message = {"type": "http.disconnect"}


def sending(*chunks: bytes, declared: str | None = None, then: Iterable[Message] = (), pause: float = 0.0) -> Request:
    """A request whose body comes in these chunks, and what comes after it."""
    last = len(chunks) - 1
    messages = [
        {"type": "http.request", "body": each, "more_body": number < last} for number, each in enumerate(chunks)
    ]
    coming = iter([*messages, *then])

    async def receive() -> Message:
        await asyncio.sleep(pause)
        found = next(coming, None)
        if found is None:
            await asyncio.Event().wait()
        assert found is not None
        return found

    headers = [] if declared is None else [(b"content-length", declared.encode("latin-1"))]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)


async def test_a_body_is_read_up_to_its_limit() -> None:
    assert await read_body(sending(b"abc", b"de"), 5, 1) == b"abcde"
    assert await read_body(sending(b""), 0, 1) == b""
    assert await read_body(sending(b"abc", declared="3"), 3, 1) == b"abc"


@pytest.mark.parametrize("declared", ["6", "40000000", "9" * 30, "9" * 6000])
async def test_one_that_declares_itself_too_large_is_not_read(declared: str) -> None:
    # Nothing comes: whoever waited for the first byte would wait for ever.
    assert await read_body(sending(declared=declared), 5, 1) is None


@pytest.mark.parametrize("declared", [None, "3", "x", "-1", "", "²"])
async def test_one_that_is_larger_than_it_says_is_left(declared: str | None) -> None:
    chunks = [b"abc", b"def", b"ghi"]
    request = sending(*chunks, declared=declared)
    assert await read_body(request, 5, 1) is None
    assert (await request.receive())["body"] == b"ghi", "the rest is not read"


async def test_one_that_comes_too_slowly_is_not_waited_for() -> None:
    with pytest.raises(TimeoutError):
        await read_body(sending(b"a", b"b", pause=0.2), 5, 0.25)


async def test_a_caller_who_goes_away_sent_no_body() -> None:
    with pytest.raises(ClientDisconnect):
        await read_body(sending(then=[GONE]), 5, 1)


async def test_work_ends_when_its_caller_goes_away() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            ended.set()

    running = asyncio.ensure_future(work())
    await asyncio.sleep(0)
    assert not await finishes_before_disconnect(running, sending(then=[GONE]))
    assert ended.is_set()
    done = asyncio.ensure_future(asyncio.sleep(0, "done"))
    assert await finishes_before_disconnect(done, sending())
    assert done.result() == "done"


@pytest.mark.parametrize(
    ("declared", "accepted"),
    [
        (JSON, True),
        ("Application/JSON", True),
        ("application/json; charset=utf-8", True),
        ('application/json; charset="UTF-8"', True),
        ("application/json; profile=x", True),
        ("application/json; charset=latin-1", False),
        ("application/json; charset=utf-16", False),
        ("text/plain", False),
        ("application/jsonx", False),
        (GRAPHQL, False),
        ("application/graphql", False),
        ("multipart/form-data; boundary=x", False),
        (None, False),
    ],
)
def test_what_a_body_may_be(declared: str | None, accepted: bool) -> None:
    assert is_json_body(Headers({} if declared is None else {"content-type": declared})) is accepted


def test_two_types_of_one_body_are_none() -> None:
    assert not is_json_body(Headers(raw=[(b"content-type", JSON.encode()), (b"content-type", b"text/plain")]))

"""When a request is tried again, how long is waited before, and that it never outlasts the question."""

import asyncio
import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.errors import CollectorError, SourceAnswerError, SourceRefusedError, SourceUnreachableError
from collectors.fetching import transport
from collectors.fetching.retry import WaitLimit, backoff, retry_after
from collectors.fetching.transport import Transport
from tests.support.collector_inputs import BASE, SOURCE

ADDRESS = httpx.URL(f"{BASE}/Observation")
GOOD: dict[str, Any] = {"json": {"resourceType": "Bundle"}, "headers": {"content-type": "application/fhir+json"}}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_FIRST_BACKOFF", 0.001)


def date(hours: float) -> str:
    return format_datetime(datetime(2026, 5, 1, 12, tzinfo=UTC) + timedelta(hours=hours), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": " 120 "}, 120),
        ({"Retry-After": "9" * 9}, 999_999_999),
        ({"Retry-After": "9" * 10}, math.inf),
        ({"Retry-After": "-1"}, 0),
        ({"Retry-After": "1.5"}, 0),
        ({"Retry-After": "soon"}, 0),
        ({"Retry-After": "٣"}, 0),
        ({"Retry-After": date(1), "Date": date(0)}, 3600),
        ({"Retry-After": date(-1), "Date": date(0)}, 0),
        ({"Retry-After": "Friday, 01-May-26 13:00:00 GMT", "Date": date(0)}, 3600),
        ({"Retry-After": "Fri, 99 May 2026 13:00:00 GMT", "Date": date(0)}, 0),
        ({"Retry-After": date(-1), "Date": "nonsense"}, 0),
    ],
)
def test_what_a_source_asks_for(headers: dict[str, str], seconds: float) -> None:
    sent = [(name.encode(), value.encode()) for name, value in headers.items()]
    assert retry_after(httpx.Response(429, headers=sent)) == seconds


def test_a_date_without_the_clock_of_the_source_is_counted_from_ours() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    assert 3000 < retry_after(httpx.Response(429, headers={"Retry-After": soon})) <= 3600


@given(st.floats(0.001, 10), st.integers(0, 30))
def test_backoff_is_anything_up_to_a_bound_that_doubles(first: float, attempt: int) -> None:
    assert 0 <= backoff(first, attempt) <= min(8.0, first * 2**attempt)


def test_backoff_differs_from_one_to_the_next() -> None:
    assert len({backoff(1.0, 3) for _ in range(20)}) > 10


class Server:
    """Gives these answers one after the other, the last one over and over."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def transport(self, seconds: float | None = None) -> Transport:
        http = httpx.AsyncClient(transport=httpx.MockTransport(self))
        patience = None if seconds is None else WaitLimit(asyncio.get_running_loop().time() + seconds)
        return Transport(http, SOURCE, asyncio.Semaphore(1), None, patience)


def busy(status: int = 429, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize("asked", ["100", "9" * 30, date(10**5)])
@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_wait_beyond_the_deadline_fails_at_once(asked: str, status: int) -> None:
    server = Server(busy(status, Retry_After=asked))
    with pytest.raises(SourceUnreachableError, match=rf"\({status}\), and asks to wait .*longer than the time left"):
        await server.transport(50).get(ADDRESS)
    assert len(server.requests) == 1


async def test_without_a_deadline_a_minute_is_the_most() -> None:
    server = Server(busy(Retry_After="61"))
    with pytest.raises(SourceUnreachableError, match="asks to wait 61 s"):
        await server.transport().get(ADDRESS)


async def test_no_backoff_goes_beyond_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "backoff", lambda first, attempt: 51.0)
    server = Server(busy())
    with pytest.raises(SourceUnreachableError, match="no time is left to try again"):
        await server.transport(50).get(ADDRESS)
    assert len(server.requests) == 1


async def test_a_wait_within_the_deadline_is_kept_to() -> None:
    server = Server(busy(Retry_After="1"), httpx.Response(200, **GOOD))
    began = asyncio.get_running_loop().time()
    _, requests = await server.transport(50).get(ADDRESS)
    assert requests == 2
    assert asyncio.get_running_loop().time() - began >= 1


@pytest.mark.parametrize(
    ("answer", "tries"),
    [
        (busy(429), 4),
        (busy(503), 4),
        (busy(502), 4),
        (httpx.ReadError(""), 4),
        (httpx.ConnectError(""), 4),
        (httpx.RemoteProtocolError(""), 4),
        (httpx.ReadTimeout(""), 1),
        (busy(500), 1),
        (busy(501), 1),
        (busy(400), 1),
        (busy(401), 1),
        (busy(403), 1),
        (busy(404), 1),
        (busy(302, Location="http://evil.test"), 1),
        (httpx.Response(200, html="<html>"), 1),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_how_often_it_is_tried(method: str, answer: httpx.Response | Exception, tries: int) -> None:
    server = Server(answer)
    sent = server.transport(50)
    with pytest.raises(CollectorError):
        await (sent.get(ADDRESS) if method == "GET" else sent.post(ADDRESS, b"{}"))
    assert [request.method for request in server.requests] == [method] * tries


async def test_what_is_posted_is_never_redirected() -> None:
    server = Server(busy(307, Location=f"{BASE}/Observation/elsewhere"), httpx.Response(200, **GOOD))
    with pytest.raises(SourceAnswerError, match="redirects"):
        await server.transport().post(ADDRESS, b"{}")
    assert len(server.requests) == 1


async def test_what_is_redirected_is_counted_and_keeps_its_headers() -> None:
    server = Server(busy(302, Location="/fhir/Observation?b=1"), busy(503), httpx.Response(200, **GOOD))
    _, requests = await server.transport().get(ADDRESS)
    assert requests == 3
    assert [request.url.query for request in server.requests] == [b"", b"b=1", b"b=1"]
    for request in server.requests:
        assert request.headers["cache-control"] == "no-cache"
        assert request.headers["accept-encoding"] == "gzip"


async def test_a_refusal_after_a_busy_spell_is_a_refusal() -> None:
    with pytest.raises(SourceRefusedError):
        await Server(busy(503), busy(403)).transport().get(ADDRESS)

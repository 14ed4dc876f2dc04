"""Media types over HTTP: what is accepted, what a body may be, and the status that goes with each."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.graphql.endpoint import GraphQL
from server.graphql.http import Answer, PartsResponse, accepted_answer
from server.settings import ServerSettings
from tests.support.fake_engine import TEXT, FakeEngine, error_codes

GRAPHQL, JSON = "application/graphql-response+json", "application/json"
APOLLO = "application/graphql-response+json,application/json;q=0.9"
URQL = (
    "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"
)


@pytest.mark.parametrize(
    ("accept", "answer"),
    [
        (None, Answer.JSON),
        ("", Answer.JSON),
        ("*/*", Answer.JSON),
        ("application/*", Answer.JSON),
        (JSON, Answer.LENIENT),
        ("application/json; charset=utf-8", Answer.LENIENT),
        ("application/json, text/plain, */*", Answer.LENIENT),
        (GRAPHQL, Answer.GRAPHQL),
        (GRAPHQL.upper(), Answer.GRAPHQL),
        (APOLLO, Answer.GRAPHQL),
        (URQL, Answer.GRAPHQL),
        (f"{JSON}, {GRAPHQL}", Answer.GRAPHQL),
        (f"{JSON}, {GRAPHQL};q=0.5", Answer.LENIENT),
        (f"{GRAPHQL};q=0, {JSON}", Answer.LENIENT),
        (f"{GRAPHQL};q=0, */*", Answer.JSON),
        (f"{JSON};q=0, */*", Answer.GRAPHQL),
        (f"{JSON};q=0", None),
        ("*/*;q=0", None),
        ("text/html", None),
        ("text/event-stream, multipart/mixed", None),
        ("application/json;q=x", None),
    ],
)
def test_what_is_accepted(accept: str | None, answer: Answer | None) -> None:
    assert accepted_answer(Headers({} if accept is None else {"accept": accept})) is answer


def test_several_headers_are_one() -> None:
    both = Headers(raw=[(b"accept", b"text/html"), (b"accept", GRAPHQL.encode())])
    assert accepted_answer(both) is Answer.GRAPHQL


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    over = GraphQL(FakeEngine(), ServerSettings(max_complexity=200))

    async def serve(request: Request) -> Response:
        return await over(request)

    app = Starlette(routes=[Route("/graphql", serve, methods=["GET", "POST"])])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as made:
        yield made


INVALID: dict[str, dict[str, Any]] = {
    "parse": {"query": "{"},
    "validate": {"query": "{ nothing }"},
    "variable": {"query": "query V($id: ID!) { patient(id: $id) { id } }", "variables": {"id": None}},
    "operation": {"query": "{ __typename }", "operationName": "other"},
}
BEYOND: dict[str, dict[str, Any]] = {
    "deep": {"query": "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }"},
    "complex": {"query": f"{{ {TEXT[1:-1]} concepts(first: 500) {{ id iri }} }}"},
    "digits": {"query": "{ concepts(first: " + "1" * 5000 + ") { id } }"},
}


@pytest.mark.parametrize("accept", ["*/*", JSON, GRAPHQL, APOLLO])
@pytest.mark.parametrize("name", [*INVALID, *BEYOND])
async def test_the_status_of_what_cannot_run(client: httpx.AsyncClient, name: str, accept: str) -> None:
    body = (INVALID | BEYOND)[name]
    answer = await client.post("/graphql", json=body, headers={"accept": accept})
    assert answer.status_code == (200 if accept == JSON and name in INVALID else 400)
    assert answer.headers["content-type"] == (GRAPHQL if accept in (GRAPHQL, APOLLO) else JSON)
    assert "data" not in answer.json()
    assert error_codes(answer.json())


@pytest.mark.parametrize("accept", ["*/*", JSON, GRAPHQL])
async def test_an_error_while_it_runs_has_status_200(client: httpx.AsyncClient, accept: str) -> None:
    asked = {"query": '{ patient(id: "a/b") { id } modules { id } }'}
    answer = await client.post("/graphql", json=asked, headers={"accept": accept})
    assert answer.status_code == 200
    assert answer.json()["data"]["patient"] is None
    assert answer.json()["data"]["modules"]


@pytest.mark.parametrize("accept", [JSON, GRAPHQL])
@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"content": b"{"}, 400, "bad-request"),
        ({"content": json.dumps([{"query": TEXT}]).encode()}, 400, "bad-request"),
        ({"content": b"{}"}, 400, "bad-request"),
        ({"content": b'{"query":"{ __typename }","variables":{"a":' + b"1" * 5000 + b"}}"}, 400, "bad-request"),
        ({"content": b'{"query":1}', "headers": {"content-type": "text/plain"}}, 415, "content-type"),
        (
            {"content": b'{"query":1}', "headers": {"content-type": "application/json; charset=latin-1"}},
            415,
            "content-type",
        ),
        ({"content": b"{}", "headers": {"content-type": ""}}, 415, "content-type"),
    ],
)
async def test_what_is_no_request_is_refused_in_either_type(
    client: httpx.AsyncClient, accept: str, sent: dict[str, Any], status: int, code: str
) -> None:
    headers = {"content-type": JSON, "accept": accept, **sent.get("headers", {})}
    answer = await client.post("/graphql", **{**sent, "headers": headers})
    assert (answer.status_code, error_codes(answer.json())) == (status, [code])
    assert answer.headers["content-type"] == accept


async def test_what_accepts_neither_is_406(client: httpx.AsyncClient) -> None:
    answer = await client.post("/graphql", json={"query": TEXT}, headers={"accept": "text/html"})
    assert (answer.status_code, error_codes(answer.json())) == (406, ["not-acceptable"])


@pytest.mark.parametrize("accept", ["*/*", "text/html", GRAPHQL])
async def test_get_stays_refused(client: httpx.AsyncClient, accept: str) -> None:
    answer = await client.get("/graphql", params={"query": "{ __typename }"}, headers={"accept": accept})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert error_codes(answer.json()) == ["method-not-allowed"]


@pytest.mark.parametrize(("parts", "messages"), [([b"{}"], 1), ([b"x" * 1000] * 100, 1), ([b"x" * 100_000] * 30, 11)])
async def test_a_long_body_is_sent_in_parts_of_a_known_length(parts: list[bytes], messages: int) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is left to receive")

    response = Answer.GRAPHQL.sent(PartsResponse(parts, 200, {"Retry-After": "1"}))
    await response({"type": "http"}, receive, send)
    start, *bodies = sent
    headers = Headers(raw=start["headers"])
    assert (headers["content-type"], headers["retry-after"]) == (GRAPHQL, "1")
    assert headers.getlist("content-length") == [str(sum(len(part) for part in parts))]
    assert b"".join(each["body"] for each in bodies) == b"".join(parts)
    assert [each.get("more_body", False) for each in bodies] == [True] * (messages - 1) + [False]

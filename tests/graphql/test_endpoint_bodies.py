"""Requests over HTTP, and those that are none."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.graphql.endpoint import GraphQL
from server.settings import ServerSettings
from tests.support.fake_engine import TEXT, FakeEngine, endpoint, error_codes

POSTED = {"type": "http", "method": "POST", "path": "/", "headers": [(b"content-type", b"application/json")]}


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
async def test_a_body_that_nests_too_deeply_is_none(opening: str, closing: str) -> None:
    body = f'{{"query": "{{ __typename }}", "variables": {{"a": {opening * 9_000}1{closing * 9_000}}}}}'

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body.encode()}

    answer = await endpoint()(Request(POSTED, receive))
    assert (answer.status_code, error_codes(json.loads(bytes(answer.body)))) == (400, ["bad-request"])


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async def never() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    answer = await endpoint(deadline=0.01)(Request(POSTED, never))
    assert (answer.status_code, error_codes(json.loads(bytes(answer.body)))) == (408, ["body-too-slow"])


@pytest.mark.parametrize("digits", [5_000, 10**6])
async def test_a_number_of_any_length_is_refused(digits: int) -> None:
    over = GraphQL(FakeEngine(), ServerSettings(max_query_bytes=2_000_000))
    body = b'{"query": "query($n: ID!) { patient(id: $n) { id } }", "variables": {"n": %s}}' % (b"9" * digits)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    answer = await over(Request(POSTED, receive))
    assert (answer.status_code, error_codes(json.loads(bytes(answer.body)))) == (400, ["bad-request"])


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    over = GraphQL(FakeEngine(), ServerSettings(max_query_bytes=2048))

    async def serve(request: Request) -> Response:
        return await over(request)

    app = Starlette(routes=[Route("/graphql", serve, methods=["GET", "POST", "PUT"])])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as made:
        yield made


async def in_pieces() -> AsyncIterator[bytes]:
    yield b" " * 1500
    yield b" " * 1500


async def test_a_query_over_http(client: httpx.AsyncClient) -> None:
    body: dict[str, Any] = {"query": TEXT, "operationName": None, "variables": None, "extensions": {}}
    answer = await client.post("/graphql", json=body)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["data"]["patient"]["results"][0]["text"].startswith("Kidney failure risk")


AS_JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("method", "sent", "status", "code"),
    [
        ("GET", {"params": {"query": TEXT}}, 405, "method-not-allowed"),
        ("PUT", {"json": {"query": TEXT}}, 405, "method-not-allowed"),
        ("POST", {"json": [{"query": TEXT}]}, 400, "bad-request"),
        ("POST", {"json": {"query": 1}}, 400, "bad-request"),
        ("POST", {"json": {}}, 400, "bad-request"),
        ("POST", {"content": b"{", "headers": AS_JSON}, 400, "bad-request"),
        ("POST", {"content": b'{"query":"\xff"}', "headers": AS_JSON}, 400, "bad-request"),
        ("POST", {"data": {"query": TEXT}}, 415, "content-type"),
        ("POST", {"json": {"query": " " * 3000}}, 413, "query-too-large"),
        ("POST", {"content": None, "headers": AS_JSON}, 413, "query-too-large"),
        ("POST", {"json": {"query": "{ nothing }"}}, 400, "invalid-query"),
    ],
)
async def test_requests_that_are_none(
    client: httpx.AsyncClient, method: str, sent: dict[str, Any], status: int, code: str
) -> None:
    # A body in pieces declares no length.
    sent = {**sent, "content": in_pieces()} if sent.get("content", b"") is None else sent
    answer = await client.request(method, "/graphql", **sent)
    assert (answer.status_code, error_codes(answer.json())) == (status, [code])

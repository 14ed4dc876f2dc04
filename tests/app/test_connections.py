"""Connections that are slow, too many, or no HTTP: a real server of uvicorn with a small application behind it."""

import asyncio
import errno
import json
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from server.app.connections import AcceptFaults, BoundedConnection, StoppingServer, available_connections, limited
from server.app.middleware import OneLength

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
LONG = 30 * 2**20


class Quick(BoundedConnection):
    most = 2
    head_seconds = 0.3
    read_seconds = 0.3
    stop_seconds = 0.1


async def answer(request: Request) -> Response:
    if request.url.path == "/unread":
        return PlainTextResponse("refused", 401)
    return PlainTextResponse("x" * LONG if request.url.path == "/long" else await request.body())


@asynccontextmanager
async def serving(protocol: type[BoundedConnection] = Quick) -> AsyncIterator[int]:
    app = Starlette(routes=[Route("/{rest:path}", answer, methods=["GET", "POST"])], middleware=[Middleware(OneLength)])
    config = uvicorn.Config(app, host="127.0.0.1", port=0, http=protocol, ws="none", log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Streams]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def all_of(streams: Streams, *sent: bytes, pause: float = 0.0) -> bytes:
    """What comes until the server closes the connection."""
    reader, writer = streams
    for part in sent:
        writer.write(part)
        await asyncio.sleep(pause)
    async with asyncio.timeout(5):
        return await reader.read()


def code_of(response: bytes) -> Any:
    return json.loads(response.partition(b"\r\n\r\n")[2])["errors"][0]["extensions"]["code"]


@pytest.mark.parametrize("sent", [(), (b"GET / HT",), (b"G", b"E", b"T", b" ", b"/", b" ", b"H", b"T")])
async def test_a_slow_head_is_ended(sent: tuple[bytes, ...]) -> None:
    async with serving() as port, connected(port) as streams:
        response = await all_of(streams, *sent, pause=0.02)
    assert response.startswith(b"HTTP/1.1 408 ")
    assert code_of(response) == "request-too-slow"


async def test_a_connection_is_kept_and_its_next_head_has_its_own_time() -> None:
    async with serving() as port, connected(port) as (reader, writer):
        for _ in range(3):
            writer.write(GET)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
            await asyncio.sleep(0.2)
        response = await all_of((reader, writer), b"GET / HT")
    assert response.startswith(b"HTTP/1.1 408 ")


async def test_a_slow_body_is_not_a_slow_head() -> None:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nConnection: close\r\n\r\n"
    async with serving() as port, connected(port) as streams:
        response = await all_of(streams, head, b"a", b"b", b"c", b"d", pause=0.15)
    assert response.endswith(b"abcd")


@pytest.mark.parametrize("length", ["Content-Length: 1000000", "Transfer-Encoding: chunked"])
async def test_a_body_that_comes_after_its_answer_does_not_hold_the_connection(length: str) -> None:
    head = f"POST /unread HTTP/1.1\r\nHost: localhost\r\n{length}\r\n\r\n".encode()
    part = b"1\r\na\r\n" if "chunked" in length else b"a"
    async with serving() as port, connected(port) as (reader, writer):
        writer.write(head)
        assert (await reader.readuntil(b"refused")).startswith(b"HTTP/1.1 401 ")
        ended = asyncio.ensure_future(reader.read())
        async with asyncio.timeout(3):
            while not ended.done():
                writer.write(part)
                await asyncio.wait((ended,), timeout=0.05)
        # Closed or reset: bytes that nobody read are on their way.
        assert ended.exception() is None or isinstance(ended.exception(), ConnectionError)


@pytest.mark.parametrize("pause", [0.0, 0.1])
async def test_a_body_that_ends_after_its_answer_leaves_the_connection_for_the_next_request(pause: float) -> None:
    head = b"POST /unread HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n"
    async with serving() as port, connected(port) as (reader, writer):
        writer.write(head)
        assert (await reader.readuntil(b"refused")).startswith(b"HTTP/1.1 401 ")
        for part in (b"ab", b"cd"):
            await asyncio.sleep(pause)
            writer.write(part)
        writer.write(GET)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        await asyncio.sleep(0.4)
        writer.write(GET)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")


async def test_an_idle_connection_is_closed_also_where_a_body_ended_after_its_answer() -> None:
    head = b"POST /unread HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n"
    async with serving() as port, connected(port) as (reader, writer):
        writer.write(head)
        assert (await reader.readuntil(b"refused")).startswith(b"HTTP/1.1 401 ")
        # Uvicorn ends its time for idle connections with the first of these bytes.
        writer.write(b"abcd")
        async with asyncio.timeout(3):
            assert await reader.read() == b""


async def test_one_connection_too_many_is_refused_as_json_and_others_stay() -> None:
    async with serving() as port, connected(port) as (reader, writer), connected(port):
        async with connected(port) as third:
            response = await all_of(third)
        assert response.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 5\r\n" in response
        assert code_of(response) == "overloaded"
        writer.write(GET)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")


async def test_who_does_not_read_is_cut_off() -> None:
    gone = asyncio.Event()

    class Watched(Quick):
        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            gone.set()

    async with serving(Watched) as port, connected(port) as (reader, writer):
        writer.write(GET.replace(b" / ", b" /long "))
        async with asyncio.timeout(10):
            await gone.wait()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(LONG)


@pytest.mark.parametrize("lengths", [("Content-Length: 5", "Transfer-Encoding: chunked")] * 1)
async def test_a_request_of_two_lengths_is_refused_and_nothing_follows_it(lengths: tuple[str, ...]) -> None:
    head = "\r\n".join(("POST / HTTP/1.1", "Host: localhost", *lengths, "", "")).encode()
    async with serving() as port, connected(port) as streams:
        response = await all_of(streams, head + b"0\r\n\r\n" + GET)
    assert response.startswith(b"HTTP/1.1 400 ")
    assert response.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "sent",
    [b"\x16\x03\x01\x00\xee", b"GET / HTTP/1.1\r\nBad Header: x\r\n\r\n", b"GET / HTTP/1.1\r\nA: " + b"a" * 70_000],
)
async def test_what_is_no_http_is_refused_as_json(sent: bytes) -> None:
    async with serving() as port, connected(port) as streams:
        response = await all_of(streams, sent)
    assert response.startswith(b"HTTP/1.1 400 ")
    assert code_of(response) == "bad-request"


@pytest.mark.parametrize("earlier", [0, 1], ids=["its first", "kept alive"])
async def test_a_request_that_lies_unread_when_the_server_stops_is_answered(earlier: int) -> None:
    connections: list[BoundedConnection] = []

    class Noted(Quick):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            connections.append(self)

    async with serving(Noted) as port, connected(port) as (reader, writer):
        for _ in range(earlier):
            writer.write(GET)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        while not connections:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.01)
        # Nothing is awaited between: the request is in the socket, and the server has not read it.
        writer.write(GET)
        connections[0].shutdown()
        response = await all_of((reader, writer))
    head = response.lower().partition(b"\r\n\r\n")[0]
    assert head.startswith(b"http/1.1 200") and head.count(b"connection: close") == 1


@pytest.mark.parametrize("sent", [b"", GET[:9]], ids=["nothing", "a part of a head"])
async def test_the_stop_does_not_wait_for_who_sends_nothing(sent: bytes) -> None:
    async with connected_to_stopping(sent) as (took, response):
        assert (b"408" in response) is bool(sent)
        assert took < 3


@asynccontextmanager
async def connected_to_stopping(sent: bytes) -> AsyncIterator[tuple[float, bytes]]:
    """How long a server takes to stop that has a connection on which this was sent, and what that is answered."""
    loop = asyncio.get_running_loop()
    async with serving() as port:
        streams = await asyncio.open_connection("127.0.0.1", port)
        streams[1].write(sent)
        await asyncio.sleep(0.05)
        began = loop.time()
    response = await all_of(streams)
    streams[1].close()
    yield loop.time() - began, response


async def test_who_waits_to_be_accepted_when_the_server_stops_is_answered() -> None:
    app = Starlette(routes=[Route("/", answer)])
    server = StoppingServer(uvicorn.Config(app, http=Quick, ws="none", log_level="error", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        task = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        with socket.create_connection(listener.getsockname()) as client, socket.create_connection(client.getpeername()):
            # Nothing is awaited between: the system has both connections, and the server has accepted neither.
            client.sendall(GET)
            await server.shutdown([listener])
            client.setblocking(False)
            assert client.recv(1000).startswith(b"HTTP/1.1 200")
            with pytest.raises(ConnectionError):
                socket.create_connection(client.getpeername())
        server.should_exit = True
        await task


def test_connections_are_fewer_than_files() -> None:
    assert limited(5).most == 5
    assert limited(10**9).most == available_connections()


async def test_out_of_file_descriptors_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    loop, handle = asyncio.get_running_loop(), AcceptFaults()
    fault = OSError(errno.EMFILE, "Too many open files")
    with caplog.at_level(logging.ERROR):
        for _ in range(2_000):
            handle(loop, {"message": "socket.accept() out of system resource", "exception": fault})
    assert len(caplog.records) == 1
    assert "file descriptors" in caplog.text and "Traceback" not in caplog.text
    handle(loop, {"message": "another fault", "exception": OSError(errno.EPIPE, "")})
    assert "another fault" in caplog.text

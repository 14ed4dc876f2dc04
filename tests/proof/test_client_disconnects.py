"""Clients that go away before they are answered: nothing of their question goes on, and nobody else's is spoilt."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn

from server.app import create_app
from server.executor.engine import Engine
from tests.support.charts import creatinine, patient
from tests.support.fake_fhir_servers import FaultyFhir, engine_over

RECORDS = [patient(), creatinine(1.0, "2026-06-01T08:00:00Z")]
QUERY = '{ patient(id: "p1") { results(of: ["serum-creatinine"], at: "2026-06-30T12:00:00Z") { status } } }'
BODY = json.dumps({"query": QUERY}).encode()


class Slow(FaultyFhir):
    """Answers the search for Observations once it may; notes that it was asked, and that nobody waits any more."""

    def __init__(self) -> None:
        super().__init__(RECORDS, Observation=self._slowly)
        self.arrived, self.may, self.left = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def _slowly(self, request: httpx.Request) -> httpx.Response:
        self.arrived.set()
        try:
            await self.may.wait()
        except asyncio.CancelledError:
            self.left.set()
            raise
        return self.answer(request)


@asynccontextmanager
async def listening(engine: Engine) -> AsyncIterator[tuple[int, set[asyncio.Task[None]]]]:
    """The application over a real socket: its port, and the requests under way."""

    async def opened() -> Engine:
        return engine

    config = uvicorn.Config(create_app(engine.settings, opened), log_level="error", access_log=False)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield listener.getsockname()[1], server.server_state.tasks
        finally:
            server.should_exit = True
            await serving


async def there_are(count: int, requests: set[asyncio.Task[None]]) -> None:
    while len(requests) != count:  # noqa: ASYNC110 - uvicorn tells nobody
        await asyncio.sleep(0.01)


async def sent(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /graphql HTTP/1.1\r\nHost: [::1]\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n"
    writer.write(head.encode() + b"Connection: close\r\n\r\n" + BODY)
    await writer.drain()
    return reader, writer


async def test_the_question_of_a_client_that_goes_away_ends() -> None:
    fhir = Slow()
    async with engine_over(fhir) as engine, listening(engine) as (port, _), asyncio.timeout(10):
        _, writer = await sent(port)
        await fhir.arrived.wait()
        writer.close()
        await fhir.left.wait()


async def test_whoever_shares_its_search_is_answered() -> None:
    fhir = Slow()
    async with engine_over(fhir) as engine, listening(engine) as (port, requests), asyncio.timeout(10):
        first, second = await sent(port), await sent(port)
        await fhir.arrived.wait()
        await there_are(2, requests)
        first[1].close()
        await there_are(1, requests)
        fhir.may.set()
        told = await second[0].read()
        second[1].close()
    assert b'"COMPLETE"' in told
    assert not fhir.left.is_set()

"""HTTP/2 is spoken where a source offers it and the settings do not forbid it: many requests over one connection."""

import asyncio
from pathlib import Path

import pytest

from collectors.fetching import transport
from collectors.fetching.client import Client
from collectors.fetching.connections import HttpClients
from collectors.fetching.transport import Transport
from collectors.settings import Source, Tls
from tests.support.certificates import authority, issue_certificate
from tests.support.http2_server import ServerLog, serve_http2


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_FIRST_BACKOFF", 0.001)


async def ask(folder: Path, seen: ServerLog, http2: bool, times: int = 4, concurrency: int = 3) -> int:
    """So many searches at once; how many requests they took."""
    ca = authority(folder)
    async with serve_http2(seen, issue_certificate(ca, folder, "server")) as base_url, HttpClients() as clients:
        source = Source(id="ehr", base_url=base_url, http2=http2, tls=Tls(ca_file=ca.file), timeout=10)
        client = Client(source, Transport(clients.client_for(source), source, asyncio.Semaphore(concurrency)))
        # One first, so that the connection is there.
        first = await client.search("Patient", ())
        others = await asyncio.gather(*(client.search("Patient", (("_id", str(n)),)) for n in range(times)))
        return first.requests + sum(each.requests for each in others)


async def test_many_requests_go_over_one_connection(tmp_path: Path) -> None:
    seen = ServerLog()
    assert await ask(tmp_path, seen, http2=True) == 5
    assert (seen.connections, seen.requests) == (1, ["HTTP/2"] * 5)
    # As many at once as the source's limit lets through, and no more.
    assert 1 < seen.most <= 3


async def test_not_where_the_settings_say_no(tmp_path: Path) -> None:
    seen = ServerLog()
    assert await ask(tmp_path, seen, http2=False) == 5
    assert seen.requests == ["HTTP/1.1"] * 5
    assert seen.connections <= 3


async def test_a_connection_that_breaks_costs_its_requests_another_attempt(tmp_path: Path) -> None:
    seen = ServerLog(refused=1)
    assert await ask(tmp_path, seen, http2=True, times=1) == 3
    assert (seen.connections, seen.requests) == (2, ["HTTP/2"] * 3)

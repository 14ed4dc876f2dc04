"""Faults of a connection: what breaks off, trickles or swells costs its own part only, and ends in time."""

import asyncio
import contextlib
import socket
import zlib
from collections.abc import AsyncIterator

import pytest

from collectors.fetching import transport
from collectors.fetching.connections import HttpClients
from collectors.gatherer import Gatherer
from collectors.settings import Source
from collectors.source_facts import SourceFacts
from ontology.slots import Select
from ontology.values import Absent, AbsentReason
from tests.support.collector_inputs import (
    AT,
    CREATININE,
    FIBRILLATION,
    SEX,
    condition,
    issue_codes,
    observation,
    searches,
    slot,
)
from tests.support.raw_http_server import RawHttpServer, Script, base_url_of, complete_page, head, page, send_parts

ALL = searches(CREATININE, FIBRILLATION, SEX)
CONTENT = page(observation())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_FIRST_BACKOFF", 0.001)


async def gather(base_url: str, deadline: float = 5.0, limit: float = 10.0) -> SourceFacts:
    source = Source(id="ehr", base_url=base_url, timeout=limit, max_bytes=1_000_000)
    async with asyncio.timeout(20), HttpClients() as clients:
        return await Gatherer(clients).gather(source, "p", ALL, AT, deadline)


async def silent(_: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


async def trickling(writer: asyncio.StreamWriter) -> None:
    """Each byte comes soon enough for a limit between two bytes; the whole never does."""
    writer.write(head(Content_Length=100_000))
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def swelling(writer: asyncio.StreamWriter) -> None:
    """A gzip stream of blanks without an end."""
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    writer.write(head(Content_Encoding="gzip", Connection="close"))
    while not writer.is_closing():
        writer.write(packer.compress(b" " * 100_000) + packer.flush(zlib.Z_SYNC_FLUSH))
        await writer.drain()
        await asyncio.sleep(0)


async def reset(writer: asyncio.StreamWriter) -> None:
    """The connection is reset in the middle of the body."""
    writer.write(head(Content_Length=len(CONTENT)) + CONTENT[:50])
    await writer.drain()
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    writer.transport.abort()


FAULTS: dict[str, tuple[Script, str]] = {
    "slow first byte": (silent, "no answer within 1 s"),
    "slow body": (trickling, "no answer within 1 s"),
    "closed at once": (send_parts(), "the connection fails, 4 times"),
    "closed in the head": (send_parts(head()[:30]), "the connection fails"),
    "closed in the body": (send_parts(head(Content_Length=len(CONTENT)), CONTENT[:50]), "the connection fails"),
    "reset in the body": (reset, "the connection fails"),
    "closed in a chunk": (
        send_parts(head(Transfer_Encoding="chunked"), b"ffff\r\n" + CONTENT[:50]),
        "the connection fails",
    ),
    "closed in a body of no known length": (send_parts(head(Connection="close"), CONTENT[:50]), "not readable JSON"),
    "not HTTP": (send_parts(b"220 mail.example ESMTP\r\n\r\n"), "the connection fails"),
    "a head without end": (send_parts(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 50_000), "the connection fails"),
    "a length that is too large": (send_parts(head(Content_Length=2_000_000)), "larger than 1000000 bytes"),
    "a gzip bomb without end": (swelling, "larger than 1000000 bytes"),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_fault_of_a_connection_costs_only_its_concepts(name: str) -> None:
    script, named = FAULTS[name]
    async with base_url_of(RawHttpServer(Observation=[script], Condition=[complete_page(condition())])) as base_url:
        facts = await gather(base_url, limit=1.0 if "slow" in name else 10.0)
    selected = facts.select(slot(), AT, AT)
    assert selected.value == Absent(AbsentReason.UNREACHABLE)
    assert named in selected.issues[0].text
    assert [issue.code for issue in facts.issues] == ["source-unreachable"]
    assert facts.select(slot(FIBRILLATION, Select.ANY), AT, AT).value is True
    assert issue_codes(facts.select(slot(SEX), AT, AT)) == ["administrative-gender"]


@pytest.mark.parametrize("name", ["slow first byte", "slow body"])
async def test_the_deadline_of_a_question_ends_what_is_slow(name: str) -> None:
    async with base_url_of(RawHttpServer(Observation=[FAULTS[name][0]])) as base_url:
        facts = await gather(base_url, deadline=0.2, limit=20)
    assert "deadline" in facts.select(slot(), AT, AT).issues[0].text


@pytest.mark.parametrize("name", ["closed at once", "closed in the body", "reset in the body", "closed in a chunk"])
async def test_what_broke_off_is_asked_for_again(name: str) -> None:
    wire = RawHttpServer(Observation=[FAULTS[name][0], FAULTS[name][0], complete_page(observation())])
    async with base_url_of(wire) as base_url:
        facts = await gather(base_url)
    assert facts.select(slot(), AT, AT).issues == ()
    assert wire.requests.count("Observation") == 3


@contextlib.asynccontextmanager
async def nobody() -> AsyncIterator[str]:
    """An address at which nothing listens: the port is held, so that nobody else can take it."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}/fhir"


async def test_a_source_at_which_nothing_listens() -> None:
    async with nobody() as base_url:
        facts = await gather(base_url)
    for concept in (CREATININE, SEX, FIBRILLATION):
        assert facts.select(slot(concept), AT, AT).value == Absent(AbsentReason.UNREACHABLE)


async def test_an_answer_of_fifty_megabytes_is_not_read() -> None:
    sent = 0

    async def fifty(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(head(Connection="close"))
        while sent < 50_000_000:
            writer.write(b" " * 100_000)
            await writer.drain()
            await asyncio.sleep(0)
            sent += 100_000

    async with base_url_of(RawHttpServer(Observation=[fifty])) as base_url:
        facts = await gather(base_url)
    assert "larger than 1000000 bytes" in facts.select(slot(), AT, AT).issues[0].text
    assert sent < 50_000_000

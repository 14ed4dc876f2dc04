"""A server that is slow, full, locked or gone gives misses, and the next calls do not wait for it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from server.executor.cache.redis_store import CircuitBreaker, RedisStore
from tests.support.cache_servers import Backend, Clock, open_backend

HOUR = timedelta(hours=1)


@pytest.fixture
async def debian() -> AsyncIterator[Backend]:
    async with open_backend("debian") as backend:
        yield backend


async def test_a_server_that_never_answers(tmp_path: Path) -> None:
    connections = []

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        await reader.read()
        writer.close()

    server = await asyncio.start_unix_server(silent, tmp_path / "s")
    store = RedisStore(
        f"unix://{tmp_path}/s", connect_timeout=0.02, answer_timeout=0.02, breaker=CircuitBreaker(Clock())
    )
    async with server:
        assert await store.get_many(["a", "b"]) == [None, None]
        assert await store.get_many(["a"]) == [None]
        assert len(connections) == 1, "the second call does not wait again"
        status = await store.status()
        await store.close()
    assert not status.reachable
    assert status.text == "shared cache unreachable: no answer in time"
    assert (status.failures, status.skipped) == (2, 1)


async def test_a_wrong_password(debian: Backend) -> None:
    async with debian.raw() as server:
        await server.config_set("requirepass", "right")
    for url in (debian.url, f"unix://:hidden@{(debian.url or '').removeprefix('unix://')}"):
        store = RedisStore(url or "", connect_timeout=10, answer_timeout=10)
        await store.put_many({"a": b"1"}, HOUR)
        assert await store.get_many(["a"]) == [None]
        status = await store.status()
        assert status.text == "shared cache unreachable: it refuses the password"
        assert not status.reachable
        await store.close()


async def test_a_full_server_can_still_be_read(debian: Backend) -> None:
    await debian.store.put_many({"a": b"1"}, HOUR)
    async with debian.raw() as server:
        await server.config_set("maxmemory-policy", "noeviction")
        await server.config_set("maxmemory", "1")
    await debian.store.put_many({"b": b"2"}, HOUR)
    assert await debian.store.get_many(["a", "b"]) == [b"1", None]
    status = await debian.store.status()
    assert (status.reachable, status.writable) == (True, False)
    assert status.text.endswith(" cache takes no results: it is full (maxmemory)")
    # The write, and the one by which the state was found.
    assert (status.failures, status.skipped) == (2, 0)
    async with debian.raw() as server:
        await server.config_set("maxmemory", "0")
    assert (await debian.store.status()).writable


async def test_a_name_that_holds_something_else_is_a_miss(debian: Backend) -> None:
    async with debian.raw() as server:
        await server.lpush("a", "x")
    assert await debian.store.get_many(["a"]) == [None]


async def test_what_is_garbled_is_a_miss(tmp_path: Path) -> None:
    async def garbled(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(garbled, tmp_path / "s")
    store = RedisStore(f"unix://{tmp_path}/s", connect_timeout=10, answer_timeout=10)
    async with server:
        assert await store.get_many(["a"]) == [None]
        assert not (await store.status()).reachable
        await store.close()


def test_the_circuit_opens_longer_while_faults_go_on() -> None:
    clock = Clock()
    breaker = CircuitBreaker(clock)
    assert breaker.allows_call()
    pauses = []
    for _ in range(7):
        breaker.record_failure()
        assert not breaker.allows_call()
        began = clock.now
        while not breaker.allows_call():
            clock.now += 0.25
        assert not breaker.allows_call(), "one call tries, the others wait for what it finds"
        pauses.append(clock.now - began)
    assert pauses == [0.5, 1, 2, 4, 8, 10, 10]
    breaker.record_success()
    assert breaker.allows_call()
    breaker.record_failure()
    clock.now += 0.5
    assert breaker.allows_call()


async def test_a_server_that_lets_us_run_no_scripts(debian: Backend) -> None:
    async with debian.raw() as server:
        await server.execute_command("ACL", "SETUSER", "plain", "on", ">right", "~*", "+@all", "-@scripting")
    store = RedisStore(
        f"unix://plain:right@{(debian.url or '').removeprefix('unix://')}", connect_timeout=10, answer_timeout=10
    )
    await store.put_many({"a": b"1", "b": b"2"}, HOUR)
    await store.put_many({"c": b"3"}, timedelta(milliseconds=1))
    assert await store.get_many(["a", "b"]) == [b"1", b"2"]
    async with debian.raw() as server:
        assert 0 < await server.pttl("a") <= HOUR / timedelta(milliseconds=1)
    assert (await store.status()).failures == 0
    await store.close()

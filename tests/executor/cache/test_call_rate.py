"""Questions a second of a caller: in this process, and in a cache that processes share."""

from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from redis.asyncio import Redis

from server.executor.cache.call_rate import LocalRate, SharedRate
from server.executor.cache.embedded_server import start_embedded

KEY = b"k" * 32


async def test_questions_by_the_second_are_those_of_one_caller() -> None:
    rate = LocalRate(3)
    assert [await rate.allows("a") for _ in range(5)] == [True, True, True, False, False]
    assert await rate.allows("b")


@pytest.fixture
async def cache_url() -> AsyncIterator[str]:
    server = await start_embedded()
    yield server.url
    await server.stop()


async def test_processes_that_share_a_cache_count_together(cache_url: str) -> None:
    async with aclosing(SharedRate(cache_url, KEY, 3)) as one, aclosing(SharedRate(cache_url, KEY, 3)) as other:
        assert [await rate.allows("a") for rate in (one, other, one, other)] == [True, True, True, False]
        assert await other.allows("b")


async def test_no_caller_is_named_in_the_cache(cache_url: str) -> None:
    async with aclosing(SharedRate(cache_url, KEY, 3)) as rate:
        await rate.allows("issuer subject client")
    async with Redis.from_url(cache_url) as client:
        keys = await client.keys("*")
    assert keys and "subject" not in str(keys)


async def test_without_the_cache_each_process_counts_for_itself(caplog: pytest.LogCaptureFixture) -> None:
    async with aclosing(SharedRate("redis://user:secret@127.0.0.1:1/0", KEY, 2)) as rate:
        assert [await rate.allows("a") for _ in range(3)] == [True, True, False]
    assert caplog.text.count("counted in this process alone") == 1
    assert "secret" not in caplog.text

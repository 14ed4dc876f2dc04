"""Writes behind the answer: found at once by us, by another process soon, and never lost where they matter."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta

import pytest

from server.executor.cache.redis_store import RedisStore, WriteBehindStore
from server.executor.cache.store import NoStore
from tests.support.cache_servers import Backend, open_backend, wait_until

HOUR = timedelta(hours=1)
NEVER = 3600.0


class Kept(NoStore):
    """A store in a dictionary that counts its requests; ``gate`` holds writes up while it is not set."""

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[str, bytes] = {}
        self.requests: list[list[str]] = []
        self.puts: list[dict[str, bytes]] = []
        self.away = False
        self.closed = False
        self.released: list[tuple[str, dict[str, bytes]]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    @property
    def available(self) -> bool:
        return not self.away

    async def get_many(self, names: Sequence[str]) -> list[bytes | None]:
        self.requests.append(list(names))
        await asyncio.sleep(0)
        return [self.held.get(name) for name in names]

    async def put_many(self, items: Mapping[str, bytes], ttl: timedelta) -> None:
        self.puts.append(dict(items))
        await self.gate.wait()
        if not self.away:
            self.held.update(items)

    async def release_many(self, names: Sequence[str], holder: bytes) -> None:
        self.released += [(name, dict(self.held)) for name in names]

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
async def debian() -> AsyncIterator[Backend]:
    async with open_backend("debian") as backend:
        yield backend


async def test_what_is_queued_is_found_without_asking(kept: Kept) -> None:
    kept.held["old"] = b"0"
    behind = WriteBehindStore(kept, pause=NEVER)
    await behind.put_many({"a": b"1", "b": b"2"}, HOUR)
    assert await behind.get_many(["b", "a"]) == [b"2", b"1"]
    assert (kept.requests, kept.puts) == ([], [])
    assert await behind.get_many(["b", "old", "none", "a"]) == [b"2", b"0", None, b"1"]
    assert kept.requests == [["old", "none"]]


async def test_it_is_written_soon_in_one_go(kept: Kept) -> None:
    behind = WriteBehindStore(kept, pause=0.001)
    await behind.put_many({"a": b"1"}, HOUR)
    await behind.put_many({"b": b"2", "a": b"3"}, HOUR)

    async def written() -> bool:
        return "a" in kept.held

    await wait_until(written)
    assert kept.puts == [{"a": b"3", "b": b"2"}]


async def test_it_is_found_while_it_is_being_written_and_what_comes_meanwhile_is_written_next(kept: Kept) -> None:
    kept.gate.clear()
    behind = WriteBehindStore(kept, pause=NEVER)
    await behind.put_many({"a": b"1"}, HOUR)
    flushing = asyncio.create_task(behind.flush())
    await asyncio.sleep(0.001)
    assert kept.puts == [{"a": b"1"}]
    assert await behind.get_many(["a"]) == [b"1"]
    await behind.put_many({"a": b"2"}, HOUR)
    assert await behind.get_many(["a"]) == [b"2"]
    kept.gate.set()
    await flushing
    assert kept.held == {"a": b"2"}
    assert await behind.get_many(["a"]) == [b"2"]


async def test_whoever_waits_for_a_write_may_be_cancelled(kept: Kept) -> None:
    kept.gate.clear()
    behind = WriteBehindStore(kept, pause=NEVER)
    await behind.put_many({"a": b"1"}, HOUR)
    flushing = asyncio.create_task(behind.flush())
    await asyncio.sleep(0.001)
    flushing.cancel()
    await asyncio.gather(flushing, return_exceptions=True)
    kept.gate.set()
    await behind.flush()
    assert kept.held == {"a": b"1"}


async def test_what_has_expired_is_neither_found_nor_written(kept: Kept) -> None:
    kept.held["a"] = b"0"
    behind = WriteBehindStore(kept, pause=NEVER)
    await behind.put_many({"a": b"1"}, timedelta(microseconds=1))
    await asyncio.sleep(0.001)
    assert await behind.get_many(["a"]) == [None]
    await behind.flush()
    assert kept.puts == []


async def test_a_queue_that_is_full_is_written_at_once(kept: Kept) -> None:
    behind = WriteBehindStore(kept, pause=NEVER, max_bytes=10)
    await behind.put_many({"a": b"12345678"}, HOUR)
    assert kept.puts == []
    await behind.put_many({"a": b"123"}, HOUR)
    assert kept.puts == [{"a": b"12345678"}, {"a": b"123"}]
    assert kept.held == {"a": b"123"}


async def test_nothing_is_queued_for_a_store_that_is_away(kept: Kept) -> None:
    behind = WriteBehindStore(kept, pause=NEVER)
    kept.away = True
    await behind.put_many({"a": b"1"}, HOUR)
    assert kept.puts == [{"a": b"1"}]
    assert await behind.get_many(["a"]) == [None]
    assert not behind.available


async def test_a_lock_is_given_up_only_after_the_value_is_there(kept: Kept) -> None:
    behind = WriteBehindStore(kept, pause=NEVER)
    await behind.put_many({"a": b"1"}, HOUR)
    await behind.release_many(["lock"], b"me")
    assert kept.released == [("lock", {"a": b"1"})]


async def test_closing_writes_first(kept: Kept) -> None:
    behind = WriteBehindStore(kept, pause=NEVER)
    await behind.put_many({"a": b"1"}, HOUR)
    await behind.close()
    assert kept.held == {"a": b"1"}
    assert kept.closed


async def test_a_store_that_raises_is_logged_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Kept):
        async def put_many(self, items: Mapping[str, bytes], ttl: timedelta) -> None:
            raise RuntimeError("creatinine 1.6")

    behind = WriteBehindStore(Broken(), pause=0.0)
    await behind.put_many({"a": b"1"}, HOUR)

    async def said() -> bool:
        return "RuntimeError" in caplog.text

    with caplog.at_level(logging.ERROR):
        await wait_until(said)
    assert "creatinine" not in caplog.text
    assert await behind.get_many(["a"]) == [None]


async def test_another_process_finds_it_after_the_flush(debian: Backend) -> None:
    behind = WriteBehindStore(debian.store, pause=NEVER)
    other = RedisStore(debian.url or "", connect_timeout=10, answer_timeout=10)
    await behind.put_many({"a": b"1"}, HOUR)
    assert await other.get_many(["a"]) == [None]
    await behind.flush()
    assert await other.get_many(["a"]) == [b"1"]
    await other.close()


async def test_a_server_killed_before_the_write_gives_a_miss_and_one_failure(debian: Backend) -> None:
    behind = WriteBehindStore(debian.store, pause=0.001)
    await behind.get_many(["a"])
    await behind.put_many({"a": b"1"}, HOUR)
    debian.kill()

    async def failed() -> bool:
        return not behind.available

    await wait_until(failed)
    assert await behind.get_many(["a"]) == [None]
    status = await behind.status()
    # The write, and the question for the status; the look-up did not wait again.
    assert (status.failures, status.skipped) == (2, 1)

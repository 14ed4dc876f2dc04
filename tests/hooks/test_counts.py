"""Counts of feedback by service, outcome, reason and day; and that they hold nothing else."""

from datetime import date, timedelta

import pytest

from server.executor.cache.encryption import Keyring, SealedStore
from server.executor.cache.store import NoStore
from server.hooks.counts import KEPT_FOR, FeedbackCount, FeedbackCounts, Outcome, Told
from tests.support.cache_servers import Backend

DAY = date(2026, 3, 1)
ACCEPTED, OVERRIDDEN = Told("kidney", Outcome.ACCEPTED), Told("kidney", Outcome.OVERRIDDEN, "https://a.example|b")


@pytest.fixture
def counts(store: SealedStore, keys: Keyring) -> FeedbackCounts:
    return FeedbackCounts(store, keys.hooks)


async def test_counts_add_up_by_day_newest_first(counts: FeedbackCounts) -> None:
    yesterday = DAY - timedelta(days=1)
    await counts.add([ACCEPTED, OVERRIDDEN, ACCEPTED], DAY)
    await counts.add([OVERRIDDEN], DAY)
    await counts.add([Told("aki", Outcome.UNKNOWN)], yesterday)
    await counts.add([], yesterday)
    expected = [
        FeedbackCount(DAY, ACCEPTED, 2),
        FeedbackCount(DAY, OVERRIDDEN, 2),
        FeedbackCount(yesterday, Told("aki", Outcome.UNKNOWN), 1),
    ]
    assert await counts.of_days(DAY, 28) == expected
    assert await counts.of_days(DAY, 1) == expected[:2]
    assert await counts.of_days(yesterday, 400) == expected[2:]
    assert await counts.of_days(DAY + timedelta(days=30), 30) == []


async def test_the_cache_holds_services_and_reasons_and_no_day(counts: FeedbackCounts, backend: Backend) -> None:
    await counts.add([OVERRIDDEN], DAY)
    async with backend.raw() as server:
        (name,) = await server.keys("*")
        left, fields = await server.pttl(name), await server.hgetall(name)
    assert b"2026" not in name and len(name.rpartition(b":")[2]) == 64
    assert fields == {b'["kidney","overridden","https://a.example|b"]': b"1"}
    assert 0 <= KEPT_FOR / timedelta(milliseconds=1) - left < 60_000


async def test_what_another_version_counted_is_passed_over(
    counts: FeedbackCounts, store: SealedStore, backend: Backend
) -> None:
    await counts.add([ACCEPTED], DAY)
    async with backend.raw() as server:
        (name,) = await server.keys("*")
    await store.add_counts(name.decode(), {"{": 1, '["kidney","postponed",""]': 2, "": 1}, KEPT_FOR)
    assert await counts.of_days(DAY, 1) == [FeedbackCount(DAY, ACCEPTED, 1)]


async def test_another_secret_counts_elsewhere(counts: FeedbackCounts, store: SealedStore) -> None:
    await counts.add([ACCEPTED], DAY)
    assert await FeedbackCounts(store, Keyring.from_secret(b"t" * 32).hooks).of_days(DAY, 2) == []


async def test_without_a_cache_nothing_is_counted(keys: Keyring) -> None:
    counts = FeedbackCounts(NoStore(), keys.hooks)
    await counts.add([ACCEPTED], DAY)
    assert await counts.of_days(DAY, 3) == []

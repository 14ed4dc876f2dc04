"""Tokens that were used, in this process and in a cache that is shared: one is the first, or nobody is let in."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest

from server.executor.cache.encryption import SealedStore
from server.executor.cache.store import NoStore
from server.hooks.errors import ReplayStoreError
from server.hooks.replay import Replays
from tests.support.cache_servers import SERVERS, Backend, open_backend
from tests.support.token_issuer import Clock

KEY = b"k" * 32


@pytest.fixture(params=SERVERS)
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[Backend]:
    async with open_backend(request.param) as opened:
        yield opened


def fresh() -> str:
    return secrets.token_hex(16)


async def test_of_eight_at_once_one_is_the_first_here() -> None:
    replays, jti = Replays(None, KEY), fresh()
    answers = await asyncio.gather(*(replays.is_first("ehr", jti, 600) for _ in range(8)))
    assert sorted(answers) == [False] * 7 + [True]
    assert await replays.is_first("other", jti, 600)
    # The border between client and token is no part of either.
    assert await replays.is_first("e", f"hr\n{jti}", 600)


async def test_of_eight_at_once_in_two_processes_one_is_the_first(backend: Backend) -> None:
    sealed, jti = SealedStore(backend.store, b"s" * 32), fresh()
    one, two = Replays(sealed, KEY), Replays(sealed, KEY)
    answers = await asyncio.gather(*(each.is_first("ehr", jti, 600) for each in (one, two) * 4))
    assert sorted(answers) == [False] * 7 + [True]


async def test_the_cache_sees_neither_client_nor_token(backend: Backend) -> None:
    jti = fresh()
    assert await Replays(SealedStore(backend.store, b"s" * 32), KEY).is_first("ehr-client", jti, 600)
    async with backend.raw() as server:
        names = [name async for name in server.scan_iter(match="*hook-jti*")]
        assert names
        assert not [name for name in names if jti.encode() in name or b"ehr" in name]
        lifetimes = [await server.pttl(name) for name in names]
    assert all(0 < each <= 600_000 for each in lifetimes)


async def test_a_shared_cache_that_is_away_lets_nobody_in(backend: Backend) -> None:
    replays = Replays(SealedStore(backend.store, b"s" * 32), KEY)
    if backend.name not in ("embedded", "debian"):
        pytest.skip("the server at this address is not ours to stop")
    backend.kill()
    for _ in range(3):
        with pytest.raises(ReplayStoreError) as caught:
            await replays.is_first("ehr", fresh(), 600)
        assert (caught.value.status, caught.value.code) == (503, "no-store")


async def test_no_cache_in_place_of_a_shared_one_lets_nobody_in() -> None:
    with pytest.raises(ReplayStoreError):
        await Replays(NoStore(), KEY).is_first("ehr", fresh(), 600)


async def test_what_cannot_live_any_more_is_forgotten_and_makes_room() -> None:
    clock = Clock()
    replays = Replays(None, KEY, clock.monotonic, most=3)
    for number in range(3):
        assert await replays.is_first("ehr", f"a{number}", 100 + number)
    with pytest.raises(ReplayStoreError):
        await replays.is_first("ehr", "b", 600)
    assert not await replays.is_first("ehr", "a0", 600), "what was used is known still"
    clock.passed = 100.5
    assert await replays.is_first("ehr", "b", 600)
    assert not await replays.is_first("ehr", "a1", 600)
    assert not await replays.is_first("ehr", "b", 600)


async def test_a_client_that_floods_locks_nobody_else_out() -> None:
    """H115: what one client uses up is its own room."""
    replays = Replays(None, KEY, Clock().monotonic, most=3)
    for number in range(3):
        assert await replays.is_first("ehr", f"a{number}", 600)
    with pytest.raises(ReplayStoreError):
        await replays.is_first("ehr", "b", 600)
    assert await replays.is_first("other", "b", 600)
    assert not await replays.is_first("other", "b", 600)

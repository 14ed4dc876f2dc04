"""What every cache does alike: our own server, Debian's, one given by its address, and none at all."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from server.executor.cache.encryption import Keyring, SealedStore
from server.executor.cache.redis_store import WriteBehindStore
from server.executor.result_cache import lock_name, value_name
from tests.support.cache_servers import OURS, SERVERS, Backend, open_backend, wait_until

KEYS = Keyring.from_secret(b"s" * 32)
HOUR = timedelta(hours=1)
PLAIN = b"creatinine 1.6 mg/dL"


@pytest.fixture(params=(*SERVERS, "none"))
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[Backend]:
    async with open_backend(request.param) as opened:
        yield opened


@pytest.fixture(params=("at-once", "behind"))
def sealed(backend: Backend, request: pytest.FixtureRequest) -> SealedStore:
    # So long a pause that nothing is written but where a test, or the store itself, asks for it.
    store = backend.store if request.param == "at-once" else WriteBehindStore(backend.store, pause=3600)
    return SealedStore(store, KEYS.seal)


def fresh() -> str:
    """A name that no other test uses, since a server given by its address is shared."""
    return value_name(secrets.token_hex(32))


def held(backend: Backend, *values: bytes | None) -> list[bytes | None]:
    """What should be found: these, or nothing where nothing is held."""
    return list(values) if backend.holds else [None] * len(values)


async def test_what_was_put_is_found(backend: Backend, sealed: SealedStore) -> None:
    name = fresh()
    assert await sealed.get_many([name]) == [None]
    await sealed.put_many({name: PLAIN}, HOUR)
    assert await sealed.get_many([name]) == held(backend, PLAIN)


async def test_many_at_once_in_their_order(backend: Backend, sealed: SealedStore) -> None:
    names = [fresh() for _ in range(300)]
    await sealed.put_many({name: name.encode() for name in names[::2]}, HOUR)
    expected = [name.encode() if index % 2 == 0 else None for index, name in enumerate(names)]
    assert await sealed.get_many(names) == held(backend, *expected)
    assert await sealed.get_many([names[2], names[0], names[2]]) == held(backend, *(expected[i] for i in (2, 0, 2)))


async def test_nothing_asked_nothing_found(sealed: SealedStore) -> None:
    assert await sealed.get_many([]) == []
    await sealed.put_many({}, HOUR)
    assert await sealed.claim_many([], b"me", HOUR) == []
    await sealed.release_many([], b"me")


async def test_empty_and_binary_values(backend: Backend, sealed: SealedStore) -> None:
    a, b = fresh(), fresh()
    await sealed.put_many({a: b"", b: bytes(range(256))}, HOUR)
    assert await sealed.get_many([a, b]) == held(backend, b"", bytes(range(256)))


async def test_a_value_expires(backend: Backend, sealed: SealedStore) -> None:
    short, long = fresh(), fresh()
    await sealed.put_many({long: PLAIN}, HOUR)
    await sealed.put_many({short: PLAIN}, timedelta(milliseconds=1))

    async def gone() -> bool:
        return await sealed.get_many([short]) == [None]

    await wait_until(gone)
    assert await sealed.get_many([long]) == held(backend, PLAIN)
    await sealed.flush()
    if backend.holds:
        async with backend.raw() as server:
            assert 0 < await server.pttl(long) <= HOUR / timedelta(milliseconds=1)


@pytest.mark.parametrize("backend", SERVERS, indirect=True)
async def test_the_server_sees_no_plain_text(backend: Backend, sealed: SealedStore) -> None:
    name = fresh()
    await sealed.put_many({name: PLAIN}, HOUR)
    await sealed.flush()
    async with backend.raw() as server:
        first = await server.get(name)
        await sealed.put_many({name: PLAIN}, HOUR)
        await sealed.flush()
        second = await server.get(name)
    assert not any(part in first for part in (b"creatinine", b"1.6", b"mg/dL"))
    assert first != second, "each value has a nonce of its own"


@pytest.mark.parametrize("change", [lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]), lambda raw: raw[:5], lambda raw: b""])
async def test_a_changed_value_is_a_miss(
    backend: Backend, sealed: SealedStore, change: Callable[[bytes], bytes]
) -> None:
    name = fresh()
    await sealed.put_many({name: PLAIN}, HOUR)
    await sealed.flush()
    if backend.holds:
        async with backend.raw() as server:
            await server.set(name, change(await server.get(name)))
    assert await sealed.get_many([name]) == [None]
    assert (await sealed.status()).unreadable == (1 if backend.holds else 0)


async def test_a_value_moved_to_another_name_is_a_miss(backend: Backend, sealed: SealedStore) -> None:
    one, other = fresh(), fresh()
    await sealed.put_many({one: PLAIN}, HOUR)
    await sealed.flush()
    if backend.holds:
        async with backend.raw() as server:
            await server.set(other, await server.get(one))
    assert await sealed.get_many([one, other]) == held(backend, PLAIN, None)


async def test_another_key_opens_nothing(backend: Backend, sealed: SealedStore) -> None:
    name = fresh()
    await sealed.put_many({name: PLAIN}, HOUR)
    await sealed.flush()
    assert await SealedStore(backend.store, Keyring.from_secret(b"t" * 32).seal).get_many([name]) == [None]


async def test_a_lock_has_one_holder(backend: Backend, sealed: SealedStore) -> None:
    one, other = lock_name(secrets.token_hex(32)), lock_name(secrets.token_hex(32))
    assert await sealed.claim_many([one], b"me", HOUR) == [True]
    assert await sealed.claim_many([one, other], b"you", HOUR) == [not backend.holds, True]
    await sealed.release_many([one], b"you")
    assert await sealed.claim_many([one], b"you", HOUR) == [not backend.holds]
    await sealed.release_many([one, other], b"me")
    assert await sealed.claim_many([one, other], b"them", HOUR) == [True, not backend.holds]


async def test_the_lock_of_a_crashed_holder_expires(sealed: SealedStore) -> None:
    name = lock_name(secrets.token_hex(32))
    await sealed.claim_many([name], b"crashed", timedelta(milliseconds=1))

    async def taken_over() -> bool:
        return await sealed.claim_many([name], b"next", HOUR) == [True]

    await wait_until(taken_over)


async def test_a_name_is_taken_once(backend: Backend, sealed: SealedStore) -> None:
    one, other = lock_name(secrets.token_hex(32)), lock_name(secrets.token_hex(32))
    answers = await asyncio.gather(*(sealed.is_first(one, HOUR) for _ in range(8)))
    assert sorted(map(str, answers)) == (["False"] * 7 + ["True"] if backend.holds else ["None"] * 8)
    assert await sealed.is_first(other, HOUR) is (True if backend.holds else None)
    if backend.holds:
        async with backend.raw() as server:
            assert 0 < await server.pttl(one) <= HOUR / timedelta(milliseconds=1)


async def test_a_name_is_free_again_after_its_time(backend: Backend, sealed: SealedStore) -> None:
    name = lock_name(secrets.token_hex(32))
    assert await sealed.is_first(name, timedelta(milliseconds=1)) is (True if backend.holds else None)

    async def free() -> bool:
        return await sealed.is_first(name, HOUR) is (True if backend.holds else None)

    await wait_until(free)


@pytest.mark.parametrize("backend", OURS, indirect=True)
async def test_nobody_is_first_where_nobody_can_say(backend: Backend, sealed: SealedStore) -> None:
    name = lock_name(secrets.token_hex(32))
    async with backend.raw() as server:
        await server.config_set("maxmemory", 1)
        await server.config_set("maxmemory-policy", "noeviction")
    assert await sealed.is_first(name, HOUR) is None, "it is full, and reachable"
    backend.kill()
    assert await sealed.is_first(name, HOUR) is None, "it is gone"
    assert await sealed.is_first(name, HOUR) is None, "the circuit is open"


async def test_counters_add_up_by_field(backend: Backend, sealed: SealedStore) -> None:
    one, other, missing = fresh(), fresh(), fresh()
    await sealed.add_counts(one, {"a": 2, "b b\n": 1}, HOUR)
    await asyncio.gather(*(sealed.add_counts(one, {"a": 1, "ä": 3}, HOUR) for _ in range(20)))
    await sealed.add_counts(other, {"a": 1}, HOUR)
    await sealed.add_counts(missing, {}, HOUR)
    expected = [{"a": 1}, {"a": 22, "b b\n": 1, "ä": 60}, {}]
    assert await sealed.get_counts([other, one, missing]) == (expected if backend.holds else [{}, {}, {}])
    assert await sealed.get_counts([]) == []


async def test_counters_expire_together_and_later_where_more_is_added(backend: Backend, sealed: SealedStore) -> None:
    name, brief = fresh(), fresh()
    await sealed.add_counts(name, {"a": 1}, timedelta(seconds=60))
    await sealed.add_counts(name, {"b": 1}, HOUR)
    await sealed.add_counts(brief, {"a": 1}, timedelta(milliseconds=1))
    if backend.holds:
        async with backend.raw() as server:
            assert 60_000 < await server.pttl(name) <= HOUR / timedelta(milliseconds=1)

    async def gone() -> bool:
        return await sealed.get_counts([brief]) == [{}]

    await wait_until(gone)


@pytest.mark.parametrize("backend", SERVERS, indirect=True)
async def test_counters_under_the_name_of_a_value_are_a_fault_and_no_error(
    backend: Backend, sealed: SealedStore
) -> None:
    name, other = fresh(), fresh()
    await sealed.put_many({name: PLAIN}, HOUR)
    await sealed.flush()
    await sealed.add_counts(name, {"a": 1}, HOUR)
    await sealed.add_counts(other, {"a": 1}, HOUR)
    assert await sealed.get_counts([name, other]) == [{}, {}]
    assert await sealed.get_counts([other]) == [{"a": 1}]
    assert sealed.available
    assert (await sealed.status()).failures == 2


async def test_the_status_is_true(backend: Backend, sealed: SealedStore) -> None:
    status = await sealed.status()
    assert status.reachable == sealed.available == backend.holds
    assert status.kind == {"embedded": "embedded", "none": "none"}.get(backend.name, "shared")
    assert status.failures == status.skipped == status.unreadable == 0


@pytest.mark.parametrize("backend", OURS, indirect=True)
async def test_a_server_killed_gives_misses_and_says_so(backend: Backend, sealed: SealedStore) -> None:
    name = fresh()
    await sealed.put_many({name: PLAIN}, HOUR)
    await sealed.flush()
    backend.kill()
    assert await sealed.get_many([name]) == [None]
    await sealed.put_many({name: PLAIN}, HOUR)
    assert await sealed.claim_many([name], b"me", HOUR) == [True]
    await sealed.release_many([name], b"me")
    await sealed.add_counts(name, {"a": 1}, HOUR)
    assert await sealed.get_counts([name]) == [{}]
    status = await sealed.status()
    assert not status.reachable
    assert not sealed.available
    assert "unreachable: no connection" in status.text
    # One call met the fault and one asked for the status; the others did not wait again.
    assert (status.failures, status.skipped) == (2, 5)


@pytest.mark.parametrize("backend", ["debian"], indirect=True)
async def test_a_server_that_is_back_is_used_again(backend: Backend, sealed: SealedStore) -> None:
    name = fresh()
    backend.kill()
    await sealed.put_many({name: PLAIN}, HOUR)
    await sealed.flush()
    await backend.restart()
    await sealed.put_many({name: PLAIN}, HOUR)
    assert await sealed.get_many([name]) == [None], "the circuit is open still"
    backend.clock.now += 1.0
    await sealed.put_many({name: PLAIN}, HOUR)
    assert await sealed.get_many([name]) == [PLAIN]
    assert (await sealed.status()).reachable
    assert sealed.available


@pytest.mark.parametrize("backend", ["debian"], indirect=True)
async def test_asking_for_the_status_finds_a_server_that_is_back(backend: Backend, sealed: SealedStore) -> None:
    name = fresh()
    backend.kill()
    assert await sealed.get_many([name]) == [None]
    await backend.restart()
    assert (await sealed.status()).reachable
    await sealed.put_many({name: PLAIN}, HOUR)
    assert await sealed.get_many([name]) == [PLAIN]


async def test_concurrent_calls_do_not_mix(backend: Backend, sealed: SealedStore) -> None:
    names = [fresh() for _ in range(40)]

    async def there_and_back(name: str) -> list[bytes | None]:
        await sealed.put_many({name: name.encode()}, HOUR)
        return await sealed.get_many([name])

    answers = await asyncio.gather(*map(there_and_back, names))
    assert answers == [held(backend, name.encode()) for name in names]


async def test_a_call_that_is_cancelled_leaves_the_store_sound(backend: Backend, sealed: SealedStore) -> None:
    names = [fresh() for _ in range(20)]
    await sealed.put_many({name: name.encode() for name in names}, HOUR)
    calls = [asyncio.create_task(sealed.get_many([name])) for name in names]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert await sealed.get_many(names) == held(backend, *(name.encode() for name in names))

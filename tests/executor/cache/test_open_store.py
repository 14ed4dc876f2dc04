"""Which cache the settings give, and which settings are refused."""

from datetime import timedelta

import pytest

from server.errors import SettingsError
from server.executor.cache.encryption import Keyring
from server.executor.cache.open_store import open_store

SECRET = b"s" * 32


async def test_the_default_is_embedded_and_sealed() -> None:
    store = await open_store()
    try:
        await store.put_many({"mt:name": b"value"}, timedelta(minutes=1))
        assert await store.get_many(["mt:name"]) == [b"value"]
        assert (await store.status()).kind == "embedded"
    finally:
        await store.close()


async def test_switched_off() -> None:
    store = await open_store("redis://127.0.0.1:1", SECRET, enabled=False)
    await store.put_many({"mt:name": b"value"}, timedelta(minutes=1))
    assert await store.get_many(["mt:name"]) == [None]
    status = await store.status()
    assert (status.kind, status.reachable) == ("none", False)
    assert "switched off" in status.text


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "rediss://127.0.0.1:1", "unix:///nowhere/s"])
async def test_a_shared_cache_that_is_away_is_not_an_error(url: str) -> None:
    store = await open_store(url, SECRET)
    assert await store.get_many(["mt:name"]) == [None]
    status = await store.status()
    assert (status.kind, status.reachable) == ("shared", False)
    await store.close()


@pytest.mark.parametrize(
    ("url", "key", "text"),
    [
        ("redis://:hidden@127.0.0.1", None, "cache.key"),
        ("redis://:hidden@127.0.0.1", b"short", "32 bytes"),
        (None, b"short", "32 bytes"),
        ("http://:hidden@127.0.0.1", SECRET, "redis://"),
        ("127.0.0.1:6379/hidden", SECRET, "redis://"),
        ("redis://:hidden@127.0.0.1:port", SECRET, "cannot be read"),
        ("redis://:hidden@127.0.0.1?socket_timeout=soon", SECRET, "cannot be read"),
    ],
)
async def test_settings_that_are_refused(url: str | None, key: bytes | None, text: str) -> None:
    with pytest.raises(SettingsError, match=text) as caught:
        await open_store(url, key)
    assert "hidden" not in str(caught.value)


def test_keys_differ_by_purpose_and_by_secret() -> None:
    one, again, other = Keyring.from_secret(SECRET), Keyring.from_secret(SECRET), Keyring.from_secret(b"t" * 32)
    assert one == again
    assert len({one.fingerprint, one.seen, one.seal, other.fingerprint, other.seen, other.seal}) == 6
    assert len({one.seal, one.launch, one.hooks, one.scope, one.argument, other.hooks}) == 6
    assert SECRET not in (one.fingerprint, one.seen, one.seal, one.hooks)
    assert repr(one) == "Keyring()"


def test_without_a_secret_every_process_has_its_own() -> None:
    assert Keyring.from_secret(None) != Keyring.from_secret(None)

"""Which cache, after the settings."""

from urllib.parse import urlsplit

from server.errors import SettingsError
from server.executor.cache.behind import Behind
from server.executor.cache.embedded import EmbeddedCacheError, start_embedded
from server.executor.cache.keys import Keyring
from server.executor.cache.redis_store import RedisStore
from server.executor.cache.sealed import Sealed
from server.executor.cache.store import NoStore, Store

_SCHEMES = ("redis", "rediss", "unix")


async def open_store(
    url: str | None = None,
    key: bytes | None = None,
    enabled: bool = True,
    *,
    keys: Keyring | None = None,
    connect: float = 0.25,
    answer: float = 0.5,
) -> Store:
    """The shared cache at ``url``, else the embedded one; sealed either way.

    ``keys``: what ``Keyring.of(key)`` gave, where the caller has it already (fingerprints need the same one).
    ``connect``/``answer``: seconds that a shared cache may take.  Where the embedded server cannot start, a store
    that holds nothing and says why.  Raises SettingsError for a url without a key, a key too short, or a url that
    is not redis://, rediss:// or unix://; a shared cache that is away is not an error.
    """
    if not enabled:
        return NoStore("no cache: switched off in the settings")
    if url is not None and key is None:
        raise SettingsError("cache.url needs cache.key: what is kept outside of this process must be encrypted")
    ring = keys or Keyring.of(key)
    if url is not None:
        return Sealed(Behind(_shared(url, connect, answer)), ring.seal)
    try:
        server = await start_embedded()
    except EmbeddedCacheError as fault:
        return NoStore(f"no cache: {fault}", "embedded")
    # It is near, and gone at once if it is gone; a long limit spares it the blame when our own loop is busy.
    store = RedisStore(server.url, "embedded", connect=2.0, answer=2.0, stop=server.stop)
    return Sealed(Behind(store), ring.seal)


def _shared(url: str, connect: float, answer: float) -> RedisStore:
    # The url may hold a password: it is not repeated.
    if urlsplit(url).scheme not in _SCHEMES:
        raise SettingsError("cache.url must be a redis://, rediss:// or unix:// address")
    try:
        return RedisStore(url, connect=connect, answer=answer)
    except (ValueError, TypeError):
        raise SettingsError("cache.url cannot be read") from None

"""Opens the cache that the settings name: the shared one, the embedded one, or none."""

from urllib.parse import urlsplit

from server.errors import SettingsError
from server.executor.cache.embedded_server import EmbeddedCacheError, start_embedded
from server.executor.cache.encryption import Keyring, SealedStore
from server.executor.cache.redis_store import RedisStore, WriteBehindStore
from server.executor.cache.store import NoStore, Store

_SCHEMES = ("redis", "rediss", "unix")


async def open_store(
    url: str | None = None,
    key: bytes | None = None,
    enabled: bool = True,
    *,
    keys: Keyring | None = None,
    connect_timeout: float = 0.25,
    answer_timeout: float = 0.5,
) -> Store:
    """The shared cache at ``url``, or the embedded one; values are encrypted in both.

    ``keys``: the result of ``Keyring.from_secret(key)``, if the caller has it (fingerprints need the same one).
    ``connect_timeout`` and ``answer_timeout``: in seconds, for a shared cache.  If the embedded server cannot start,
    the store is a ``NoStore`` whose status says why.

    Raises SettingsError for a url without a key, a key that is too short, or a url that is not redis://, rediss:// or
    unix://; an unavailable shared cache is not an error.
    """
    if not enabled:
        return NoStore("no cache: switched off in the settings")
    if url is not None and key is None:
        raise SettingsError("cache.url needs cache.key: values outside of this process must be encrypted")
    ring = keys or Keyring.from_secret(key)
    if url is not None:
        return SealedStore(WriteBehindStore(_shared_store(url, connect_timeout, answer_timeout)), ring.seal)
    try:
        server = await start_embedded()
    except EmbeddedCacheError as fault:
        return NoStore(f"no cache: {fault}", "embedded")
    # If it ends, its connection fails at once: a long timeout only avoids false alarms while our own loop is busy.
    store = RedisStore(server.url, "embedded", connect_timeout=2.0, answer_timeout=2.0, stop=server.stop)
    return SealedStore(WriteBehindStore(store), ring.seal)


def _shared_store(url: str, connect_timeout: float, answer_timeout: float) -> RedisStore:
    # The url may contain a password: no message repeats it.
    if urlsplit(url).scheme not in _SCHEMES:
        raise SettingsError("cache.url must be a redis://, rediss:// or unix:// address")
    try:
        return RedisStore(url, connect_timeout=connect_timeout, answer_timeout=answer_timeout)
    except (ValueError, TypeError):
        raise SettingsError("cache.url cannot be read") from None

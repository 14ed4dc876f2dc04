"""What is left when charts end: the tokens that were given back, and the cache in which charts are kept."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from server.executor.cache.embedded_server import EmbeddedServer, start_embedded
from tests.support.launching_ehr import LaunchedSite, LaunchingEhr


def given_back(ehr: LaunchingEhr) -> list[str]:
    """The tokens that were revoked, in their order."""
    return [each["token"] for each in ehr.revoked]


async def sweep(site: LaunchedSite) -> None:
    """Look once for charts whose time is over."""
    await site.app.state.launches.sessions.endings.sweep()


@asynccontextmanager
async def shared_cache() -> AsyncIterator[tuple[EmbeddedServer, Mapping[str, str]]]:
    """A cache that outlives whoever uses it, and the settings that name it."""
    cache = await start_embedded()
    try:
        yield cache, {"url": cache.url, "key": "ab" * 32}
    finally:
        await cache.stop()


@asynccontextmanager
async def taking_nothing(cache: EmbeddedServer) -> AsyncIterator[None]:
    """While this cache is full: it gives what it has, and takes nothing."""
    async with Redis.from_url(cache.url) as server:
        await server.config_set("maxmemory-policy", "noeviction")
        await server.config_set("maxmemory", "1")
        yield
        await server.config_set("maxmemory", "0")

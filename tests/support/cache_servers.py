"""Cache servers that the store's tests run against: embedded, Debian's, one given by its address, none."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from server.executor.cache.embedded_server import EmbeddedServer, start_embedded
from server.executor.cache.redis_store import CircuitBreaker, RedisStore
from server.executor.cache.store import NoStore, Store

DEBIAN = "/usr/bin/redis-server"
# Not MEDTWIN_..., which the server takes for a setting, and refuses one that it does not know.
URL = "TEST_REDIS_URL"
SERVERS = ("embedded", "debian", *(("address",) if os.environ.get(URL) else ()))
OURS = ("embedded", "debian")


class Clock:
    """A clock for circuit breakers that only the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Backend:
    """A store on a server, and what a test may do to that server."""

    name: str
    store: Store
    url: str | None = None
    embedded: EmbeddedServer | None = None
    directory: Path | None = None
    clock: Clock = field(default_factory=Clock)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def holds(self) -> bool:
        return self.url is not None

    @asynccontextmanager
    async def raw(self) -> AsyncIterator[Any]:
        """A Redis client of the server itself, past our store; untyped, since what it answers is typed as anything."""
        assert self.url is not None
        client = Redis.from_url(self.url)
        try:
            yield client
        finally:
            await client.aclose()

    def kill(self) -> None:
        if self.embedded is not None:
            os.kill(self.embedded.pid, signal.SIGKILL)
        else:
            assert self.process is not None
            self.process.kill()
            self.process.wait()

    async def restart(self) -> None:
        assert self.directory is not None
        self.process = await start_debian(self.directory)


async def start_debian(directory: Path) -> "subprocess.Popen[bytes]":
    command = [DEBIAN, "--port", "0", "--unixsocket", str(directory / "s"), "--save", "", "--dir", str(directory)]
    process = await asyncio.to_thread(lambda: subprocess.Popen(command, stdout=subprocess.DEVNULL))
    await wait_until(lambda: _answers(f"unix://{directory}/s"))
    return process


async def _answers(url: str) -> bool:
    client = Redis.from_url(url)
    try:
        return bool(await client.ping())
    except RedisError:
        return False
    finally:
        await client.aclose()


async def wait_until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what no event tells us: another process's doing, or time."""
    async with asyncio.timeout(20):
        while not await condition():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.01)


async def wait_until_true(condition: Callable[[], bool]) -> None:
    async def holds() -> bool:
        return condition()

    await wait_until(holds)


@asynccontextmanager
async def open_backend(name: str) -> AsyncIterator[Backend]:
    clock = Clock()
    # Generous: no test here is about a slow server, and a busy machine is not a fault.
    limits: dict[str, Any] = {"connect_timeout": 10.0, "answer_timeout": 10.0}
    if name == "none":
        yield Backend(name, NoStore())
    elif name == "embedded":
        server = await start_embedded()
        store = RedisStore(server.url, "embedded", stop=server.stop, breaker=CircuitBreaker(clock), **limits)
        try:
            yield Backend(name, store, server.url, embedded=server, clock=clock)
        finally:
            await store.close()
    elif name == "address":
        url = os.environ[URL]
        store = RedisStore(url, breaker=CircuitBreaker(clock), **limits)
        try:
            yield Backend(name, store, url, clock=clock)
        finally:
            await store.close()
    else:
        if shutil.which(DEBIAN) is None:
            pytest.skip(f"{DEBIAN} is not installed")
        directory = Path(tempfile.mkdtemp(prefix="mt-"))
        url = f"unix://{directory}/s"
        backend = Backend(
            name, RedisStore(url, breaker=CircuitBreaker(clock), **limits), url, directory=directory, clock=clock
        )
        try:
            await backend.restart()
            yield backend
        finally:
            await backend.store.close()
            if backend.process is not None:
                backend.process.kill()
                backend.process.wait()
            shutil.rmtree(directory)

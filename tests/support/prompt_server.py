"""uvicorn in this process, without its pauses: it looks ten times a second whether it is to stop, and then waits.

async with listening(uvicorn.Config(app, log_level="warning"), listener): …

Many tests start a server of their own; a third of a second of each would be spent waiting.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

_PAUSE = 0.002
"""Seconds between two looks, of what uvicorn has no event for."""


class PromptServer(uvicorn.Server):
    """One that stops as soon as ``stop`` is called, its connections are closed and its requests are answered."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stop_called = asyncio.Event()

    def stop(self) -> None:
        """Take no more connections, answer what is under way, and end."""
        self.should_exit = True
        self._stop_called.set()

    async def main_loop(self) -> None:
        """Wait for ``stop``; the first look sets the headers of all answers."""
        if not await self.on_tick(0):
            await self._stop_called.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does, but for its pauses of a tenth of a second."""
        for each in (*self.servers, *(sockets or ())):
            each.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        try:
            async with asyncio.timeout(self.config.timeout_graceful_shutdown):
                while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110
                    await asyncio.sleep(_PAUSE)
        except TimeoutError:
            for task in self.server_state.tasks:
                task.cancel()
        await self.lifespan.shutdown()


@asynccontextmanager
async def listening(config: uvicorn.Config, listener: socket.socket | None = None) -> AsyncIterator[PromptServer]:
    """The server when it has started, at this socket or where its configuration says; it has ended afterwards.

    Raises RuntimeError where it does not start.
    """
    server = PromptServer(config)
    serving = asyncio.create_task(server.serve(sockets=[listener] if listener is not None else None))
    try:
        while not server.started:
            if serving.done():
                raise RuntimeError("the server ended instead of starting; its log says why")
            await asyncio.sleep(_PAUSE)
        yield server
    finally:
        server.stop()
        await serving

"""``serve``: GraphQL over HTTP until Ctrl-C."""

import asyncio
import errno
import gc
import logging
import math
import os
import socket
import sys

import uvicorn

from server.app import create_app
from server.catalog.catalog import configured_catalog
from server.executor.engine import Engine
from server.settings import Settings


def run(settings: Settings, host: str | None, port: int | None) -> int:
    """Serve.  1: the address cannot be listened on.  Raises MedtwinError where the start fails."""
    changed = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
    if changed:
        settings = settings.model_copy(update={"server": settings.server.model_copy(update=changed)})
    listener = _listen(settings.server.host, settings.server.port)
    if listener is None:
        return 1
    with listener:
        return asyncio.run(_serve(settings, listener))


async def _serve(settings: Settings, listener: socket.socket) -> int:
    # Opened here, not by uvicorn, so that a fault of the start is one line and no traceback.
    engine = await Engine.open(settings, configured_catalog(settings))

    async def opened() -> Engine:
        return engine

    # Catalog and modules live as long as the server: no collection of garbage, which holds all questions up, need walk
    # them.  Only before the first question: what was frozen of one would never be given back.
    gc.freeze()
    logging.getLogger("medtwin").setLevel(logging.INFO)
    app = create_app(settings, opened)
    # Whoever sends or reads slowly cannot keep the server from ending.
    ends = math.ceil(settings.server.deadline) + 1
    config = uvicorn.Config(
        app,
        # httptools, which uvicorn prefers where it happens to be installed, holds a head of any length in memory.
        http="h11",
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=ends,
    )
    server = uvicorn.Server(config)
    host, port = listener.getsockname()[:2]
    print(f"medtwin serves http://{f'[{host}]' if ':' in host else host}:{port}/graphql (Ctrl-C ends it)", flush=True)
    await server.serve(sockets=[listener])
    return 0 if server.started else 1


def _listen(host: str, port: int) -> socket.socket | None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # Made with its protocol named: asyncio sends small answers at once only over sockets that say they are TCP,
        # and each answer on a connection that is kept would else wait 40 ms for the client's acknowledgement.
        listener = socket.socket(family, kind, protocol)
        try:
            if os.name == "posix":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen()
        except OSError:
            listener.close()
            raise
        return listener
    except OSError as error:
        why = "is taken" if error.errno == errno.EADDRINUSE else "cannot be listened on"
        print(f"medtwin: port {port} on {host} {why}; give another by --port or MEDTWIN_SERVER__PORT", file=sys.stderr)
        return None

"""``serve``: GraphQL over HTTP until Ctrl-C."""

import asyncio
import errno
import gc
import logging
import math
import os
import socket
import sys
from urllib.parse import urlsplit

import uvicorn

from collectors.fetching.addresses import is_loopback
from server.app import create_app, open_ehrs, open_hook_clients, open_issuers
from server.app.connections import BACKLOG, KEEP_ALIVE_SECONDS, MOST_HEAD_BYTES, AcceptFaults, StoppingServer, limited
from server.catalog.catalog import configured_catalog
from server.errors import SettingsError
from server.executor.engine import Engine
from server.graphql.admission import WAIT
from server.settings import Settings

SWITCH_INTERVAL = 0.001
"""Seconds after which a thread that computes leaves the interpreter to the event loop, which may need it several times
for one answer; Python's own is five times as long."""


def run(settings: Settings, host: str | None, port: int | None) -> int:
    """Serve until Ctrl-C.  Returns the exit status: 0, or 1 if the address cannot be listened on.

    ``host`` and ``port`` override the settings.  Raises MedtwinError if the start fails.
    """
    changed = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
    if changed:
        settings = settings.model_copy(update={"server": settings.server.model_copy(update=changed)})
    _check_exposure(settings)
    listener = _listen(settings.server.host, settings.server.port)
    if listener is None:
        return 1
    with listener:
        return asyncio.run(_serve(settings, listener))


def _check_exposure(settings: Settings) -> None:
    """Raises SettingsError where others could reach a server that asks nobody who they are."""
    if settings.issuers or settings.server.allow_anonymous or settings.token_required:
        return
    host, public = settings.server.host, urlsplit(settings.server.public_url or "").hostname
    if not is_loopback(host):
        reached = f"server.host is {host}, which other machines can reach"
    elif public is not None and not is_loopback(public) and any(each.launch for each in settings.sources):
        # Whoever is launched comes through a proxy, and so may anybody else.
        reached = f"browsers of other machines are launched at server.public_url ({public})"
    else:
        return
    raise SettingsError(
        f"{reached}, and no issuer is configured: whoever reaches the server could ask about any patient\n"
        "configure [[issuers]] (docs/authorisation.md), or listen on 127.0.0.1; behind a proxy that lets only those "
        "pass who may see every patient, set server.allow_anonymous = true"
    )


async def _serve(settings: Settings, listener: socket.socket) -> int:
    # Opened here, not by uvicorn, so that a fault at the start is one line and no traceback.
    issuers, ehrs, hook_clients = open_issuers(settings), open_ehrs(settings), open_hook_clients(settings)
    engine = await Engine.open(settings, configured_catalog(settings))

    async def open_engine() -> Engine:
        return engine

    # Catalog and modules live as long as the server: garbage collection, which delays all requests, can skip them.
    # Never freeze while requests run: their garbage would never be collected.
    gc.freeze()
    sys.setswitchinterval(SWITCH_INTERVAL)
    logging.getLogger("medtwin").setLevel(logging.INFO)
    app = create_app(settings, open_engine, issuers, ehrs, hook_clients, freeze=True)
    asyncio.get_running_loop().set_exception_handler(AcceptFaults())
    # A client that sends or reads slowly cannot keep the server from stopping.
    # What is being answered has its time for waiting, fetching, computing and answering.
    shutdown_timeout = math.ceil(3 * settings.server.deadline + WAIT) + 1
    config = uvicorn.Config(
        app,
        # httptools, which uvicorn prefers if installed, buffers request heads of any length in memory.
        http=limited(settings.server.max_connections),
        ws="none",
        backlog=BACKLOG,
        h11_max_incomplete_event_size=MOST_HEAD_BYTES,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=shutdown_timeout,
    )
    server = StoppingServer(config)
    host, port = listener.getsockname()[:2]
    print(f"medtwin serves http://{f'[{host}]' if ':' in host else host}:{port}/graphql (Ctrl-C stops it)", flush=True)
    await server.serve(sockets=[listener])
    return 0 if server.started else 1


def _listen(host: str, port: int) -> socket.socket | None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # With its protocol named: asyncio disables Nagle's algorithm only on sockets that say they are TCP.  Otherwise
        # each response on a kept-alive connection would wait 40 ms for the client's acknowledgement.
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
        fault = "is in use" if error.errno == errno.EADDRINUSE else "cannot be listened on"
        print(
            f"medtwin: port {port} on {host} {fault}; set --port or MEDTWIN_SERVER__PORT",
            file=sys.stderr,
        )
        return None

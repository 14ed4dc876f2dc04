"""A connection to one source, for those who add or check it; no cache, no catalog."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from collectors.auth.ways import Caller, Ways
from collectors.errors import CredentialError
from collectors.fetching.client import Client
from collectors.fetching.clients import Clients
from collectors.fetching.transport import Transport
from collectors.settings import Source
from server.cli.token import caller_token
from server.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Connection:
    """Requests to one source as its settings authorise them."""

    source: Source
    transport: Transport
    client: Client


@asynccontextmanager
async def connected(source: Source) -> AsyncIterator[Connection]:
    """A connection; the caller's token, where the source wants one, comes from the environment.

    Raises SettingsError for keys or certificates that cannot be used, TokenRequiredError.
    """
    async with Clients() as clients:
        try:
            ways = Ways((source,), clients)
        except CredentialError as error:
            raise SettingsError(str(error)) from None
        access = ways.of(source, Caller(caller_token(), "caller"))
        transport = Transport(clients.of(source), source, asyncio.Semaphore(source.concurrency), access)
        yield Connection(source, transport, Client(source, transport))

"""A connection to one source, for those who add or check it, and a trial whether the source answers as authorised.

No cache, no catalog.  The trial is a search that finds nobody.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from collectors.auth.authorisations import Authorisations, Caller
from collectors.errors import CollectorError, CredentialError, SourceRefusedError, TokenRequiredError
from collectors.fetching.client import Client
from collectors.fetching.connections import HttpClients
from collectors.fetching.transport import Transport
from collectors.reading.readout import check_fhir_id
from collectors.settings import Source
from server.cli.arguments import caller_token
from server.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Connection:
    """Requests to one source as its settings authorise them."""

    source: Source
    transport: Transport
    client: Client


@asynccontextmanager
async def open_connection(source: Source) -> AsyncIterator[Connection]:
    """A connection; the caller's token, where the source wants one, comes from the environment.

    Raises SettingsError for keys or certificates that cannot be used, TokenRequiredError.
    """
    async with HttpClients() as clients:
        try:
            ways = Authorisations((source,), clients)
        except CredentialError as error:
            raise SettingsError(str(error)) from None
        access = ways.access_for(source, Caller(caller_token(), "caller"))
        transport = Transport(clients.client_for(source), source, asyncio.Semaphore(source.concurrency), access)
        yield Connection(source, transport, Client(source, transport))


NOBODY = "medtwin-tries-whether-it-may-ask"


@dataclass(frozen=True, slots=True)
class Trial:
    """``answers``: as it should; ``refused``: it wants another authorisation.  ``text`` says what was met."""

    answers: bool
    refused: bool
    text: str


async def try_source(connection: Connection, patient: str | None) -> Trial:
    """Searches for the patient, or for one that nobody is.  Nothing of what comes is kept or shown."""
    who = NOBODY if patient is None else check_fhir_id(patient)
    try:
        found = await connection.client.search("Patient", (("_id", who),))
    except TokenRequiredError as error:
        return Trial(False, True, str(error))
    except SourceRefusedError as error:
        return Trial(False, True, str(error))
    except CollectorError as error:
        return Trial(False, False, str(error))
    if patient is not None and not found.records:
        return Trial(False, False, "it answers, but holds no such patient, or shows none to us")
    return Trial(True, False, "it answers")

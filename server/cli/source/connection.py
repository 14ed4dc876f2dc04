"""A connection to one source, to add or check it, and a trial whether the source answers.

It uses no cache and no catalog.  The trial is a search for a patient.
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
    """Requests to one source, with the authorisation of its settings."""

    source: Source
    transport: Transport
    client: Client


@asynccontextmanager
async def open_connection(source: Source) -> AsyncIterator[Connection]:
    """A connection; the caller's token, if the source requires one, is read from the environment.

    Raises SettingsError for keys or certificates that cannot be used, and QuestionError for an invalid token.
    """
    async with HttpClients() as clients:
        try:
            authorisations = Authorisations((source,), clients)
        except CredentialError as error:
            raise SettingsError(str(error)) from None
        access = authorisations.access_for(source, Caller(caller_token(), "caller"))
        transport = Transport(clients.client_for(source), source, asyncio.Semaphore(source.concurrency), access)
        yield Connection(source, transport, Client(source, transport))


NOBODY = "medtwin-tries-whether-it-may-ask"


@dataclass(frozen=True, slots=True)
class Trial:
    """``answers``: the search succeeded; ``refused``: another authorisation is required.  ``text``: the outcome."""

    answers: bool
    refused: bool
    text: str


async def try_source(connection: Connection, patient: str | None) -> Trial:
    """Search for the patient, or for an id that does not exist.  The records are neither kept nor shown.

    Raises CollectorError for a text that cannot be a FHIR id.
    """
    patient_id = NOBODY if patient is None else check_fhir_id(patient)
    try:
        found = await connection.client.search("Patient", (("_id", patient_id),))
    except TokenRequiredError as error:
        return Trial(False, True, str(error))
    except SourceRefusedError as error:
        return Trial(False, True, str(error))
    except CollectorError as error:
        return Trial(False, False, str(error))
    if patient is not None and not found.records:
        return Trial(False, False, "it answers, but has no such patient, or does not permit access to it")
    return Trial(True, False, "it answers")

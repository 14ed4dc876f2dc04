"""Whether a source answers as it is authorised now: tried with a search that finds nobody."""

from dataclasses import dataclass

from collectors.errors import CollectorError, SourceRefusedError, TokenRequiredError
from collectors.fetching.search import checked_id
from server.cli.source.connection import Connection

NOBODY = "medtwin-tries-whether-it-may-ask"


@dataclass(frozen=True, slots=True)
class Tried:
    """``answers``: as it should; ``refused``: it wants another authorisation.  ``text`` says what was met."""

    answers: bool
    refused: bool
    text: str


async def try_source(connection: Connection, patient: str | None) -> Tried:
    """Searches for the patient, or for one that nobody is.  Nothing of what comes is kept or shown."""
    who = NOBODY if patient is None else checked_id(patient)
    try:
        found = await connection.client.search("Patient", (("_id", who),))
    except TokenRequiredError as error:
        return Tried(False, True, str(error))
    except SourceRefusedError as error:
        return Tried(False, True, str(error))
    except CollectorError as error:
        return Tried(False, False, str(error))
    if patient is not None and not found.records:
        return Tried(False, False, "it answers, but holds no such patient, or shows none to us")
    return Tried(True, False, "it answers")

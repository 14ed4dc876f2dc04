"""Opens the concept maps and the terminology server that the settings name."""

import asyncio
from collections.abc import Iterable

from collectors.auth.authorisations import NO_CALLER, Authorisations
from collectors.fetching.connections import HttpClients
from collectors.fetching.transport import Transport
from collectors.reading.codes import Translation
from collectors.settings import Source
from collectors.terminology.concept_map import combine_maps
from collectors.terminology.files import read_folders
from collectors.terminology.terminology import Terminology
from collectors.terminology.terminology_server import TerminologyServer
from collectors.terminology.value_set_library import ValueSetLibrary
from collectors.terminology.value_set_lookup import CachedTerminologyServer
from server.errors import SettingsError
from server.settings.endpoints import TerminologySettings


def open_terminology(
    settings: TerminologySettings | None, value_sets: ValueSetLibrary, sources: Iterable[Source], clients: HttpClients
) -> Terminology:
    """The terminology for searches: ConceptMaps of the sources' folders, value sets, and the server if configured.

    Raises SettingsError with a line for each fault in the folders, and CredentialError.
    """
    service = None
    if settings is not None:
        server = settings.source()
        access = Authorisations((server,), clients).access_for(server, NO_CALLER)
        transport = Transport(clients.client_for(server), server, asyncio.Semaphore(server.concurrency), access)
        service = CachedTerminologyServer(
            TerminologyServer(server.base_url, transport, server.page_size), settings.ttl.total_seconds()
        )
    return Terminology(read_translations(sources), value_sets, service)


def read_translations(sources: Iterable[Source]) -> dict[str, Translation]:
    """The translations of local codes, by source id, from the sources' folders.  Raises SettingsError (every fault)."""
    found: dict[str, Translation] = {}
    faults: list[str] = []
    for source in sources:
        if source.folder is None:
            continue
        files = read_folders([source.folder])
        found[source.id], wrong = combine_maps(files.maps)
        faults += [f"source {source.id}: {fault}" for fault in (*files.faults, *wrong)]
    if faults:
        raise SettingsError("\n".join(faults))
    return found

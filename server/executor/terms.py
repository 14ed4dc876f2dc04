"""The concept maps and the terminology server that the settings name."""

import asyncio
from collections.abc import Iterable

from collectors.auth.ways import NOBODY, Ways
from collectors.fetching.clients import Clients
from collectors.fetching.transport import Transport
from collectors.reading.translation import Translation
from collectors.settings import Source
from collectors.terminology.files import read_folders
from collectors.terminology.library import Library
from collectors.terminology.maps import translation
from collectors.terminology.remote import TerminologyServer
from collectors.terminology.service import TerminologyService
from collectors.terminology.terminology import Terminology
from server.errors import SettingsError
from server.settings.terminology import TerminologySettings


def open_terminology(
    settings: TerminologySettings | None, value_sets: Library, sources: Iterable[Source], clients: Clients
) -> Terminology:
    """What searches need of terminology.  Raises SettingsError with every fault in the sources' folders."""
    service = None
    if settings is not None:
        server = settings.source()
        access = Ways((server,), clients).of(server, NOBODY)
        transport = Transport(clients.of(server), server, asyncio.Semaphore(server.concurrency), access)
        service = TerminologyService(
            TerminologyServer(server.base_url, transport, server.page_size), settings.ttl.total_seconds()
        )
    return Terminology(translations(sources), value_sets, service)


def translations(sources: Iterable[Source]) -> dict[str, Translation]:
    """What the folders of the sources say of their local codes, by source id (SettingsError with every fault)."""
    found: dict[str, Translation] = {}
    faults: list[str] = []
    for source in sources:
        if source.folder is None:
            continue
        files = read_folders([source.folder])
        found[source.id], wrong = translation(files.maps)
        faults += [f"source {source.id}: {fault}" for fault in (*files.faults, *wrong)]
    if faults:
        raise SettingsError("\n".join(faults))
    return found

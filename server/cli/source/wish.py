"""What ``source add`` was told about a new source, and the settings that it makes."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError

from collectors.settings import Source
from server.cli.source.writing import Entry
from server.errors import SettingsError
from server.settings.source import SourceSettings

_LONGEST_ID = 32


@dataclass(frozen=True, slots=True)
class Wish:
    """The arguments; ``auth`` None: to be found out.  ``elements``: found to be safe."""

    url: str
    id: str | None = None
    patient: str | None = None
    auth: str | None = None
    client_id: str | None = None
    key_file: Path | None = None
    key_env: str | None = None
    token_url: str | None = None
    scope: str | None = None
    cert_file: Path | None = None
    tls_key_file: Path | None = None
    ca_file: Path | None = None
    allow_http: bool = False
    yes: bool = False
    unanswered: bool = False
    elements: bool = False

    def openly(self) -> "Wish":
        """The same without authorisation."""
        return replace(self, auth="none", client_id=None, key_file=None, key_env=None, token_url=None, scope=None)

    def entry(self) -> Entry:
        """The keys of the source, without those that have their default."""
        entry: dict[str, str | bool | int | dict[str, str]] = {
            "id": self.id or id_of(self.url),
            "base_url": self.url.rstrip("/"),
        }
        if self.allow_http:
            entry["allow_http"] = True
        if self.auth not in (None, "none"):
            entry["auth"] = str(self.auth)
        if self.elements:
            entry["elements"] = True
        for name, table in (("backend", self._backend()), ("tls", self._tls())):
            if table:
                entry[name] = table
        return entry

    def source(self, zone: str) -> Source:
        """The source as collectors want it.  Raises SettingsError with each fault."""
        try:
            return SourceSettings.model_validate(self.entry()).source(zone)
        except ValidationError as error:
            faults = (
                f"{'.'.join(map(str, e['loc']))}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()
            )
            raise SettingsError("\n".join(fault.removeprefix(": ") for fault in faults)) from None

    def _backend(self) -> dict[str, str]:
        given = {
            "client_id": self.client_id,
            "key_file": self.key_file and str(self.key_file.resolve()),
            "key_env": self.key_env,
            "token_url": self.token_url,
            "scope": self.scope,
        }
        return {name: text for name, text in given.items() if text}

    def _tls(self) -> dict[str, str]:
        files = {"cert_file": self.cert_file, "key_file": self.tls_key_file, "ca_file": self.ca_file}
        return {name: str(file.resolve()) for name, file in files.items() if file}


def id_of(url: str) -> str:
    """An id made of the host's name: ``https://fhir.hospital.example/r4`` is ``fhir-hospital-example``."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    return re.sub(r"[^a-z0-9]+", "-", host.lower()).strip("-")[:_LONGEST_ID].strip("-") or "ehr"

"""The options of ``source add``, the settings of a source made from them, and how these are written to the file.

The source is appended to the file: nothing else in it is changed.
"""

import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from pydantic import ValidationError

from collectors.settings import Source
from server.errors import SettingsError
from server.settings.endpoints import SourceSettings

SourceEntry: TypeAlias = Mapping[str, "str | bool | int | Mapping[str, str]"]
"""The settings of one source by key; a mapping becomes a table of its own (``[sources.backend]``)."""


def toml_block(entry: SourceEntry) -> str:
    """The source as a TOML table ``[[sources]]``."""
    plain = {key: value for key, value in entry.items() if not isinstance(value, Mapping)}
    tables = {key: value for key, value in entry.items() if isinstance(value, Mapping)}
    lines = ["[[sources]]", *(f"{key} = {_toml_value(value)}" for key, value in plain.items())]
    for key, table in tables.items():
        lines += ["", f"[sources.{key}]", *(f"{name} = {_toml_value(value)}" for name, value in table.items())]
    return "\n".join(lines) + "\n"


def append_source(before: str, entry: SourceEntry) -> str:
    """The text of the settings file with the source at its end.

    Raises SettingsError if the text is not TOML, has a source with this id, or lists its sources in a form to which
    none can be appended.
    """
    known = _parse_toml(before).get("sources", [])
    taken = [each for each in known if isinstance(each, dict)] if isinstance(known, list) else []
    if any(each.get("id") == entry["id"] for each in taken):
        raise SettingsError(f"sources: a source with the id {entry['id']} exists already; choose another with --id")
    after = (before.rstrip("\n") + "\n\n" if before.strip() else "") + toml_block(entry)
    try:
        sources = tomllib.loads(after)["sources"]
    except tomllib.TOMLDecodeError:
        raise SettingsError(
            "sources: none can be appended to an inline list of sources; write each as [[sources]]"
        ) from None
    if sources != [*taken, {key: dict(v) if isinstance(v, Mapping) else v for key, v in entry.items()}]:
        raise SettingsError("sources: the source cannot be appended to this file; add it by hand")
    return after


def replace_file(path: Path, text: str) -> None:
    """Write the file atomically: a reader sees the old text or the new one.  Raises SettingsError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
        draft.write_text(text, encoding="utf-8")
        draft.chmod(mode)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise SettingsError(f"the settings file {path} cannot be written: {error.strerror}") from None


def _parse_toml(text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"the settings file is not TOML: {error}") from None


def _toml_value(value: str | bool | int | Mapping[str, str]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    # A JSON string is a TOML string, except that TOML requires DEL to be escaped.
    return str(value) if isinstance(value, int) else json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


_MAX_ID_LENGTH = 32


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """The options of ``source add``.

    ``auth`` None: to be detected.  ``elements``: the source was seen to return complete records with ``_elements``.
    ``yes``: ask nothing; ``unanswered``: with it, write the source even if the trial failed.
    """

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

    def without_auth(self) -> "SourceOptions":
        """These options without authorisation."""
        return replace(self, auth="none", client_id=None, key_file=None, key_env=None, token_url=None, scope=None)

    def entry(self) -> SourceEntry:
        """The settings of the source, without those that have their default."""
        entry: dict[str, str | bool | int | dict[str, str]] = {
            "id": self.id or default_id(self.url),
            "base_url": self.url.rstrip("/"),
        }
        if self.allow_http:
            entry["allow_http"] = True
        if self.auth not in (None, "none"):
            entry["auth"] = str(self.auth)
        if self.elements:
            entry["elements"] = True
        for name, table in (("backend", self._backend_table()), ("tls", self._tls_table())):
            if table:
                entry[name] = table
        return entry

    def source(self, zone: str) -> Source:
        """The source for collectors; ``zone`` is the default time zone.

        Raises SettingsError, a line for each fault.
        """
        try:
            return SourceSettings.model_validate(self.entry()).source(zone)
        except ValidationError as error:
            faults = (
                f"{'.'.join(map(str, e['loc']))}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()
            )
            raise SettingsError("\n".join(fault.removeprefix(": ") for fault in faults)) from None

    def _backend_table(self) -> dict[str, str]:
        given = {
            "client_id": self.client_id,
            "key_file": self.key_file and str(self.key_file.resolve()),
            "key_env": self.key_env,
            "token_url": self.token_url,
            "scope": self.scope,
        }
        return {name: text for name, text in given.items() if text}

    def _tls_table(self) -> dict[str, str]:
        files = {"cert_file": self.cert_file, "key_file": self.tls_key_file, "ca_file": self.ca_file}
        return {name: str(file.resolve()) for name, file in files.items() if file}


def default_id(url: str) -> str:
    """An id from the host name: ``https://fhir.hospital.example/r4`` gives ``fhir-hospital-example``."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    return re.sub(r"[^a-z0-9]+", "-", host.lower()).strip("-")[:_MAX_ID_LENGTH].strip("-") or "ehr"

"""A new source, written at the end of a settings file: nothing else of the file is changed."""

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from server.errors import SettingsError

Entry: TypeAlias = Mapping[str, "str | bool | int | Mapping[str, str]"]
"""The keys of one source; a mapping becomes a table of its own (``[sources.backend]``)."""


def block(entry: Entry) -> str:
    """The source as TOML."""
    plain = {key: value for key, value in entry.items() if not isinstance(value, Mapping)}
    tables = {key: value for key, value in entry.items() if isinstance(value, Mapping)}
    lines = ["[[sources]]", *(f"{key} = {_value(value)}" for key, value in plain.items())]
    for key, table in tables.items():
        lines += ["", f"[sources.{key}]", *(f"{name} = {_value(value)}" for name, value in table.items())]
    return "\n".join(lines) + "\n"


def appended(before: str, entry: Entry) -> str:
    """The settings file with the source at its end.

    Raises SettingsError where the file is not TOML, has a source of this id, or lists its sources in a way to which
    nothing can be appended.
    """
    known = _read(before).get("sources", [])
    taken = [each for each in known if isinstance(each, dict)] if isinstance(known, list) else []
    if any(each.get("id") == entry["id"] for each in taken):
        raise SettingsError(f"sources: there is a source with the id {entry['id']} already; give another with --id")
    after = (before.rstrip("\n") + "\n\n" if before.strip() else "") + block(entry)
    try:
        sources = tomllib.loads(after)["sources"]
    except tomllib.TOMLDecodeError:
        raise SettingsError(
            "sources: the file lists its sources in brackets, to which none can be appended; write each as [[sources]]"
        ) from None
    if sources != [*taken, {key: dict(v) if isinstance(v, Mapping) else v for key, v in entry.items()}]:
        raise SettingsError("sources: the file would not say what was meant; add the source by hand")
    return after


def replace(path: Path, text: str) -> None:
    """Writes the file in one go: who reads it meanwhile sees the old one or the new one.  Raises SettingsError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
        draft.write_text(text, encoding="utf-8")
        draft.chmod(mode)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise SettingsError(f"the settings file {path} cannot be written: {error.strerror}") from None


def _read(text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"the settings file is not TOML: {error}") from None


def _value(value: str | bool | int | Mapping[str, str]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    # A JSON string is a TOML string but for DEL, which TOML wants escaped.
    return str(value) if isinstance(value, int) else json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

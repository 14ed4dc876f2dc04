"""``verify``: an exported argument, computed again here.  Nothing is fetched, and no cache is asked."""

import sys
from pathlib import Path

from server.catalog.configured import configured_catalog
from server.catalog.load import ROOT
from server.cli.given import read_given
from server.errors import ArgumentFileError, SettingsError
from server.executor.cache.keys import Keyring
from server.executor.environment import measure_environment
from server.explain.prov.parsing import form_of
from server.explain.replay.telling import json_text, lines
from server.explain.replay.verify import verify
from server.settings import Settings

NOT_UNDERSTOOD = 2
MOST_BYTES = 128 * 1024 * 1024
"""A larger file is not read."""


def run(settings: Settings, name: str, form: str) -> int:
    """Print what came out, as ``text`` or ``json``.

    0: all the same; 1: something differs, is missing or cannot be computed here; 2: the file is no exported argument.
    Raises MedtwinError where settings or catalog are wrong.
    """
    keys = _keys(settings)
    try:
        text = _read(name)
        found = verify(text, _form(name, text), configured_catalog(settings), measure_environment(ROOT), keys)
    except ArgumentFileError as error:
        print(f"medtwin: {error}", file=sys.stderr)
        return NOT_UNDERSTOOD
    if form == "json":
        print(json_text(found))
    else:
        print("\n".join(lines(found)))
    return int(not found.same)


def _keys(settings: Settings) -> Keyring:
    try:
        return Keyring.of(settings.cache.key_bytes())
    except ValueError as error:
        raise SettingsError(f"cache.{error}") from None


def _read(name: str) -> str:
    try:
        raw = read_given(name, MOST_BYTES)
    except OSError:
        raise ArgumentFileError("the file cannot be read; give one that can be, or - for standard input") from None
    if raw is None:
        raise ArgumentFileError(f"the file is larger than {MOST_BYTES // 1024 // 1024} MB; no argument is")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ArgumentFileError("the file is not UTF-8; export the argument again") from None


def _form(name: str, text: str) -> str:
    """By the content; the name decides where a bracket may begin either."""
    begins = text.lstrip()[:1]
    return "turtle" if begins == "[" and Path(name).suffix == ".ttl" else form_of(text)

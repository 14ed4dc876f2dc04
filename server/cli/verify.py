"""``verify``: an exported argument, computed again here.  Nothing is retrieved, and no cache is consulted."""

import sys
from pathlib import Path

from server.catalog.catalog import ROOT, configured_catalog
from server.cli.arguments import read_file_or_stdin
from server.errors import ArgumentFileError, SettingsError
from server.executor.cache.encryption import Keyring
from server.executor.fingerprint import measure_environment
from server.explain.prov.statements import guess_form
from server.settings import Settings
from server.verify.report import report_json, report_lines
from server.verify.verify import verify_file

NOT_UNDERSTOOD = 2
MOST_BYTES = 128 * 1024 * 1024
"""A larger file is not read."""


def run(settings: Settings, name: str, form: str) -> int:
    """Print what came out, as ``text`` or ``json``.

    0: all the same; 1: something differs, is missing or cannot be computed here; 2: the file is no exported argument.
    Raises MedtwinError where settings or catalog are wrong.
    """
    keys = _keyring(settings)
    try:
        text = _read_text(name)
        found = verify_file(
            text, _guess_form(name, text), configured_catalog(settings), measure_environment(ROOT), keys
        )
    except ArgumentFileError as error:
        print(f"medtwin: {error}", file=sys.stderr)
        return NOT_UNDERSTOOD
    if form == "json":
        print(report_json(found))
    else:
        print("\n".join(report_lines(found)))
    return int(not found.matches)


def _keyring(settings: Settings) -> Keyring:
    try:
        return Keyring.from_secret(settings.cache.key_bytes())
    except ValueError as error:
        raise SettingsError(f"cache.{error}") from None


def _read_text(name: str) -> str:
    try:
        raw = read_file_or_stdin(name, MOST_BYTES)
    except OSError:
        raise ArgumentFileError("the file cannot be read; give one that can be, or - for standard input") from None
    if raw is None:
        raise ArgumentFileError(f"the file is larger than {MOST_BYTES // 1024 // 1024} MB; no argument is")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ArgumentFileError("the file is not UTF-8; export the argument again") from None


def _guess_form(name: str, text: str) -> str:
    """By the content; the name decides where a bracket may begin either."""
    begins = text.lstrip()[:1]
    return "turtle" if begins == "[" and Path(name).suffix == ".ttl" else guess_form(text)

"""``verify``: computes an exported argument again.  Nothing is retrieved, and the cache is not used."""

import sys
from pathlib import Path

from server.catalog.catalog import ROOT, configured_catalog
from server.cli.arguments import read_file_or_stdin
from server.cli.terminal import print_text
from server.errors import ArgumentFileError, SettingsError
from server.executor.cache.encryption import Keyring
from server.executor.fingerprint import measure_environment
from server.explain.prov.statements import guess_form
from server.settings import Settings
from server.verify.report import report_json, report_lines
from server.verify.verify import verify_file

NOT_UNDERSTOOD = 2
MAX_BYTES = 128 * 1024 * 1024
"""Size limit of a file, in bytes."""


def run(settings: Settings, name: str, form: str) -> int:
    """Print the report, as ``text`` or ``json``.

    Returns the exit status: 0 no differences, 1 something differs, is missing or cannot be computed here, 2 the file is
    not an exported argument.  Raises SettingsError and CatalogError.
    """
    keys = _keyring(settings)
    try:
        text = _read_text(name)
        verification = verify_file(
            text, _guess_form(name, text), configured_catalog(settings), measure_environment(ROOT), keys
        )
    except ArgumentFileError as error:
        print_text(f"medtwin: {error}", file=sys.stderr)
        return NOT_UNDERSTOOD
    if form == "json":
        print(report_json(verification))
    else:
        print("\n".join(report_lines(verification)))
    return int(not verification.matches)


def _keyring(settings: Settings) -> Keyring:
    try:
        return Keyring.from_secret(settings.cache.key_bytes())
    except ValueError as error:
        raise SettingsError(f"cache.{error}") from None


def _read_text(name: str) -> str:
    try:
        raw = read_file_or_stdin(name, MAX_BYTES)
    except OSError:
        raise ArgumentFileError("the file cannot be read; name a readable file, or - for standard input") from None
    if raw is None:
        raise ArgumentFileError(f"the file is larger than {MAX_BYTES // 1024 // 1024} MB; no exported argument is")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ArgumentFileError("the file is not UTF-8; export the argument again") from None


def _guess_form(name: str, text: str) -> str:
    """By the content; the file name decides if it begins with a bracket, since both forms may."""
    begins = text.lstrip()[:1]
    return "turtle" if begins == "[" and Path(name).suffix == ".ttl" else guess_form(text)

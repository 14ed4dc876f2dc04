"""Reads the credential files that the settings name: keys and certificates.

Each fault is a CredentialError with the source, the setting and the reason, and no part of a key.
"""

import logging
import stat
from pathlib import Path

from collectors.errors import CredentialError
from collectors.settings import Source

log = logging.getLogger("medtwin.auth")

_LARGEST_FILE = 256 * 1024


def read_private_text(source: Source, setting: str, path: Path) -> str:
    """The text of a file that only its owner should be able to read; logs a warning where all users can.

    Raises CredentialError.
    """
    text = read_text(source, setting, path)
    if path.stat().st_mode & stat.S_IROTH:
        log.warning("source %s: %s can be read by everybody on this machine; chmod 600 it", source.id, setting)
    return text


def read_text(source: Source, setting: str, path: Path) -> str:
    """The text of a file that a setting names.  Raises CredentialError."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise credential_error(source, setting, f"is too large (more than {_LARGEST_FILE} bytes)")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise credential_error(source, setting, f"cannot be read ({type(error).__name__})") from None
    except UnicodeDecodeError:
        raise credential_error(source, setting, "is not text") from None


def credential_error(source: Source, setting: str, text: str) -> CredentialError:
    """The error about a credential of a source: ``text`` says what is wrong with what the setting names."""
    return CredentialError(f"source {source.id}: {setting}: {text}")

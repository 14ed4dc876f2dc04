"""Credentials as settings name them: keys in files or the environment, certificates in files.

Each fault is a CredentialError with the source, the setting and what is wrong, and nothing out of a key.
"""

import logging
import ssl
import stat
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from collectors.errors import CredentialError
from collectors.settings import Source

if TYPE_CHECKING:
    from collectors.auth.keys import SigningKey
    from collectors.auth.registration import Registration

log = logging.getLogger("medtwin.auth")

_MOST = 256 * 1024


def read_registration(source: Source, environ: Mapping[str, str]) -> "Registration":
    """How we are registered for a source with ``auth = "backend"``, its key read.  Raises CredentialError."""
    # Signing is imported where a source wants it: few do, and it is a tenth of a second of every start.
    from collectors.auth.registration import Registration

    backend = source.backend
    if backend is None:
        raise CredentialError(f'source {source.id}: auth = "backend" needs backend.client_id and a key')
    if backend.key_file is not None:
        setting, text = "backend.key_file", _private_text(source, "backend.key_file", backend.key_file)
    else:
        setting, text = "backend.key_env", environ.get(backend.key_env or "", "")
        if not text:
            raise CredentialError(f"source {source.id}: {setting}: the environment variable that it names is not set")
    key = _key(source, setting, text, backend.key_id)
    return Registration(backend.client_id, key, backend.scope, backend.token_url, backend.jwks_url)


def tls_context(source: Source) -> ssl.SSLContext | None:
    """What a source's own certificates come to; None where it has none and the public authorities are trusted.

    With ``ca_file`` only what that file holds is trusted.  Raises CredentialError.
    """
    tls = source.tls
    if tls is None or (tls.cert_file is None and tls.ca_file is None):
        return None
    if tls.ca_file is None:
        context = httpx.create_ssl_context(trust_env=False)
    else:
        _text(source, "tls.ca_file", tls.ca_file)
        try:
            context = ssl.create_default_context(cafile=tls.ca_file)
        except (ssl.SSLError, OSError):
            raise _fault(source, "tls.ca_file", "holds no certificates in PEM form") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.cert_file is not None:
        _text(source, "tls.cert_file", tls.cert_file)
        if tls.key_file is not None:
            _private_text(source, "tls.key_file", tls.key_file)
        try:
            # A passphrase would be asked for at the terminal.
            context.load_cert_chain(tls.cert_file, tls.key_file, password=_no_passphrase)
        except CredentialError:
            raise _fault(source, "tls.key_file", "is encrypted with a passphrase; give it without one") from None
        except (ssl.SSLError, OSError):
            text = "certificate and key (tls.key_file) cannot be read as PEM, or do not belong together"
            raise _fault(source, "tls.cert_file", text) from None
        _warn_of_expiry(source, tls.cert_file)
    return context


def _warn_of_expiry(source: Source, path: Path) -> None:
    """Of a certificate that is over a source tells nothing: it breaks off the connection."""
    from cryptography.x509 import load_pem_x509_certificate

    try:
        until = load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    except (ValueError, OSError):
        return
    if until < datetime.now(UTC):
        log.warning("source %s: tls.cert_file: our certificate has expired; renew it", source.id)


def _no_passphrase() -> str:
    raise CredentialError("encrypted")


def _key(source: Source, setting: str, text: str, kid: str | None) -> "SigningKey":
    from collectors.auth.keys import read_key

    try:
        return read_key(text, kid)
    except CredentialError as error:
        raise _fault(source, setting, str(error)) from None


def _private_text(source: Source, setting: str, path: Path) -> str:
    """The text of a file that only its owner should be able to read."""
    text = _text(source, setting, path)
    if path.stat().st_mode & stat.S_IROTH:
        log.warning("source %s: %s can be read by everybody on this machine; chmod 600 it", source.id, setting)
    return text


def _text(source: Source, setting: str, path: Path) -> str:
    try:
        if path.stat().st_size > _MOST:
            raise _fault(source, setting, "is too large for what it should hold")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise _fault(source, setting, f"cannot be read ({type(error).__name__})") from None
    except UnicodeDecodeError:
        raise _fault(source, setting, "is not text") from None


def _fault(source: Source, setting: str, text: str) -> CredentialError:
    return CredentialError(f"source {source.id}: {setting}: {text}")

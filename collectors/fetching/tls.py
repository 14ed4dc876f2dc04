"""How connections to a source are secured: by our certificate, and by the authority that theirs is from."""

import logging
import ssl
from datetime import UTC, datetime
from pathlib import Path

import httpx

from collectors.credentials import credential_fault, file_text, private_text
from collectors.errors import CredentialError
from collectors.settings import Source

log = logging.getLogger("medtwin.auth")


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
        file_text(source, "tls.ca_file", tls.ca_file)
        try:
            context = ssl.create_default_context(cafile=tls.ca_file)
        except (ssl.SSLError, OSError):
            raise credential_fault(source, "tls.ca_file", "holds no certificates in PEM form") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.cert_file is not None:
        file_text(source, "tls.cert_file", tls.cert_file)
        if tls.key_file is not None:
            private_text(source, "tls.key_file", tls.key_file)
        try:
            # A passphrase would be asked for at the terminal.
            context.load_cert_chain(tls.cert_file, tls.key_file, password=_no_passphrase)
        except CredentialError:
            raise credential_fault(
                source, "tls.key_file", "is encrypted with a passphrase; give it without one"
            ) from None
        except (ssl.SSLError, OSError):
            text = "certificate and key (tls.key_file) cannot be read as PEM, or do not belong together"
            raise credential_fault(source, "tls.cert_file", text) from None
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

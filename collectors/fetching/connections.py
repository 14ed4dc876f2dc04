"""Connections to the sources: pooled HTTP clients, TLS with our certificates, and why a certificate was refused.

Connections are shared by all questions.  A source with certificates of its own has a client of its own: connections
made with our certificate for one source are used for no other.  Cookies are never stored: a session that a source opens
for one caller would be sent with the requests of another.
"""

import logging
import ssl
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Self

import httpx

from collectors.credentials import credential_error, read_private_text, read_text
from collectors.errors import CredentialError
from collectors.settings import Source, Tls

_SERVER_CERTIFICATE_REASONS = {
    9: "is not valid yet; compare the clocks",
    10: "has expired; its operator must renew it",
    18: "is self-signed and not trusted here; check tls.ca_file",
    19: "is from an authority that is not trusted here; check tls.ca_file",
    20: "is from an authority that is not trusted here; check tls.ca_file",
    21: "is from an authority that is not trusted here; check tls.ca_file",
    62: "is for another host; check base_url",
    64: "is for another host; check base_url",
}
"""What OpenSSL's verify codes mean to an operator."""
_CLIENT_CERTIFICATE_ALERTS = ("CERTIFICATE", "UNKNOWN_CA", "HANDSHAKE_FAILURE", "ACCESS_DENIED")


def describe_certificate_error(error: BaseException) -> str | None:
    """What is wrong with whose certificate, in words that hold nothing of either; None where it is something else."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = _SERVER_CERTIFICATE_REASONS.get(cause.verify_code, "is not accepted here")
            return f"its certificate, or its authority's, {why}"
        reason = (cause.reason or "") if isinstance(cause, ssl.SSLError) else ""
        if "ALERT" in reason and any(word in reason for word in _CLIENT_CERTIFICATE_ALERTS):
            return "it does not accept our certificate, or requires one; check tls.cert_file"
        cause = cause.__cause__ or cause.__context__
    return None


log = logging.getLogger("medtwin.auth")


def tls_context(source: Source) -> ssl.SSLContext | None:
    """The TLS context for a source's own certificates; None where it has none and the public authorities are trusted.

    With ``ca_file`` only what that file holds is trusted.  Raises CredentialError.
    """
    tls = source.tls
    if tls is None or (tls.cert_file is None and tls.ca_file is None):
        return None
    if tls.ca_file is None:
        context = httpx.create_ssl_context(trust_env=False)
    else:
        read_text(source, "tls.ca_file", tls.ca_file)
        try:
            context = ssl.create_default_context(cafile=tls.ca_file)
        except (ssl.SSLError, OSError):
            raise credential_error(source, "tls.ca_file", "holds no certificates in PEM form") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.cert_file is not None:
        read_text(source, "tls.cert_file", tls.cert_file)
        if tls.key_file is not None:
            read_private_text(source, "tls.key_file", tls.key_file)
        try:
            # A passphrase would be asked for at the terminal.
            context.load_cert_chain(tls.cert_file, tls.key_file, password=_no_passphrase)
        except CredentialError:
            raise credential_error(
                source, "tls.key_file", "is encrypted with a passphrase; give it without one"
            ) from None
        except (ssl.SSLError, OSError):
            text = "certificate and key (tls.key_file) cannot be read as PEM, or do not belong together"
            raise credential_error(source, "tls.cert_file", text) from None
        _warn_if_expired(source, tls.cert_file)
    return context


def _warn_if_expired(source: Source, path: Path) -> None:
    """A source does not say that our certificate has expired: it breaks off the connection."""
    from cryptography.x509 import load_pem_x509_certificate

    try:
        until = load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    except (ValueError, OSError):
        return
    if until < datetime.now(UTC):
        log.warning("source %s: tls.cert_file: our certificate has expired; renew it", source.id)


def _no_passphrase() -> str:
    raise CredentialError("encrypted")


# Connections are bounded source by source, by the requests that each may have under way; a limit of the pool would
# let one slow source keep another waiting.
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=30.0)


class HttpClients:
    """The client for each source.  ``shared`` is used for all of them where it is given (tests put faults there)."""

    def __init__(self, shared: httpx.AsyncClient | None = None) -> None:
        self._shared = shared
        self._pooled: dict[tuple[Tls | None, bool], httpx.AsyncClient] = {}

    def client_for(self, source: Source) -> httpx.AsyncClient:
        """The client for requests to this source.  Raises CredentialError where its certificates cannot be used."""
        if self._shared is not None:
            return self._shared
        key = (source.tls, source.http2)
        client = self._pooled.get(key)
        if client is None:
            context = tls_context(source)
            client = self._pooled[key] = httpx.AsyncClient(
                follow_redirects=False,
                trust_env=False,
                http2=source.http2,
                limits=_LIMITS,
                verify=True if context is None else context,
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            )
        return client

    async def aclose(self) -> None:
        """Gives back all connections."""
        for client in (self._shared, *self._pooled.values()):
            if client is not None:
                await client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

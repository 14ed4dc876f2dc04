"""An authority, certificates from it, and a server over TLS that asks for one."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from starlette.applications import Starlette

from tests.support.authorisation_server import Private, pem
from tests.support.prompt_server import listening

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Authority:
    """Signs certificates; ``file`` is what is trusted."""

    name: x509.Name
    key: ec.EllipticCurvePrivateKey
    file: Path


def authority(folder: Path, name: str = "ca", until: timedelta = DAY) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name)
    basic = x509.BasicConstraints(ca=True, path_length=0)
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    built = _builder(subject, subject, key, until).add_extension(basic, True).add_extension(usage, True)
    identified = built.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    return Authority(subject, key, _written(folder / f"{name}.pem", identified.sign(key, SHA256())))


def issue_certificate(
    by: Authority, folder: Path, name: str, until: timedelta = DAY, host: str = "127.0.0.1"
) -> tuple[Path, Path]:
    """Certificate and key for 127.0.0.1 (or another ``host``), signed by the authority, until so long from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    here = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(host))])
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key())
    built = _builder(_name(name), by.name, key, until).add_extension(here, False).add_extension(issuer, False)
    certificate = _written(folder / f"{name}-cert.pem", built.sign(by.key, SHA256()))
    private = folder / f"{name}-key.pem"
    private.write_text(pem(key))
    private.chmod(0o600)
    return certificate, private


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(subject: x509.Name, issuer: x509.Name, key: Private, until: timedelta) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
    return made.not_valid_before(now - 3 * DAY).not_valid_after(now + until)


def _written(path: Path, certificate: x509.Certificate) -> Path:
    path.write_bytes(certificate.public_bytes(Encoding.PEM))
    return path


@asynccontextmanager
async def serve_over_tls(
    app: Starlette, certificate: tuple[Path, Path], clients: Authority | None = None
) -> AsyncIterator[str]:
    """The address of a server on loopback; it turns away who has no certificate from ``clients``."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        log_level="critical",
        ssl_certfile=str(certificate[0]),
        ssl_keyfile=str(certificate[1]),
        ssl_ca_certs=str(clients.file) if clients is not None else None,
        ssl_cert_reqs=ssl.CERT_NONE if clients is None else ssl.CERT_REQUIRED,
        timeout_graceful_shutdown=1,
    )
    async with listening(config) as server:
        yield f"https://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"

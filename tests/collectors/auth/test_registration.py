"""Keys and certificates from where the settings name them, and what is said of one that cannot be used."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from collectors.auth.registration import read_registration
from collectors.errors import CredentialError
from collectors.fetching.connections import tls_context
from collectors.settings import Backend, Source, Tls
from tests.support.authorisation_server import SOURCE, ec_key, pem, rsa_key
from tests.support.certificates import authority, issue_certificate


def of(**backend: Any) -> Source:
    return replace(SOURCE, backend=Backend("medtwin-client", **backend))


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "key"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_a_key_from_a_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    given = of(
        key_file=written(tmp_path, pem(ec_key())), key_id="k", token_url="https://a.example/t", scope="system/*.read"
    )
    registration = read_registration(given, {})
    assert (registration.client_id, registration.token_url) == ("medtwin-client", "https://a.example/t")
    assert (registration.scope, registration.jku) == ("system/*.read", None)
    assert (registration.key.algorithm, registration.key.kid) == ("ES384", "k")
    assert not caplog.records


@pytest.mark.parametrize("text", [pem(rsa_key()), pem(rsa_key()).replace("\n", "\\n")])
def test_a_key_from_the_environment(text: str) -> None:
    assert read_registration(of(key_env="EHR_KEY"), {"EHR_KEY": text}).key.algorithm == "RS384"


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o604, True), (0o644, True)])
def test_a_key_that_everybody_can_read_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int, warned: bool
) -> None:
    """SMART-295."""
    with caplog.at_level(logging.WARNING, "medtwin.auth"):
        read_registration(of(key_file=written(tmp_path, pem(ec_key()), mode)), {})
    assert ("source ehr: backend.key_file can be read by everybody" in caplog.text) is warned
    assert str(tmp_path) not in caplog.text


def test_registrations_that_cannot_be_read(tmp_path: Path) -> None:
    """SMART-229."""
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    (tmp_path / "large").write_text(" " * 300_000)
    cases = [
        (replace(SOURCE, backend=None), "needs backend.client_id and a key"),
        (of(key_env="EHR_KEY"), "backend.key_env: the environment variable that it names is not set"),
        (of(key_file=tmp_path / "none"), r"backend.key_file: cannot be read \(FileNotFoundError\)"),
        (of(key_file=tmp_path), r"backend.key_file: cannot be read \(IsADirectoryError\)"),
        (of(key_file=tmp_path / "bytes"), "backend.key_file: is not text"),
        (of(key_file=tmp_path / "large"), "backend.key_file: is too large"),
        (of(key_file=written(tmp_path, pem(rsa_key(1024)))), "backend.key_file: is an RSA key of 1024 bits"),
    ]
    for source, says in cases:
        with pytest.raises(CredentialError, match=f"^source ehr: .*{says}"):
            read_registration(source, {})


def test_certificates_that_cannot_be_used(tmp_path: Path) -> None:
    ca = authority(tmp_path)
    cert, key = issue_certificate(ca, tmp_path, "client")
    _, other = issue_certificate(ca, tmp_path, "other")
    sealed = tmp_path / "sealed.pem"
    sealed.write_text(pem(rsa_key(), b"passphrase"))
    sealed.chmod(0o600)
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("no certificate")
    cases = [
        (Tls(cert, other), "tls.cert_file: certificate and key .* do not belong together"),
        (Tls(cert, None), "tls.cert_file: certificate and key .* cannot be read as PEM"),
        (Tls(nothing, key), "tls.cert_file: certificate and key"),
        (Tls(cert, sealed), "tls.key_file: is encrypted with a passphrase"),
        (Tls(tmp_path / "none", key), r"tls.cert_file: cannot be read \(FileNotFoundError\)"),
        (Tls(cert, tmp_path / "none"), r"tls.key_file: cannot be read \(FileNotFoundError\)"),
        (Tls(ca_file=nothing), "tls.ca_file: holds no certificates"),
        (Tls(ca_file=tmp_path / "none"), r"tls.ca_file: cannot be read \(FileNotFoundError\)"),
    ]
    for tls, says in cases:
        with pytest.raises(CredentialError, match=f"^source ehr: {says}"):
            tls_context(replace(SOURCE, tls=tls))


@pytest.mark.parametrize("tls", [None, Tls()])
def test_a_source_without_certificates_of_its_own_has_no_context(tls: Tls | None) -> None:
    assert tls_context(replace(SOURCE, tls=tls)) is None

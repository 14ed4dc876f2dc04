"""The settings by which we authorise at a source.  They hold no credential, only where each is to be found."""

import re
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from collectors.fetching.addresses import is_loopback, may_receive_credentials
from server.settings.validation import Section

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# RFC 6749, 3.3
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*")
_NO_KEY_HERE = "a key is never written into the settings; name the file or the environment variable that holds it"


class BackendSettings(Section):
    """SMART Backend Services: who we are there; the private key is in a file or the environment."""

    client_id: str = Field(min_length=1, max_length=512)
    key_file: Path | None = None
    key_env: str | None = None
    key_id: str | None = Field(default=None, min_length=1)
    token_url: str | None = None
    jwks_url: str | None = None
    scope: str = "system/*.rs"

    @field_validator("key_file")
    @classmethod
    def _check_key_file(cls, key_file: Path | None) -> Path | None:
        return _check_file_name(key_file)

    @field_validator("key_env")
    @classmethod
    def _check_key_variable(cls, key_env: str | None) -> str | None:
        if key_env is None:
            return None
        if "-----BEGIN" in key_env or "{" in key_env:
            raise ValueError(_NO_KEY_HERE)
        if _VARIABLE.fullmatch(key_env) is None:
            raise ValueError("must be the name of an environment variable")
        if key_env.upper().startswith("MEDTWIN_"):
            raise ValueError("must be a variable of another name: those that begin with MEDTWIN_ are settings")
        return key_env

    @field_validator("token_url", "jwks_url")
    @classmethod
    def _check_urls(cls, url: str | None) -> str | None:
        if url is not None and not may_receive_credentials(url):
            raise ValueError("must be an absolute https URL (plain http only on loopback), without user and fragment")
        return url

    @field_validator("scope")
    @classmethod
    def _check_scopes(cls, scope: str) -> str:
        if _SCOPE.fullmatch(scope) is None:
            raise ValueError("must be scopes parted by single blanks, such as system/*.rs or system/*.read")
        return scope

    @model_validator(mode="after")
    def _check_one_key(self) -> Self:
        if (self.key_file is None) == (self.key_env is None):
            raise ValueError("give key_file or key_env, one of them")
        return self


class TlsSettings(Section):
    """PEM files: our certificate and its key, and the authority that the source's certificate is from."""

    cert_file: Path | None = None
    key_file: Path | None = None
    ca_file: Path | None = None

    @field_validator("cert_file", "key_file", "ca_file")
    @classmethod
    def _check_files(cls, file: Path | None) -> Path | None:
        return _check_file_name(file)

    @model_validator(mode="after")
    def _check_combination(self) -> Self:
        if self.key_file is not None and self.cert_file is None:
            raise ValueError("key_file is of use with cert_file only")
        if self.cert_file is None and self.ca_file is None:
            raise ValueError("give cert_file, or ca_file, or both")
        return self


def _check_file_name(file: Path | None) -> Path | None:
    if file is not None and ("-----BEGIN" in str(file) or str(file).lstrip().startswith("{")):
        raise ValueError(_NO_KEY_HERE)
    return file


def check_authorisation(base_url: str, auth: str, backend: BackendSettings | None, tls: TlsSettings | None) -> None:
    """ValueError where the way of authorising does not fit the address, or lacks what it needs."""
    parts = urlsplit(base_url)
    plain = parts.scheme == "http"
    if auth == "backend" and backend is None:
        raise ValueError('auth = "backend" needs backend.client_id, and backend.key_file or backend.key_env')
    if auth != "backend" and backend is not None:
        raise ValueError('backend is of use with auth = "backend" only')
    if auth != "none" and plain and not is_loopback(parts.hostname or ""):
        raise ValueError(f'auth = "{auth}" needs https, also with allow_http: a token would be read on the way')
    if tls is not None and plain:
        raise ValueError("tls is of use with https only")

"""The settings for authorisation at a source.  They contain no credential, only where each is found."""

import re
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from collectors.fetching.addresses import is_loopback, may_receive_credentials
from server.settings.validation import Section

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# RFC 6749, 3.3
SCOPES = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*")
_NO_KEY_HERE = "a key must not be in the settings; name the file or the environment variable that holds it"


class BackendSettings(Section):
    """SMART Backend Services: the client registered at the source; its private key is in a file or the environment."""

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
        return check_file_name(key_file)

    @field_validator("key_env")
    @classmethod
    def _check_key_variable(cls, key_env: str | None) -> str | None:
        return check_variable(key_env)

    @field_validator("token_url", "jwks_url")
    @classmethod
    def _check_urls(cls, url: str | None) -> str | None:
        if url is not None and not may_receive_credentials(url):
            raise ValueError("must be an absolute https URL (plain http only on loopback), without user and fragment")
        return url

    @field_validator("scope")
    @classmethod
    def _check_scopes(cls, scope: str) -> str:
        if SCOPES.fullmatch(scope) is None:
            raise ValueError("must be scopes separated by single spaces, such as system/*.rs or system/*.read")
        return scope

    @model_validator(mode="after")
    def _check_one_key(self) -> Self:
        if (self.key_file is None) == (self.key_env is None):
            raise ValueError("exactly one of key_file and key_env is required")
        return self


class TlsSettings(Section):
    """PEM files: the client certificate and its key, and the certificate authority of the source."""

    cert_file: Path | None = None
    key_file: Path | None = None
    ca_file: Path | None = None

    @field_validator("cert_file", "key_file", "ca_file")
    @classmethod
    def _check_files(cls, file: Path | None) -> Path | None:
        return check_file_name(file)

    @model_validator(mode="after")
    def _check_combination(self) -> Self:
        if self.key_file is not None and self.cert_file is None:
            raise ValueError("key_file requires cert_file")
        if self.cert_file is None and self.ca_file is None:
            raise ValueError("cert_file or ca_file is required")
        return self


def check_file_name(file: Path | None) -> Path | None:
    """The file that holds a key.  Raises ValueError where the key itself was written."""
    if file is not None and ("-----BEGIN" in str(file) or str(file).lstrip().startswith("{")):
        raise ValueError(_NO_KEY_HERE)
    return file


def check_variable(name: str | None) -> str | None:
    """The name of an environment variable that holds a credential.  Raises ValueError for anything else."""
    if name is None:
        return None
    if "-----BEGIN" in name or "{" in name:
        raise ValueError(_NO_KEY_HERE)
    if _VARIABLE.fullmatch(name) is None:
        raise ValueError("must be the name of an environment variable")
    if name.upper().startswith("MEDTWIN_"):
        raise ValueError("must not begin with MEDTWIN_: such variables are settings")
    return name


def check_authorisation(base_url: str, auth: str, backend: BackendSettings | None, tls: TlsSettings | None) -> None:
    """Raises ValueError if the authorisation is incomplete, or not allowed for this address."""
    parts = urlsplit(base_url)
    plain = parts.scheme == "http"
    if auth == "backend" and backend is None:
        raise ValueError('auth = "backend" requires backend.client_id, and backend.key_file or backend.key_env')
    if auth != "backend" and backend is not None:
        raise ValueError('backend requires auth = "backend"')
    if auth != "none" and plain and not is_loopback(parts.hostname or ""):
        raise ValueError(f'auth = "{auth}" requires https, even with allow_http: a token could be intercepted')
    if tls is not None and plain:
        raise ValueError("tls requires https")

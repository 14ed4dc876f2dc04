"""Our client at the authorisation server of a source: how it identifies itself, and the tokens that it is given.

It is public, or confidential by a private key (``private_key_jwt``) or a secret (HTTP Basic).  No error contains any
part of a token, a code or an answer.
"""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

from collectors.auth.authorisations import is_token
from collectors.auth.registration import Registration, sign_assertion
from collectors.auth.signing_key import read_key
from collectors.credentials import credential_error, read_private_text
from collectors.errors import CredentialError
from collectors.reading.readout import FHIR_ID
from collectors.settings import Source
from server.access.bounded_http import BoundedHttp, IssuerUnavailableError
from server.errors import SettingsError
from server.launch.discovery import AuthorisationServer
from server.settings import SourceLaunchSettings

UNSTATED_LIFETIME = 300.0
"""Seconds for which an access token is used whose lifetime is not stated."""
LONGEST_LIFETIME = 24 * 3600.0
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_NO_SCOPE = "its answer does not state what was granted (scope)"
_REFUSALS = (400, 401, 403)
_OPAQUE = re.compile(r"[\x21-\x7e]{1,16384}")


class TokenRefusedError(Exception):
    """The token endpoint refuses what we sent, or what it gives cannot be used; the text says why.

    ``access`` and ``refresh`` are what it gave nevertheless, to be given back.
    """

    def __init__(self, text: str, access: str | None = None, refresh: str | None = None) -> None:
        super().__init__(text)
        self.access = access
        self.refresh = refresh


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint gave.  ``lifetime``: seconds of the access token.  ``patient``: a FHIR id.

    ``scope``: what was granted; None where a refresh does not repeat it.  ``app_context``: what the link of a card
    (CDS Hooks) gave to the launch, as it came; None where there was none.
    """

    access: str = field(repr=False)
    lifetime: float
    scope: str | None
    patient: str | None = field(repr=False)
    refresh: str | None = field(repr=False)
    identity: str | None = field(repr=False)
    app_context: str | None = field(default=None, repr=False)


class LaunchClient:
    """Our client of one source.  Reads its key or secret on construction (SettingsError)."""

    def __init__(
        self, source: Source, launch: SourceLaunchSettings, http: BoundedHttp, environ: Mapping[str, str]
    ) -> None:
        self.client_id = launch.client_id
        self._http = http
        try:
            self._credential = _read_credential(source, launch, environ)
        except CredentialError as error:
            raise SettingsError(str(error)) from None

    async def exchange(
        self, server: AuthorisationServer, code: str, redirect_uri: str, verifier: str, now: float
    ) -> Tokens:
        """The tokens for a code.  Raises TokenRefusedError, IssuerUnavailableError."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        tokens = await self._request(server, {**form, "code_verifier": verifier}, now)
        if tokens.scope is None:
            raise TokenRefusedError(_NO_SCOPE, tokens.access, tokens.refresh)
        return tokens

    async def refresh(self, server: AuthorisationServer, token: str, now: float) -> Tokens:
        """New tokens for a refresh token, for what was granted.  Raises TokenRefusedError, IssuerUnavailableError."""
        return await self._request(server, {"grant_type": "refresh_token", "refresh_token": token}, now)

    async def revoke(self, server: AuthorisationServer, token: str, kind: str, now: float) -> None:
        """Give a token back (RFC 7009), where the server takes it; ``kind``: access_token or refresh_token.

        Raises IssuerUnavailableError.
        """
        if server.revocation_url is not None:
            form, headers = self._identified({"token": token, "token_type_hint": kind}, server, now)
            await self._http.send_form(server.revocation_url, form, headers)

    async def _request(self, server: AuthorisationServer, form: dict[str, str], now: float) -> Tokens:
        sent, headers = self._identified(form, server, now)
        try:
            answer = await self._http.post_form(server.token_url, sent, headers)
        except IssuerUnavailableError as error:
            if error.status in _REFUSALS:
                raise TokenRefusedError(f"its token endpoint refuses the request ({error.status})") from None
            raise
        return read_tokens(answer)

    def _identified(
        self, form: dict[str, str], server: AuthorisationServer, now: float
    ) -> tuple[dict[str, str], dict[str, str]]:
        """The form and the headers by which the server knows who asks."""
        if isinstance(self._credential, Registration):
            assertion = sign_assertion(self._credential, server.token_url, now)
            return {**form, "client_assertion_type": _ASSERTION_TYPE, "client_assertion": assertion}, {}
        if self._credential is None:
            return {**form, "client_id": self.client_id}, {}
        return form, {"Authorization": self._credential}


def read_tokens(answer: Mapping[str, Any]) -> Tokens:
    """The tokens in an answer.  Raises TokenRefusedError where one that is there cannot be used."""
    given = _text(answer, "access_token", is_token), _text(answer, "refresh_token", _is_opaque)
    access, refresh = given
    kind, patient, scope = answer.get("token_type"), answer.get("patient"), answer.get("scope")
    context = answer.get("appContext")
    if access is None:
        raise TokenRefusedError("its answer holds no access token that can be sent", *given)
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise TokenRefusedError("its token is no bearer token", *given)
    if patient is not None and (not isinstance(patient, str) or FHIR_ID.fullmatch(patient) is None):
        raise TokenRefusedError("the patient that it names is no FHIR id", *given)
    if scope is not None and not isinstance(scope, str):
        raise TokenRefusedError(_NO_SCOPE, *given)
    for name, words in (("refresh_token", "refresh token"), ("id_token", "id token")):
        if answer.get(name) is not None and _text(answer, name, _is_opaque) is None:
            raise TokenRefusedError(f"its {words} cannot be read", *given)
    lifetime = _lifetime(answer.get("expires_in"))
    if lifetime is None:
        raise TokenRefusedError("the lifetime of its token (expires_in) cannot be read", *given)
    return Tokens(
        access,
        lifetime,
        scope,
        patient,
        refresh,
        identity=_text(answer, "id_token", _is_opaque),
        # It may be anybody's: what cannot be read of it is left out, and refuses nothing.
        app_context=context if isinstance(context, str) else None,
    )


def _text(answer: Mapping[str, Any], name: str, fits: Callable[[str], bool]) -> str | None:
    given = answer.get(name)
    return given if isinstance(given, str) and fits(given) else None


def _is_opaque(text: str) -> bool:
    return _OPAQUE.fullmatch(text) is not None


def _lifetime(given: object) -> float | None:
    # Some servers send the number as text.
    if isinstance(given, str) and re.fullmatch(r"[0-9]{1,12}", given):
        given = int(given)
    if given is None:
        return UNSTATED_LIFETIME
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given < 1e12:
        return None
    return min(float(given), LONGEST_LIFETIME)


def _read_credential(
    source: Source, launch: SourceLaunchSettings, environ: Mapping[str, str]
) -> Registration | str | None:
    """Our key, the header with our secret (RFC 6749, 2.3.1), or None for a public client.  Raises CredentialError."""
    if launch.secret_env is not None:
        secret = environ.get(launch.secret_env, "")
        if not secret:
            raise _not_set(source, "launch.secret_env")
        pair = f"{quote_plus(launch.client_id)}:{quote_plus(secret)}"
        return f"Basic {base64.b64encode(pair.encode()).decode('ascii')}"
    if launch.key_file is not None:
        setting, text = "launch.key_file", read_private_text(source, "launch.key_file", launch.key_file)
    elif launch.key_env is not None:
        setting, text = "launch.key_env", environ.get(launch.key_env, "")
        if not text:
            raise _not_set(source, setting)
    else:
        return None
    try:
        return Registration(launch.client_id, read_key(text), launch.scope)
    except CredentialError as error:
        raise credential_error(source, setting, str(error)) from None


def _not_set(source: Source, setting: str) -> CredentialError:
    return credential_error(source, setting, "the environment variable that it names is not set")

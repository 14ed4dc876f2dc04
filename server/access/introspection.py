"""Asks an issuer about a token (RFC 7662); SMART App Launch 2.2 adds its scope, client, expiry and patient.

Our client there is identified by a secret, or by an assertion that its private key signs.
"""

import asyncio
import base64
import logging
import os
import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from collectors.auth.registration import Registration, sign_assertion
from collectors.auth.signing_key import read_key
from collectors.errors import CredentialError
from server.access.bounded_http import LARGEST_BODY, BoundedHttp, IssuerUnavailableError
from server.access.grant import Audiences, Grant
from server.access.tokens import Claims, check_times, invalid_token, issuer_unreachable, make_grant, read_audience
from server.errors import SettingsError
from server.settings import IntrospectionSettings, IssuerSettings

log = logging.getLogger("medtwin.issuers")

MOST_AT_ONCE = 16
"""Requests under way to one endpoint: invented tokens must not become a flood there."""
LONGEST_WAIT = 5.0
"""Seconds that a token waits for its turn."""
RETRY_AFTER = 5
WARNING_PAUSE = 10.0
"""Seconds between two warnings in the log that the endpoint does not answer as it should."""
_LIMITS = ("aud", "patient")
"""Claims of a JWT that hold although its issuer, being asked, does not repeat them."""
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Introspection:
    """The endpoint of one issuer.  Reads the credential on construction (SettingsError).

    ``wall`` gives seconds since 1970, ``environ`` holds the secret.
    """

    def __init__(
        self,
        issuer: IssuerSettings,
        audiences: Audiences,
        http: BoundedHttp,
        wall: Callable[[], float] = time.time,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        if issuer.introspection is None:
            raise SettingsError(f"issuer {issuer.id}: introspection is not configured")
        self._issuer = issuer
        self._audiences = audiences
        self._endpoint = issuer.introspection
        self._http = http
        self._wall = wall
        self._warned_at = float("-inf")
        self._gate = asyncio.Semaphore(MOST_AT_ONCE)
        where = f"issuer {issuer.id}: introspection"
        self._client = _read_client(where, self._endpoint, os.environ if environ is None else environ)

    async def check(self, token: str, own: Claims | None = None) -> Grant:
        """What the token allows, as its issuer says now.  Raises AccessRefusedError.

        ``own`` are the claims of a token that is a JWT: they limit it where the answer does not, and one of them, or of
        the answer, must say for whom it was issued.
        """
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                await self._gate.acquire()
        except TimeoutError:
            raise issuer_unreachable(self._issuer.id, RETRY_AFTER) from None
        try:
            claims = await self._ask(token)
        except IssuerUnavailableError as error:
            self._warn(str(error))
            raise issuer_unreachable(self._issuer.id, RETRY_AFTER) from None
        finally:
            self._gate.release()
        if claims.get("active") is not True:
            raise invalid_token("its issuer does not vouch for it; get a new one")
        if claims.get("iss", self._issuer.issuer) != self._issuer.issuer:
            raise invalid_token("it is of another issuer")
        kind = claims.get("token_type", "Bearer")
        if not isinstance(kind, str) or kind.lower() != "bearer":
            raise invalid_token("it is no bearer token")
        expires = check_times(claims, self._wall())
        if own is not None:
            stated = {name: value for name, value in claims.items() if name != "aud" or value != []}
            claims = {**{name: own[name] for name in _LIMITS if name in own}, **stated}
        audience = read_audience(claims)
        if (audience or own is not None) and not audience.intersection(self._issuer.audience):
            raise invalid_token("it was not issued for this server (aud)")
        return make_grant(claims, self._issuer, self._audiences, token, expires)

    async def fault(self) -> str | None:
        """Why no token can be introspected now; None where a token that nobody issued is called inactive."""
        try:
            claims = await self._ask("medtwin-check")
        except IssuerUnavailableError as error:
            return f"introspection: {error}"
        return None if claims.get("active") is False else "introspection: it vouches for a token that nobody issued"

    def _warn(self, fault: str) -> None:
        """Log that tokens cannot be introspected: not for each that arrives meanwhile."""
        if self._wall() >= self._warned_at + WARNING_PAUSE:
            self._warned_at = self._wall()
            log.warning("issuer %s: tokens cannot be introspected: %s", self._issuer.id, fault)

    async def _ask(self, token: str) -> dict[str, Any]:
        form = {"token": token, "token_type_hint": "access_token"}
        headers: dict[str, str] = {}
        if isinstance(self._client, Registration):
            # The issuer is the audience that every endpoint of it accepts (RFC 7523, 3).
            assertion = sign_assertion(self._client, self._issuer.issuer, self._wall())
            form |= {
                "client_id": self._client.client_id,
                "client_assertion_type": _ASSERTION_TYPE,
                "client_assertion": assertion,
            }
        else:
            headers["Authorization"] = self._client
        answer = await self._http.post_form(self._endpoint.url, form, headers)
        if not isinstance(answer.get("active"), bool):
            raise IssuerUnavailableError("its answer does not state whether a token is active")
        return answer


def _read_client(where: str, endpoint: IntrospectionSettings, environ: Mapping[str, str]) -> Registration | str:
    """Our client's key, or the header with its secret (RFC 6749, 2.3.1).  Raises SettingsError."""
    if endpoint.key_file is not None:
        try:
            key = read_key(_read_file(where, endpoint.key_file))
        except CredentialError as error:
            raise SettingsError(f"{where}.key_file: {error}") from None
        return Registration(endpoint.client_id, key, "")
    secret = environ.get(endpoint.secret_env or "", "")
    if not secret:
        raise SettingsError(f"{where}.secret_env: the environment variable that it names is not set")
    pair = f"{quote_plus(endpoint.client_id)}:{quote_plus(secret)}"
    return f"Basic {base64.b64encode(pair.encode()).decode('ascii')}"


def _read_file(where: str, path: Path) -> str:
    try:
        state = path.stat()
        if state.st_size > LARGEST_BODY:
            raise SettingsError(f"{where}.key_file: is too large (more than {LARGEST_BODY} bytes)")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{where}.key_file: cannot be read ({type(error).__name__})") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{where}.key_file: is not text") from None
    if state.st_mode & stat.S_IROTH:
        log.warning("%s.key_file can be read by everybody on this machine; chmod 600 it", where)
    return text

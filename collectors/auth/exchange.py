"""Requests for authorisation: where tokens are given, and one of them.  Bounded in time and size, never redirected."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import msgspec

from collectors.auth.hosts import same_origin, secure
from collectors.auth.registration import Registration, assertion
from collectors.auth.tokens import Token, read_token
from collectors.errors import AuthorisationError, SourceAnswerError, SourceUnreachableError
from collectors.fetching.certificates import certificate_fault
from collectors.fetching.faults import CLOSED
from collectors.fetching.unpacking import UnfitError, read_body
from collectors.settings import Source

CONFIGURATION = ".well-known/smart-configuration"
_MOST = 256 * 1024
_ACCEPT = {"Accept": "application/json", "Accept-Encoding": "identity", "Cache-Control": "no-cache"}
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


async def discover(http: httpx.AsyncClient, source: Source) -> str:
    """The token endpoint that the source names in its SMART configuration.

    It is taken only at the source's own origin: an assertion goes to no host that the operator did not name.
    Raises AuthorisationError for another origin and for plain http, SourceAnswerError, SourceUnreachableError.
    """
    where = f"source {source.id}"
    status, said = await _ask(http, source, "GET", f"{source.base_url}/{CONFIGURATION}")
    if status == 429 or status >= 500:
        raise SourceUnreachableError(f"{where}: its SMART configuration cannot be had now ({status})")
    found = said.get("token_endpoint") if status == 200 and said is not None else None
    if not isinstance(found, str) or not found:
        raise SourceAnswerError(f"{where}: its SMART configuration names no token endpoint; set backend.token_url")
    try:
        address = httpx.URL(f"{source.base_url}/").join(found)
        _ = address.host  # of an internationalised name only this tells that it is none
    except (httpx.InvalidURL, ValueError):
        raise SourceAnswerError(f"{where}: the token endpoint that it names is no address") from None
    if not same_origin(address, httpx.URL(source.base_url)) or address.userinfo:
        text = "the token endpoint that it names is on another host; if that is right, set backend.token_url to it"
        raise AuthorisationError(f"{where}: {text}")
    if not secure(address):
        raise AuthorisationError(f"{where}: the token endpoint that it names is not https")
    return str(address)


async def request_token(
    http: httpx.AsyncClient, source: Source, registration: Registration, token_url: str, now: float
) -> Token:
    """A token for this registration (``now``: seconds of the epoch).

    Raises AuthorisationError, SourceUnreachableError, SourceAnswerError.
    """
    form = {
        "grant_type": "client_credentials",
        "scope": registration.scope,
        "client_assertion_type": _ASSERTION_TYPE,
        "client_assertion": assertion(registration, token_url, now),
    }
    status, said = await _ask(http, source, "POST", token_url, form)
    return read_token(status, said, f"source {source.id}")


async def _ask(
    http: httpx.AsyncClient, source: Source, method: str, address: str, form: Mapping[str, str] | None = None
) -> tuple[int, dict[str, Any] | None]:
    """The status, and the JSON object that came with it, if it is one."""
    where = f"source {source.id}"
    if http.is_closed:
        raise SourceUnreachableError(f"{where}: {CLOSED}")
    try:
        async with (
            asyncio.timeout(source.timeout),
            http.stream(method, address, headers=_ACCEPT, data=form, follow_redirects=False) as answer,
        ):
            return answer.status_code, _object(await read_body(answer, _MOST))
    except UnfitError as error:
        raise SourceAnswerError(f"{where}: asked for authorisation: {error}") from None
    except (TimeoutError, httpx.TimeoutException):
        raise SourceUnreachableError(f"{where}: no answer in time when asked for authorisation") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        fault = certificate_fault(error)
        why = "the connection for authorisation fails" if fault is None else f"asked for authorisation: {fault}"
        raise SourceUnreachableError(f"{where}: {why}") from None


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None

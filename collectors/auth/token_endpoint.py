"""The token endpoint of a source: its discovery, requests for a token, and their responses and refusals.

Requests are bounded in time and size, and never redirected.  No error message contains any part of a response, except
the error codes of OAuth 2.0.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec

from collectors.auth.registration import Registration, sign_assertion
from collectors.errors import AuthorisationError, CollectorError, SourceAnswerError, SourceUnreachableError
from collectors.fetching.addresses import INVALID_ADDRESS, is_secure, same_origin
from collectors.fetching.connections import describe_certificate_error
from collectors.fetching.response import UnusableResponseError, read_body
from collectors.fetching.transport import CLOSED_REASON
from collectors.settings import Source

LONGEST_LIFETIME = 24 * 3600.0
"""Seconds for which a token is used at most, whatever lifetime is stated."""

_TOKEN_PATTERN = re.compile(r"[\x21-\x7e]{1,16384}")
# RFC 6749, 5.2: advice to the operator of a registered client.
_REFUSAL_ADVICE = {
    "invalid_client": "check backend.client_id, backend.key_id and the public key that is registered there",
    "unauthorized_client": "this client is not registered for the client_credentials grant",
    "unsupported_grant_type": "it does not offer the client_credentials grant",
    "invalid_scope": "it grants this client none of backend.scope",
    "invalid_grant": "it does not accept the assertion",
    "invalid_request": "it takes the request for malformed",
}
_TRANSIENT_ERRORS = frozenset({"temporarily_unavailable", "server_error"})


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token, and its lifetime in seconds."""

    value: str = field(repr=False)
    lifetime: float


def read_token(status: int, response: Mapping[str, Any] | None, where: str) -> Token:
    """The token in a response of the endpoint (``response``: its JSON object; None where it is none).

    Raises AuthorisationError where the endpoint refuses us, SourceUnreachableError where it is unavailable, and
    SourceAnswerError for any other response; ``where`` names the source in the messages.
    """
    if status != 200:
        raise token_error(status, response, where)
    if response is None:
        raise SourceAnswerError(f"{where}: its token endpoint answers with something else than a JSON object")
    value, kind = response.get("access_token"), response.get("token_type")
    if not isinstance(value, str) or _TOKEN_PATTERN.fullmatch(value) is None:
        raise SourceAnswerError(f"{where}: its token endpoint gives no token that can be sent")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise SourceAnswerError(f"{where}: its token endpoint gives a token that is no bearer token")
    lifetime = _lifetime_seconds(response.get("expires_in"))
    if lifetime is None:
        raise SourceAnswerError(f"{where}: its token endpoint does not state the lifetime of the token (expires_in)")
    return Token(value, min(lifetime, LONGEST_LIFETIME))


def token_error(status: int, response: Mapping[str, Any] | None, where: str) -> CollectorError:
    """The error that a status other than 200 means."""
    error = response.get("error") if response is not None else None
    code = error if isinstance(error, str) else ""
    if code in _REFUSAL_ADVICE:
        return AuthorisationError(f"{where}: its token endpoint refuses this client ({code}): {_REFUSAL_ADVICE[code]}")
    if status == 429 or status >= 500 or code in _TRANSIENT_ERRORS:
        return SourceUnreachableError(f"{where}: its token endpoint cannot answer now ({status})")
    if status in (401, 403):
        return AuthorisationError(f"{where}: its token endpoint refuses this client ({status})")
    return SourceAnswerError(f"{where}: its token endpoint answers {status} without a token")


def _lifetime_seconds(given: object) -> float | None:
    # Some servers send the number as text.
    if isinstance(given, str) and re.fullmatch(r"[0-9]{1,12}", given):
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given < 1e12:
        return None
    return float(given)


SMART_CONFIGURATION = ".well-known/smart-configuration"
_LARGEST_BODY = 256 * 1024
_REQUEST_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "Cache-Control": "no-cache"}
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


async def discover_token_endpoint(http: httpx.AsyncClient, source: Source) -> str:
    """The token endpoint that the source names in its SMART configuration.

    It must have the source's own origin: an assertion is sent to no host that the operator did not name.
    Raises AuthorisationError for another origin and for plain http, SourceAnswerError, SourceUnreachableError.
    """
    where = f"source {source.id}"
    status, configuration = await _request_json(http, source, "GET", f"{source.base_url}/{SMART_CONFIGURATION}")
    if status == 429 or status >= 500:
        raise SourceUnreachableError(f"{where}: its SMART configuration cannot be retrieved now ({status})")
    endpoint = configuration.get("token_endpoint") if status == 200 and configuration is not None else None
    if not isinstance(endpoint, str) or not endpoint:
        raise SourceAnswerError(f"{where}: its SMART configuration names no token endpoint; set backend.token_url")
    try:
        address = httpx.URL(f"{source.base_url}/").join(endpoint)
        _ = address.host  # raises for an invalid internationalised name
    except (httpx.InvalidURL, ValueError):
        raise SourceAnswerError(f"{where}: the token endpoint that it names is no address") from None
    if not same_origin(address, httpx.URL(source.base_url)) or address.userinfo:
        text = "the token endpoint that it names is on another host; if that is right, set backend.token_url to it"
        raise AuthorisationError(f"{where}: {text}")
    if not is_secure(address):
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
        "client_assertion": sign_assertion(registration, token_url, now),
    }
    status, response = await _request_json(http, source, "POST", token_url, form)
    return read_token(status, response, f"source {source.id}")


async def _request_json(
    http: httpx.AsyncClient, source: Source, method: str, address: str, form: Mapping[str, str] | None = None
) -> tuple[int, dict[str, Any] | None]:
    """The status, and the JSON object of the body (None where it is none).

    Raises SourceAnswerError, SourceUnreachableError.
    """
    where = f"source {source.id}"
    if http.is_closed:
        raise SourceUnreachableError(f"{where}: {CLOSED_REASON}")
    try:
        async with (
            asyncio.timeout(source.timeout),
            http.stream(method, address, headers=_REQUEST_HEADERS, data=form, follow_redirects=False) as response,
        ):
            return response.status_code, _json_object(await read_body(response, _LARGEST_BODY))
    except UnusableResponseError as error:
        raise SourceAnswerError(f"{where}: asked for authorisation: {error}") from None
    except (TimeoutError, httpx.TimeoutException):
        raise SourceUnreachableError(f"{where}: no answer in time when asked for authorisation") from None
    except (httpx.HTTPError, *INVALID_ADDRESS) as error:
        fault = describe_certificate_error(error)
        why = "the connection for authorisation fails" if fault is None else f"asked for authorisation: {fault}"
        raise SourceUnreachableError(f"{where}: {why}") from None


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None

"""Requests to an issuer: a small JSON object within five seconds, from the configured address and no other.

No error and no log line contains an address, a token or anything out of a response.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import msgspec

from collectors.fetching.addresses import INVALID_ADDRESS
from collectors.fetching.connections import HttpClients, describe_certificate_error
from collectors.fetching.response import UnusableResponseError, read_body
from collectors.settings import Source, Tls

LARGEST_BODY = 256 * 1024
"""Bytes of a response that are read at most."""
TIMEOUT = 5.0
"""Seconds that one request may take in all, however slowly its answer drips."""
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "Cache-Control": "no-cache"}


class IssuerUnavailableError(Exception):
    """An issuer did not answer as it should; the text says how.  It names no issuer: who catches it does.

    ``status`` is that of its answer, where there was one.
    """

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status


class BoundedHttp:
    """Sends requests to issuers over pooled connections.  ``clients`` may be others (tests).

    ``tls``: our certificates there, and the authorities to trust instead of the public ones.
    """

    def __init__(self, clients: HttpClients | None = None, tls: Tls | None = None) -> None:
        self._clients = clients or HttpClients()
        self._tls = tls

    async def get_json(self, url: str) -> dict[str, Any]:
        """The JSON object at an address.  Raises IssuerUnavailableError."""
        return _json_object(await self._request("GET", url, {}, None))

    async def post_form(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        """The JSON object that an endpoint answers to a form.  Raises IssuerUnavailableError."""
        return _json_object(await self._request("POST", url, headers, form))

    async def send_form(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> None:
        """Send a form to an endpoint whose answer has no content.  Raises IssuerUnavailableError."""
        await self._request("POST", url, headers, form)

    async def aclose(self) -> None:
        """Gives back all connections."""
        await self._clients.aclose()

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None
    ) -> bytes:
        http = self._clients.client_for(Source(id="issuer", base_url=url, tls=self._tls))
        if http.is_closed:
            raise IssuerUnavailableError("the server is closing")
        try:
            async with (
                asyncio.timeout(TIMEOUT),
                http.stream(
                    method, url, headers={**_HEADERS, **headers}, data=form, follow_redirects=False, timeout=TIMEOUT
                ) as response,
            ):
                if response.status_code != 200:
                    raise IssuerUnavailableError(_status_text(response.status_code), response.status_code)
                return await read_body(response, LARGEST_BODY)
        except UnusableResponseError as error:
            raise IssuerUnavailableError(str(error)) from None
        except (TimeoutError, httpx.TimeoutException):
            raise IssuerUnavailableError(f"no answer within {TIMEOUT:g} s") from None
        except (httpx.HTTPError, *INVALID_ADDRESS) as error:
            raise IssuerUnavailableError(describe_certificate_error(error) or "the connection fails") from None


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise IssuerUnavailableError("its answer is not a JSON object")
    return found


def _status_text(status: int) -> str:
    if 300 <= status < 400:
        return f"it redirects ({status}), which is not followed; configure the address that it redirects to"
    if status in (401, 403):
        return f"it refuses this server ({status}); check the client and its credential"
    return f"status {status}"

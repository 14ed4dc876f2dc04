"""One request to a FHIR server: tried again where the server asks for it, in bounded time and size.

No error and no log line carries an address, an identifier or anything out of an answer.
"""

import asyncio
import logging
import random
from collections.abc import Mapping

import httpx

from collectors.errors import SourceAnswerError, SourceRefusedError, SourceUnreachableError
from collectors.fetching.access import Access, NoAccess
from collectors.settings import Source

# httpx writes every address, with the patient's id in it, at INFO; httpcore and hpack write headers at DEBUG.
for _name in ("httpx", "httpcore", "hpack", "h2"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_ACCEPT = {"Accept": "application/fhir+json", "Cache-Control": "no-cache"}
_ATTEMPTS = 4
_LONGEST_WAIT = 30.0
_FIRST_BACKOFF = 0.1
_RETRIED = frozenset({429, 502, 503, 504})


class NotThereError(SourceAnswerError):
    """The source answered 404 or 410."""


class _UnauthorisedError(Exception):
    """The source answered 401: never leaves this file."""


class Transport:
    """Sends requests to one source over a shared client, a bounded number at once, as ``access`` authorises them."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        source: Source,
        gate: asyncio.Semaphore,
        access: Access | None = None,
    ) -> None:
        self._http = http
        self._source = source
        self._gate = gate
        self._access = access or NoAccess()

    async def get(self, address: httpx.URL) -> tuple[bytes, int]:
        """The body of a good answer, and how many requests it took.

        Raises SourceUnreachableError, SourceRefusedError, SourceAnswerError (NotThereError for 404 and 410).
        """
        return await self._send("GET", address, None)

    async def post(self, address: httpx.URL, body: bytes) -> tuple[bytes, int]:
        """The same for FHIR JSON that is sent along, to an operation or as a batch: nothing that changes a record."""
        return await self._send("POST", address, body)

    async def _send(self, method: str, address: httpx.URL, body: bytes | None) -> tuple[bytes, int]:
        renewed = False
        for attempt in range(_ATTEMPTS):
            last = attempt == _ATTEMPTS - 1
            backoff = _FIRST_BACKOFF * 2**attempt * (1 + random.random())  # noqa: S311  (spreads retries, no secret)
            # Got outside the gate: whoever waits for a token keeps no other request from being sent.
            held = await self._access.headers()
            try:
                async with self._gate, asyncio.timeout(self._source.timeout):
                    answer = await self._once(method, address, body, held)
            except _UnauthorisedError:
                if renewed or last or not await self._access.renew(held):
                    raise self._refused(401) from None
                renewed, answer = True, 0.0
            except TimeoutError:
                raise self._unreachable(f"no answer within {self._source.timeout:g} s") from None
            except httpx.TimeoutException:
                raise self._unreachable("no answer in time") from None
            except httpx.TransportError:
                if last:
                    raise self._unreachable("the connection fails") from None
                answer = backoff
            except httpx.HTTPError:
                raise self._fault("an answer cannot be decoded") from None
            if isinstance(answer, bytes):
                return answer, attempt + 1
            if last or answer > _LONGEST_WAIT:
                raise self._unreachable("it is overloaded or refuses for now (429, 502, 503 or 504)")
            await asyncio.sleep(max(answer, backoff))
        raise AssertionError("the last attempt returns or raises")

    async def _once(
        self, method: str, address: httpx.URL, sent: bytes | None, held: Mapping[str, str]
    ) -> bytes | float:
        """One request: its body, or for how many seconds to wait before the next attempt."""
        headers = {**held, **_ACCEPT}
        if sent is not None:
            headers["Content-Type"] = "application/fhir+json"
        async with self._http.stream(
            method, address, headers=headers, content=sent, follow_redirects=False
        ) as response:
            if response.status_code in _RETRIED:
                return _retry_after(response)
            self._check_status(response.status_code)
            kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
            if not (kind.endswith("+json") or kind in ("application/json", "text/json")):
                raise self._fault(
                    "an answer is HTML, not FHIR" if "html" in kind else "an answer is not labelled as JSON"
                )
            # Each layer of packing may swell a thousandfold before its size is seen here.
            if "," in response.headers.get("content-encoding", ""):
                raise self._fault("an answer is encoded more than once")
            body = bytearray()
            async for part in response.aiter_bytes():
                body += part
                if len(body) > self._source.max_bytes:
                    raise self._fault(f"an answer is larger than {self._source.max_bytes} bytes")
            return bytes(body)

    def _check_status(self, status: int) -> None:
        if status == 200:
            return
        if status == 401:
            raise _UnauthorisedError
        if status == 403:
            raise self._refused(status)
        if status in (404, 410):
            raise NotThereError(f"source {self._source.id}: there is nothing at that address ({status})")
        if 300 <= status < 400:
            raise self._fault(f"it redirects ({status}), which is not followed")
        if status >= 500:
            raise self._unreachable(f"an error of the server ({status})")
        raise self._fault(f"the request is refused as wrong ({status})")

    def _refused(self, status: int) -> SourceRefusedError:
        text = f"the request is not permitted ({status}): {self._access.advice(status)}"
        return SourceRefusedError(f"source {self._source.id}: {text}")

    def _fault(self, text: str) -> SourceAnswerError:
        return SourceAnswerError(f"source {self._source.id}: {text}")

    def _unreachable(self, text: str) -> SourceUnreachableError:
        return SourceUnreachableError(f"source {self._source.id}: {text}")


def _retry_after(response: httpx.Response) -> float:
    """Seconds that the server asks for; 0 where it asks for none, or for a date (then our own backoff counts)."""
    text = response.headers.get("retry-after", "").strip()
    return float(text) if text.isdecimal() and len(text) < 10 else 0.0

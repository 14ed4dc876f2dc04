"""One request to a FHIR server: authorised, retried where the source asks for it, in bounded time; and its errors.

No error and no log line carries an address, an identifier or anything out of a response.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

import httpx

from collectors.errors import SourceAnswerError, SourceRefusedError, SourceUnreachableError
from collectors.fetching.access import Access, NoAccess
from collectors.fetching.addresses import INVALID_ADDRESS
from collectors.fetching.connections import describe_certificate_error
from collectors.fetching.response import (
    REQUEST_HEADERS,
    SourceResponse,
    UnusableResponseError,
    is_json,
    read_response,
    redirect_target,
)
from collectors.fetching.retry import WaitLimit, backoff, retry_after
from collectors.settings import Source

CLOSED_REASON = "no further requests: the engine is closing"
"""Why a question that outlasts its engine gets nothing."""


class NotFoundError(SourceAnswerError):
    """The source answered 404 or 410, as a FHIR server does."""


class WrongRequestError(SourceAnswerError):
    """The source has nothing for such a request: any other 4xx than 401, 403 and 429, or a 404 that is not FHIR's."""

    code = "source-answer"


@dataclass(frozen=True, slots=True)
class SourceErrors:
    """Makes the errors of one source, asked as ``access`` authorises it."""

    source: str
    access: Access

    def for_status(self, status: int, fhir: bool) -> SourceUnreachableError | SourceRefusedError | SourceAnswerError:
        """For a status that is no answer; ``fhir``: its body is labelled as JSON."""
        if status in (401, 403):
            return self.refused(status)
        if status in (404, 410):
            if fhir:
                return NotFoundError(f"source {self.source}: there is nothing at that address ({status})")
            # No FHIR server says so: this must not be taken for "no such patient".
            return WrongRequestError(
                f"source {self.source}: there is no FHIR at that address ({status}); check base_url"
            )
        if status >= 500:
            return self.unreachable(f"an error of the server ({status})")
        if status >= 400:
            return WrongRequestError(f"source {self.source}: the request is refused as wrong ({status})")
        return self.unusable(f"status {status} is not an answer to a search")

    def refused(self, status: int) -> SourceRefusedError:
        """The request is not permitted, and what to do about it."""
        text = f"the request is not permitted ({status}): {self.access.advice(status)}"
        return SourceRefusedError(f"source {self.source}: {text}")

    def unusable(self, text: str) -> SourceAnswerError:
        """The response cannot be used."""
        return SourceAnswerError(f"source {self.source}: {text}")

    def unreachable(self, text: str) -> SourceUnreachableError:
        """No response."""
        return SourceUnreachableError(f"source {self.source}: {text}")


# httpx writes every address, with the patient's id in it, at INFO; httpcore and hpack write headers at DEBUG.
for _name in ("httpx", "httpcore", "hpack", "h2"):
    logging.getLogger(_name).setLevel(logging.WARNING)


_MOST_ATTEMPTS = 4
_MOST_REDIRECTS = 3
_LONGEST_WAIT = 60.0
_FIRST_BACKOFF = 0.25
_RETRIED_STATUSES = frozenset({429, 502, 503, 504})


class _UnauthorisedError(Exception):
    """The source answered 401: never leaves this file."""


@dataclass(frozen=True, slots=True)
class _Retry:
    """The request may be sent again in ``wait`` seconds at the earliest; ``reason``: why it failed."""

    reason: str
    wait: float = 0.0


class Transport:
    """Sends one HTTP request to a source, again where it may be, and makes a CollectorError of whatever fails.

    Requests go over a shared HTTP client, a bounded number at once (``gate``), as ``access`` authorises them.  No wait
    before another attempt outlasts ``wait_limit``: then the request fails at once.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        source: Source,
        gate: asyncio.Semaphore,
        access: Access | None = None,
        wait_limit: WaitLimit | None = None,
    ) -> None:
        self._http = http
        self._source = source
        self._gate = gate
        self._access = access or NoAccess()
        self._wait_limit = wait_limit or WaitLimit()
        self._errors = SourceErrors(source.id, self._access)

    async def get(self, address: httpx.URL) -> tuple[bytes, int]:
        """The body of a response of status 200, and how many requests it took.

        Raises SourceUnreachableError, SourceRefusedError, SourceAnswerError (NotFoundError for 404 and 410).
        """
        answer = await self.conditional_get(address)
        return answer.body, answer.requests

    async def post(self, address: httpx.URL, body: bytes) -> tuple[bytes, int]:
        """As ``get``, sending FHIR JSON to an operation or as a batch: nothing that changes a record."""
        answer = await self._send("POST", address, body, {})
        return answer.body, answer.requests

    async def conditional_get(self, address: httpx.URL, etag: str | None = None) -> SourceResponse:
        """As ``get``, with its validators; with ``etag`` the response may be that nothing has changed (304)."""
        return await self._send("GET", address, None, {"If-None-Match": etag} if etag is not None else {})

    async def _send(
        self, method: str, address: httpx.URL, sent: bytes | None, more: Mapping[str, str]
    ) -> SourceResponse:
        renewed = False
        attempt = requests = 0
        passed = {str(address)}
        while True:
            # Outside the gate: whoever waits for a token keeps no other request from being sent.
            credentials = await self._access.headers()
            requests += 1
            try:
                async with self._gate, asyncio.timeout(self._source.timeout):
                    got = await self._send_once(method, address, sent, {**credentials, **REQUEST_HEADERS, **more})
            except _UnauthorisedError:
                if renewed or not await self._access.renew(credentials):
                    raise self._errors.refused(401) from None
                renewed = True
                continue
            except (TimeoutError, httpx.TimeoutException):
                raise self._errors.unreachable(f"no answer within {self._source.timeout:g} s") from None
            except httpx.TransportError as error:
                if (fault := describe_certificate_error(error)) is not None:
                    raise self._errors.unreachable(fault) from None
                got = _Retry("the connection fails")
            except httpx.HTTPError:
                raise self._errors.unusable("an answer cannot be decoded") from None
            except INVALID_ADDRESS:
                raise self._errors.unusable("it redirects to what is no address") from None
            except UnusableResponseError as error:
                raise self._errors.unusable(str(error)) from None
            if isinstance(got, SourceResponse):
                return replace(got, requests=requests)
            if isinstance(got, httpx.URL):
                if str(got) in passed or len(passed) > _MOST_REDIRECTS:
                    text = "in a circle" if str(got) in passed else f"more than {_MOST_REDIRECTS} times"
                    raise self._errors.unusable(f"it redirects {text}")
                passed.add(str(got))
                address = got
                continue
            await self._wait_before_retry(got, attempt)
            attempt += 1

    async def _wait_before_retry(self, later: _Retry, attempt: int) -> None:
        """Waits before another attempt; SourceUnreachableError where none is allowed."""
        left = min(self._wait_limit.remaining(), _LONGEST_WAIT)
        if later.wait > left:
            asked = f"{later.wait:.0f} s" if later.wait < 1e9 else "for ever"
            raise self._errors.unreachable(f"{later.reason}, and asks to wait {asked}, longer than the time left")
        if attempt + 1 >= _MOST_ATTEMPTS:
            raise self._errors.unreachable(f"{later.reason}, {_MOST_ATTEMPTS} times")
        wait = later.wait + backoff(_FIRST_BACKOFF, attempt)
        if wait > left:
            raise self._errors.unreachable(f"{later.reason}, and no time is left to try again")
        await asyncio.sleep(wait)

    async def _send_once(
        self, method: str, address: httpx.URL, sent: bytes | None, headers: dict[str, str]
    ) -> SourceResponse | _Retry | httpx.URL:
        """One request: its response, or the address that it redirects to, or that it may be sent again."""
        if self._http.is_closed:
            # httpx would raise a RuntimeError.
            raise self._errors.unreachable(CLOSED_REASON)
        if sent is not None:
            headers["Content-Type"] = "application/fhir+json"
        async with self._http.stream(
            method, address, headers=headers, content=sent, follow_redirects=False, timeout=self._source.timeout
        ) as response:
            status = response.status_code
            if status == 200:
                return await read_response(response, self._source.max_bytes)
            if status == 304 and "If-None-Match" in headers:
                return SourceResponse(b"", not_modified=True)
            if status in _RETRIED_STATUSES:
                return _Retry(f"it is overloaded or refuses for now ({status})", retry_after(response))
            following = redirect_target(response, method, address, self._source.base_url)
            if following is not None:
                return following
            if status == 401:
                raise _UnauthorisedError
            raise self._errors.for_status(status, is_json(response.headers.get("content-type", "")))

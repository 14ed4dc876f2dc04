"""One request to a FHIR server: tried again where the server asks for it, in bounded time and size.

No error and no log line carries an address, an identifier or anything out of an answer.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

import httpx

from collectors.fetching.access import Access, NoAccess
from collectors.fetching.answers import HEADERS, Answer, is_json, read_answer, redirected
from collectors.fetching.certificates import certificate_fault
from collectors.fetching.faults import CLOSED, Faults, NotThereError
from collectors.fetching.patience import Patience
from collectors.fetching.unpacking import UnfitError
from collectors.fetching.waiting import asked_wait, backoff
from collectors.settings import Source

# httpx writes every address, with the patient's id in it, at INFO; httpcore and hpack write headers at DEBUG.
for _name in ("httpx", "httpcore", "hpack", "h2"):
    logging.getLogger(_name).setLevel(logging.WARNING)

__all__ = ["NotThereError", "Transport"]

_ATTEMPTS = 4
_MOST_REDIRECTS = 3
_LONGEST_WAIT = 60.0
_FIRST_BACKOFF = 0.25
_RETRIED = frozenset({429, 502, 503, 504})


class _UnauthorisedError(Exception):
    """The source answered 401: never leaves this file."""


@dataclass(frozen=True, slots=True)
class _Later:
    """The request is worth another attempt, ``wait`` seconds from now at the earliest; else ``why`` it failed."""

    why: str
    wait: float = 0.0


class Transport:
    """Sends requests to one source over a shared client, a bounded number at once, as ``access`` authorises them.

    No wait before another attempt outlasts ``patience``: then the request fails at once.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        source: Source,
        gate: asyncio.Semaphore,
        access: Access | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._http = http
        self._source = source
        self._gate = gate
        self._access = access or NoAccess()
        self._patience = patience or Patience()
        self._faults = Faults(source.id, self._access)

    async def get(self, address: httpx.URL) -> tuple[bytes, int]:
        """The body of a good answer, and how many requests it took.

        Raises SourceUnreachableError, SourceRefusedError, SourceAnswerError (NotThereError for 404 and 410).
        """
        answer = await self.ask(address)
        return answer.body, answer.requests

    async def post(self, address: httpx.URL, body: bytes) -> tuple[bytes, int]:
        """The same for FHIR JSON that is sent along, to an operation or as a batch: nothing that changes a record."""
        answer = await self._send("POST", address, body, {})
        return answer.body, answer.requests

    async def ask(self, address: httpx.URL, etag: str | None = None) -> Answer:
        """As ``get``; with ``etag`` the answer may be that nothing has changed since the one with that ETag."""
        return await self._send("GET", address, None, {"If-None-Match": etag} if etag is not None else {})

    async def _send(self, method: str, address: httpx.URL, sent: bytes | None, more: Mapping[str, str]) -> Answer:
        renewed = False
        attempt = requests = 0
        passed = {str(address)}
        while True:
            # Got outside the gate: whoever waits for a token keeps no other request from being sent.
            held = await self._access.headers()
            requests += 1
            try:
                async with self._gate, asyncio.timeout(self._source.timeout):
                    got = await self._once(method, address, sent, {**held, **HEADERS, **more})
            except _UnauthorisedError:
                if renewed or not await self._access.renew(held):
                    raise self._faults.refused(401) from None
                renewed = True
                continue
            except (TimeoutError, httpx.TimeoutException):
                raise self._faults.unreachable(f"no answer within {self._source.timeout:g} s") from None
            except httpx.TransportError as error:
                if (fault := certificate_fault(error)) is not None:
                    raise self._faults.unreachable(fault) from None
                got = _Later("the connection fails")
            except httpx.HTTPError:
                raise self._faults.unfit("an answer cannot be decoded") from None
            except UnfitError as error:
                raise self._faults.unfit(str(error)) from None
            if isinstance(got, Answer):
                return replace(got, requests=requests)
            if isinstance(got, httpx.URL):
                if str(got) in passed or len(passed) > _MOST_REDIRECTS:
                    text = "in a circle" if str(got) in passed else f"more than {_MOST_REDIRECTS} times"
                    raise self._faults.unfit(f"it redirects {text}")
                passed.add(str(got))
                address = got
                continue
            await self._rest(got, attempt)
            attempt += 1

    async def _rest(self, later: _Later, attempt: int) -> None:
        """Waits before another attempt; SourceUnreachableError where there is to be none."""
        left = min(self._patience.left(), _LONGEST_WAIT)
        if later.wait > left:
            asked = f"{later.wait:.0f} s" if later.wait < 1e9 else "for ever"
            raise self._faults.unreachable(f"{later.why}, and asks to wait {asked}, longer than there is time")
        if attempt + 1 >= _ATTEMPTS:
            raise self._faults.unreachable(f"{later.why}, {_ATTEMPTS} times")
        wait = later.wait + backoff(_FIRST_BACKOFF, attempt)
        if wait > left:
            raise self._faults.unreachable(f"{later.why}, and no time is left to try again")
        await asyncio.sleep(wait)

    async def _once(
        self, method: str, address: httpx.URL, sent: bytes | None, headers: dict[str, str]
    ) -> Answer | _Later | httpx.URL:
        """One request: its answer, or where to ask instead, or that it may be tried again."""
        if self._http.is_closed:
            # httpx would raise what no fault of a request is.
            raise self._faults.unreachable(CLOSED)
        if sent is not None:
            headers["Content-Type"] = "application/fhir+json"
        async with self._http.stream(
            method, address, headers=headers, content=sent, follow_redirects=False, timeout=self._source.timeout
        ) as response:
            status = response.status_code
            if status == 200:
                return await read_answer(response, self._source.max_bytes)
            if status == 304 and "If-None-Match" in headers:
                return Answer(b"", unchanged=True)
            if status in _RETRIED:
                return _Later(f"it is overloaded or refuses for now ({status})", asked_wait(response))
            following = redirected(response, method, address, self._source.base_url)
            if following is not None:
                return following
            if status == 401:
                raise _UnauthorisedError
            raise self._faults.status(status, is_json(response.headers.get("content-type", "")))

"""Calls of services and feedback on their cards, from the request to its answer.

Who calls is known before anything of the body is read; what is wrong is reported by status and OperationOutcome, and
never becomes an answer without cards.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from collectors.errors import CollectorError
from ontology.errors import MedtwinError
from server.access.bodies import finishes_before_disconnect, is_json_body, read_body
from server.catalog.services import Service
from server.errors import QuestionError, log_unexpected
from server.hooks.clients import Door, HookClient
from server.hooks.errors import (
    MEDIA_TYPE,
    HookError,
    SlowBodyError,
    TooLargeError,
    UnknownServiceError,
    WrongMediaTypeError,
    outcome_response,
    refusal,
)
from server.hooks.request import HookRequest, decode_body, read_request

log = logging.getLogger("medtwin.hooks")

Json: TypeAlias = dict[str, Any]
Admit: TypeAlias = Callable[[Request, HookClient], AbstractAsyncContextManager[None]]
"""Lets a call in as a question, within the limits of all and of its client, or raises BusyError."""
MakeCards: TypeAlias = Callable[[Service, HookRequest, HookClient, datetime], Awaitable[list[Json]]]
"""The cards of a call (``Advisor.cards``)."""
Receive: TypeAlias = Callable[[object, Service, HookClient], Awaitable[None]]
"""Takes feedback, whose body was read as JSON; raises MalformedCallError."""
T = TypeVar("T")

LARGE_BODY = 64 * 1024
"""Bytes of a body that is read beside the event loop: ten megabytes take up to a second."""


@dataclass(frozen=True, slots=True)
class HookParts:
    """What is offered: the services by id, what discovery says of them, and who answers calls and takes feedback."""

    services: Mapping[str, Service]
    discovery: Mapping[str, Any]
    cards: MakeCards
    receive: Receive


class HookEndpoint:
    """The endpoint of all services.

    ``door``: tells who calls.  ``max_bytes`` is the largest body, ``seconds`` the time that it has.  ``now``: the time
    of a call.
    """

    def __init__(
        self,
        parts: HookParts,
        door: Door,
        admit: Admit,
        max_bytes: int,
        seconds: float,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._parts = parts
        self._door = door
        self._admit = admit
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._now = now
        self.discovery = msgspec.json.encode(parts.discovery)

    async def call(self, request: Request) -> Response:
        """POST /cds-services/{id}: the cards."""

        async def answer(service: Service, client: HookClient, body: bytes) -> Response:
            read = await self._read(body, lambda: read_request(body, service))
            cards = await self._parts.cards(service, read, client, self._now())
            return Response(msgspec.json.encode({"cards": cards}), media_type=MEDIA_TYPE)

        return await self._answered(request, "", answer)

    async def feedback(self, request: Request) -> Response:
        """POST /cds-services/{id}/feedback: 200, without content."""

        async def answer(service: Service, client: HookClient, body: bytes) -> Response:
            await self._parts.receive(await self._read(body, lambda: decode_body(body)), service, client)
            return Response(status_code=200)

        return await self._answered(request, "/feedback", answer)

    async def _answered(
        self, request: Request, suffix: str, answer: Callable[[Service, HookClient, bytes], Awaitable[Response]]
    ) -> Response:
        try:
            return await self._let_in(request, suffix, answer)
        except HookError as error:
            return refusal(error)
        except ClientDisconnect:
            return Response(status_code=400)
        except CollectorError as error:
            # The patient, or a token for the source, is missing: nothing was searched.
            return outcome_response(412, "incomplete", [str(error)])
        except QuestionError as error:
            return outcome_response(503, "too-costly", [str(error)])
        except MedtwinError as error:
            return outcome_response(500, "exception", [str(error)])
        except Exception as error:  # noqa: BLE001 - the HTTP edge: whatever it is, no trace of it leaves
            return outcome_response(500, "exception", [f"internal error {log_unexpected(error, log)}"])

    async def _let_in(
        self, request: Request, suffix: str, answer: Callable[[Service, HookClient, bytes], Awaitable[Response]]
    ) -> Response:
        service = self._parts.services.get(request.path_params["id"])
        if service is None:
            raise UnknownServiceError("there is no service of this id; discovery lists them (GET /cds-services)")
        client = await self._door(request.headers.getlist("authorization"), f"/{service.id}{suffix}")
        encodings = request.headers.getlist("content-encoding")
        if not is_json_body(request.headers) or any(each.strip().lower() != "identity" for each in encodings):
            raise WrongMediaTypeError(f"the body must be {MEDIA_TYPE}, in UTF-8 and not compressed")
        # Before the body is read: so much memory is taken at once as questions may be asked at once.
        async with self._admit(request, client):
            body = await self._body(request)
            running = asyncio.ensure_future(answer(service, client, body))
            if not await finishes_before_disconnect(running, request):
                return Response(status_code=400)
            return running.result()

    async def _body(self, request: Request) -> bytes:
        try:
            body = await read_body(request, self._max_bytes, self._seconds)
        except TimeoutError:
            raise SlowBodyError(self._seconds) from None
        if body is None:
            raise TooLargeError(self._max_bytes)
        return body

    async def _read(self, body: bytes, read: Callable[[], T]) -> T:
        return read() if len(body) <= LARGE_BODY else await asyncio.to_thread(read)

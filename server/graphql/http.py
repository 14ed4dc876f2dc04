"""Media types of GraphQL over HTTP: which the caller accepts, and the status that goes with it.

After the GraphQL over HTTP specification (https://graphql.github.io/graphql-over-http/draft/).  With
``application/graphql-response+json`` the status tells how the request fared.  Whoever asks for ``application/json`` by
name is answered as older clients expect: a well-formed request whose document cannot run has status 200, with errors.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from server.access.bodies import APPLICATION_JSON, parameter

GRAPHQL_JSON = "application/graphql-response+json"
NOT_ACCEPTABLE = f"answers are {GRAPHQL_JSON} or {APPLICATION_JSON}"
_SENT_BYTES = 256 * 1024
_INVALID = "invalid-query"


class Answer(Enum):
    """How an answer is sent: its media type, and whether what cannot run has status 200."""

    GRAPHQL = (GRAPHQL_JSON, False)
    JSON = (APPLICATION_JSON, False)
    LENIENT = (APPLICATION_JSON, True)

    @property
    def media_type(self) -> str:
        """The media type of the answer."""
        return self.value[0]

    def status(self, content: Mapping[str, Any], status: int) -> int:
        """The status of an answer to a well-formed request; beyond a limit it stays what it is."""
        errors = content.get("errors") or ()
        only_invalid = all(error.get("extensions", {}).get("code") == _INVALID for error in errors)
        lenient = self is Answer.LENIENT and status == 400 and "data" not in content
        return 200 if lenient and errors and only_invalid else status

    def sent(self, response: Response) -> Response:
        """The response with this media type, where it has a body in JSON."""
        if response.headers.get("content-type") == APPLICATION_JSON:
            response.headers["content-type"] = self.media_type
        return response


class PartsResponse(Response):
    """A body of JSON in parts, which are sent one after another as the client reads, and are never joined."""

    def __init__(self, parts: Sequence[bytes], status: int, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(None, status, headers, media_type=APPLICATION_JSON)
        self._parts = parts
        self.headers["content-length"] = str(sum(map(len, parts)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        collected = bytearray()
        for part in self._parts:
            collected += part
            if len(collected) >= _SENT_BYTES:
                await send({"type": "http.response.body", "body": bytes(collected), "more_body": True})
                collected.clear()
        await send({"type": "http.response.body", "body": bytes(collected)})


def accepted_answer(headers: Headers) -> Answer | None:
    """How the caller wants it; None where neither media type is accepted.

    The most specific range counts for each of the two, and the higher weight wins.  Where a caller names neither, it
    is ``application/json``.
    """
    ranges = _accepted_ranges(",".join(headers.getlist("accept")))
    if not ranges:
        return Answer.JSON
    graphql, json = _weight(ranges, GRAPHQL_JSON), _weight(ranges, APPLICATION_JSON)
    if max(graphql, json) <= 0:
        return None
    by_name = APPLICATION_JSON in ranges and json >= graphql
    if GRAPHQL_JSON in ranges and graphql >= json:
        return Answer.GRAPHQL
    if json <= 0:
        return Answer.GRAPHQL
    return Answer.LENIENT if by_name else Answer.JSON


def _accepted_ranges(accept: str) -> dict[str, float]:
    """The weight of each range of an Accept header; one that cannot be read is passed over."""
    found: dict[str, float] = {}
    for each in accept.split(","):
        name, *parameters = each.split(";")
        if name.strip():
            found[name.strip().lower()] = _quality(parameters)
    return found


def _quality(parameters: Sequence[str]) -> float:
    for each in parameters:
        weight = parameter(each, "q")
        if weight is not None:
            try:
                return min(max(float(weight), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def _weight(ranges: Mapping[str, float], media_type: str) -> float:
    for name in (media_type, "application/*", "*/*"):
        if name in ranges:
            return ranges[name]
    return 0.0

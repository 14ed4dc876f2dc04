"""POST /graphql: one query, one answer, in JSON.  GET, batches and other types of body are refused."""

import asyncio
from dataclasses import replace
from typing import Any

import msgspec
from graphql import ExecutionResult, GraphQLError, execute
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from server.executor.budget import Budget
from server.graphql.bearer import bearer_token
from server.graphql.documents import Document, Documents
from server.graphql.errors import failed, formatted, internal, refused
from server.graphql.limits import Limits, check_variables
from server.graphql.query import Asks, Context
from server.graphql.schema import build_core_schema
from server.settings import ServerSettings

_JSON = "application/json"


class _Body(msgspec.Struct):
    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = msgspec.field(default=None, name="operationName")
    extensions: dict[str, Any] | None = None


class GraphQL:
    """The endpoint over one engine."""

    def __init__(self, engine: Asks, settings: ServerSettings) -> None:
        self.limits = Limits(settings.max_depth, settings.max_complexity, settings.max_aliases)
        self.documents = Documents(build_core_schema(), self.limits)
        self.context = Context(engine, max_concepts=settings.max_concepts)
        self.max_bytes = settings.max_query_bytes
        self.deadline = settings.deadline
        self.settings = settings

    async def __call__(self, request: Request) -> Response:
        """Answer a request."""
        if request.method != "POST":
            return _answer(refused("method-not-allowed", "queries are sent by POST"), 405, {"Allow": "POST"})
        if request.headers.get("content-type", "").split(";")[0].strip().lower() != _JSON:
            return _answer(refused("content-type", f"the body must be {_JSON}"), 415)
        try:
            token = bearer_token(request.headers.getlist("authorization"))
        except ValueError as error:
            return _answer(refused("bad-token", str(error)), 400)
        try:
            async with asyncio.timeout(self.deadline):
                content = await self._read(request)
        except ClientDisconnect:
            return Response(status_code=400)
        except TimeoutError:
            text = f"the body did not come within {self.deadline:g} s"
            return _answer(refused("body-too-slow", text), 408, {"Connection": "close"})
        if content is None:
            return _answer(refused("query-too-large", f"a body may have at most {self.max_bytes} bytes"), 413)
        try:
            body = msgspec.json.decode(content, type=_Body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            text = "the body must be one JSON object with a query, and may have variables and operationName"
            return _answer(refused("bad-request", text), 400)
        running = asyncio.ensure_future(self.run(body.query, body.variables or {}, body.operation_name, token))
        if not await _awaited(running, request):
            return Response(status_code=400)
        return _answer(*running.result())

    async def run(
        self,
        query: str,
        variables: dict[str, Any] | None = None,
        operation: str | None = None,
        token: str | None = None,
    ) -> tuple[dict[str, Any], int]:
        """The response to a query, and its HTTP status; ``token`` is the caller's, for sources that ask for it."""
        document = self.documents.read(query)
        if not isinstance(document, Document):
            return failed(document), 400
        try:
            check_variables(document.cost(operation), variables or {}, self.limits)
            result = execute(
                self.documents.schema,
                document.node,
                context_value=replace(self.context, token=token, budget=Budget.of(self.settings)),
                variable_values=variables,
                operation_name=operation,
            )
            if not isinstance(result, ExecutionResult):
                result = await result
        except GraphQLError as error:
            return failed([error]), 400
        except Exception as error:  # noqa: BLE001 - the HTTP edge: whatever it is, no trace of it leaves
            return {"errors": [internal(error)]}, 500
        if result.errors is None:
            return {"data": result.data}, 200
        # A request that never ran (an unknown operation, variables that do not fit) has errors without a path.
        status = 400 if result.data is None and not any(error.path for error in result.errors) else 200
        told = {"errors": [formatted(error) for error in result.errors]}
        return (told if status == 400 else {"data": result.data, **told}), status

    async def _read(self, request: Request) -> bytes | None:
        """The body, or None as soon as it is longer than it may be."""
        declared = request.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > self.max_bytes:
            return None
        content = bytearray()
        async for chunk in request.stream():
            content += chunk
            if len(content) > self.max_bytes:
                return None
        return bytes(content)


async def _awaited(running: asyncio.Future[Any], request: Request) -> bool:
    """Whether it was done before the client went away; else nothing of it goes on."""
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait((running, gone), return_when=asyncio.FIRST_COMPLETED)
        return running.done()
    finally:
        for each in (running, gone):
            each.cancel()
        await asyncio.wait((running, gone))


async def _disconnected(request: Request) -> None:
    """Returns when the client has gone away; the body was read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _answer(told: dict[str, Any], status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(told), status, headers, media_type=_JSON)

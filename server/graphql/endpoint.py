"""POST /graphql: one query with the caller's bearer token, one answer, in JSON.

Where issuers are configured, a request without a token of theirs is refused before its body is read; where all that is
there are EHRs that launch us, one without any token is.  Only the Authorization header counts.  GET, batches and other
types of body are refused.
"""

import asyncio
import secrets
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
from graphql import ExecutionResult, GraphQLError, GraphQLSchema, execute
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from server.access.bodies import APPLICATION_JSON, finishes_before_disconnect, is_json_body, read_body
from server.access.grant import Grant
from server.access.tokens import bearer_token, token_required
from server.errors import AccessRefusedError
from server.executor.budget import Budget
from server.graphql.admission import Admission, NotAdmittedError, RateLimit, address_key, identity_key
from server.graphql.documents import Document, Documents
from server.graphql.errors import errors_response, format_error, internal_error, request_refused
from server.graphql.http import NOT_ACCEPTABLE, Answer, PartsResponse, accepted_answer
from server.graphql.limits import Limits, check_variables
from server.graphql.originals import Originals
from server.graphql.query import Context, QuestionEngine
from server.graphql.schema import shared_core_schema
from server.graphql.turns import Turns, encode_in_turns
from server.settings import ServerSettings

if TYPE_CHECKING:
    from server.access.issuers import Issuers


class _Body(msgspec.Struct):
    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = msgspec.field(default=None, name="operationName")
    extensions: dict[str, Any] | None = None


class GraphQL:
    """The endpoint over one engine.

    ``issuers`` check the callers' tokens (None: nobody is asked for one).  ``rate`` counts the questions of each caller
    (None: they are not counted); ``caller_key`` is that of the hash by which a caller is counted, equal in all
    processes that count together (None: a random one).  ``token_required``: a request without a bearer token is refused
    although nobody here checks tokens, since each source asks for one.  ``schema``: that of the process, unless given.
    """

    def __init__(
        self,
        engine: QuestionEngine,
        settings: ServerSettings,
        issuers: "Issuers | None" = None,
        rate: RateLimit | None = None,
        caller_key: bytes | None = None,
        *,
        token_required: bool = False,
        schema: GraphQLSchema | None = None,
    ) -> None:
        self.limits = Limits(settings.max_depth, settings.max_complexity, settings.max_aliases)
        self.documents = Documents(schema or shared_core_schema(), self.limits)
        self.context = Context(engine, max_concepts=settings.max_concepts)
        self.max_bytes = settings.max_query_bytes
        self.deadline = settings.deadline
        self.settings = settings
        self.issuers = issuers
        self.token_required = token_required
        self.admission = Admission(settings.max_questions, settings.max_questions_per_caller, rate)
        self._caller_key = caller_key or secrets.token_bytes(32)

    async def __call__(self, request: Request) -> Response:
        """Answer a request, in the media type that it accepts."""
        answer = accepted_answer(request.headers)
        if answer is None and request.method == "POST":
            return _json_response(request_refused("not-acceptable", NOT_ACCEPTABLE), 406)
        answer = answer or Answer.JSON
        return answer.sent(await self._respond(request, answer))

    async def _respond(self, request: Request, answer: Answer) -> Response:
        if request.method != "POST":
            return _json_response(
                request_refused("method-not-allowed", "queries are sent by POST"), 405, {"Allow": "POST"}
            )
        authorization = request.headers.getlist("authorization")
        grant, token = None, None
        try:
            if self.issuers is not None:
                grant = await self.issuers.grant(authorization)
            else:
                token = bearer_token(authorization)
                if token is None and self.token_required:
                    raise token_required()
        except AccessRefusedError as error:
            return _json_response(request_refused(error.code, str(error)), error.status, error.headers)
        except ValueError as error:
            return _json_response(request_refused("bad-token", str(error)), 400)
        if not is_json_body(request.headers):
            return _json_response(
                request_refused("content-type", f"the body must be {APPLICATION_JSON}, in UTF-8"), 415
            )
        try:
            content = await read_body(request, self.max_bytes, self.deadline)
        except ClientDisconnect:
            return Response(status_code=400)
        except TimeoutError:
            text = f"request body not received within {self.deadline:g} s"
            return _json_response(request_refused("body-too-slow", text), 408, {"Connection": "close"})
        if content is None:
            return _json_response(
                request_refused("query-too-large", f"a body may have at most {self.max_bytes} bytes"), 413
            )
        try:
            body = msgspec.json.decode(content, type=_Body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            text = "the body must be one JSON object with a query, and may have variables and operationName"
            return _json_response(request_refused("bad-request", text), 400)
        running = asyncio.ensure_future(self._run_admitted(body, token, grant, request))
        if not await finishes_before_disconnect(running, request):
            return Response(status_code=400)
        result, status, headers = running.result()
        return PartsResponse(await encode_in_turns(result), answer.status(result, status), headers)

    def admitted(
        self, request: Request, grant: Grant | None = None, identity: tuple[str, ...] = ()
    ) -> AbstractAsyncContextManager[None]:
        """Let the caller of a request in, as one who asks a question.  Raises NotAdmittedError.

        ``identity``: the texts that say who has logged in, where there is no grant.
        """
        key = self._caller_key
        if grant is not None:
            return self.admission.admitted(grant.caller_digest(key))
        if identity:
            return self.admission.admitted(identity_key(identity, key))
        return self.admission.admitted(address_key(request.client.host if request.client is not None else None, key))

    async def _run_admitted(
        self, body: _Body, token: str | None, grant: Grant | None, request: Request
    ) -> tuple[dict[str, Any], int, dict[str, str] | None]:
        """``run``, once the caller is let in; with the headers of a refusal."""
        try:
            async with self.admitted(request, grant):
                result, status = await self.run(body.query, body.variables or {}, body.operation_name, token, grant)
        except NotAdmittedError as error:
            return request_refused(error.code, str(error)), error.status, {"Retry-After": str(error.retry_after)}
        return result, status, None

    async def run(
        self,
        query: str,
        variables: dict[str, Any] | None = None,
        operation: str | None = None,
        token: str | None = None,
        grant: Grant | None = None,
    ) -> tuple[dict[str, Any], int]:
        """The response to a query, and its HTTP status.

        ``grant`` is what the caller's token allows.  Without issuers there is none, and ``token`` is the caller's own,
        for sources that ask for it.
        """
        document = self.documents.read(query)
        if not isinstance(document, Document):
            return errors_response(document), 400
        try:
            check_variables(document.cost(operation), variables or {}, self.limits)
            budget = Budget.from_settings(self.settings)
            turns = Turns(budget)
            originals = Originals(self.context.engine.record, budget, turns)
            result = execute(
                self.documents.schema,
                document.node,
                context_value=replace(
                    self.context, token=token, grant=grant, budget=budget, turns=turns, originals=originals
                ),
                variable_values=variables,
                operation_name=operation,
            )
            if not isinstance(result, ExecutionResult):
                result = await result
        except GraphQLError as error:
            return errors_response([error]), 400
        except Exception as error:  # noqa: BLE001 - the HTTP edge: whatever it is, no trace of it leaves
            return {"errors": [internal_error(error)]}, 500
        if result.errors is None:
            return {"data": result.data}, 200
        # A request that never ran (an unknown operation, variables of another type) has errors without a path.
        status = 400 if result.data is None and not any(error.path for error in result.errors) else 200
        errors = {"errors": [format_error(error) for error in result.errors]}
        return (errors if status == 400 else {"data": result.data, **errors}), status


def _json_response(content: dict[str, Any], status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(content), status, headers, media_type=APPLICATION_JSON)

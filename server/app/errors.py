"""What is answered where no endpoint answered: a page under the paths of pages, an OperationOutcome or JSON elsewhere.

What nobody expected has an id, under which it is logged.  No answer holds a text of an exception that is not ours, nor
anything of a patient.
"""

import logging

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ontology.errors import MedtwinError
from server.errors import log_unexpected
from server.graphql.errors import error_code, internal_error
from server.hooks.errors import is_hook_path, outcome_response
from server.pages.refusals import fault_page, http_page, refusal
from server.settings import Settings

log = logging.getLogger("medtwin.pages")

_TEXTS = {404: "there is nothing at this path", 405: "this method is not allowed here"}
_LAUNCH = "/launch"


class ErrorAnswers:
    """The answers to errors, of a server whose pages are at ``folders`` and, where they are ``open``, at its root."""

    def __init__(self, settings: Settings, is_open: bool) -> None:
        launches = any(source.launch is not None for source in settings.sources)
        self._root = is_open
        self._folders = ("/modules", *(["/patients"] if is_open else []), *(["/app", _LAUNCH] if launches else []))

    async def http(self, request: Request, error: Exception) -> Response:
        """The answer where there is no such path, or no such method."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers = error.headers if isinstance(error, HTTPException) else None
        if self._is_page(request):
            made: Response = http_page(request, status)
        else:
            made = _in_json(request, _TEXTS.get(status, "the request was refused"), f"http-{status}", status)
        made.headers.update(headers or {})
        return made

    async def medtwin(self, request: Request, error: Exception) -> Response:
        """The answer to an error of ours that an endpoint let through."""
        if self._is_page(request) and isinstance(error, MedtwinError):
            return refusal(error, request)
        code = error_code(error) if isinstance(error, MedtwinError) else "internal"
        return _in_json(request, str(error), code, 500)

    async def unexpected(self, request: Request, error: Exception) -> Response:
        """The answer to what nobody expected, which is logged under the id that it names."""
        if self._is_page(request):
            number = log_unexpected(error, log)
            return _launch_page(number) if _is_under(request.url.path, _LAUNCH) else fault_page(request, number)
        told = internal_error(error)
        if is_hook_path(request.url.path):
            return outcome_response(500, "exception", [told["message"]])
        return JSONResponse({"errors": [told]}, 500)

    def _is_page(self, request: Request) -> bool:
        path = request.url.path
        return (path == "/" and self._root) or any(_is_under(path, folder) for folder in self._folders)


class InternalErrors:
    """Answers what nobody expected inside all other middleware: under the headers of every answer, and logged as one.

    Starlette's own handler stands outside of them.
    """

    def __init__(self, app: ASGIApp, answers: ErrorAnswers) -> None:
        self.app = app
        self._answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        has_begun = False

        async def watched(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            if has_begun:
                raise
            await (await self._answers.unexpected(Request(scope), error))(scope, receive, send)


def _in_json(request: Request, text: str, code: str, status: int) -> Response:
    if is_hook_path(request.url.path):
        return outcome_response(status, "exception", [text])
    return JSONResponse({"errors": [{"message": text, "extensions": {"code": code}}]}, status)


def _launch_page(number: str) -> HTMLResponse:
    """Of a launch, whose pages have a style of their own."""
    from server.launch.refusals import fault_page as launch_fault_page

    return launch_fault_page(number)


def _is_under(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")

"""The routes of CDS Hooks: discovery, calls, feedback; and all else below them, which is refused as they refuse."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from server.hooks.endpoint import HookEndpoint
from server.hooks.errors import MEDIA_TYPE, SERVICES, UnknownServiceError, WrongMethodError, refusal

Respond: TypeAlias = Callable[[Request], Awaitable[Response]]

_NOT_OFFERED = "no services are offered here: name their clients in hooks.clients"
_NOTHING = "there is nothing at this path; services are listed at /cds-services"


def hook_routes(offered: bool, page: Respond | None = None) -> list[BaseRoute]:
    """All paths at and below ``/cds-services``; ``request.app.state.hooks`` is the endpoint.

    ``offered``: whether there are clients, or nobody is asked who they are; else there is nothing at any of the paths.
    ``page``: answers who looks for services with a browser; None: there is no page.
    """
    if not offered:
        nothing = _Endpoint({}, _NOT_OFFERED)
        return [Route(SERVICES, nothing), Route(SERVICES + "/{path:path}", nothing)]

    async def discover(request: Request) -> Response:
        # Whoever takes anything gets JSON, as every client of CDS Hooks does.
        if page is not None and _asks_for_page(request.headers.get("accept", "")):
            return await page(request)
        return Response(_endpoint(request).discovery, media_type=MEDIA_TYPE, headers={"Vary": "Accept"})

    async def call(request: Request) -> Response:
        return await _endpoint(request).call(request)

    async def feedback(request: Request) -> Response:
        return await _endpoint(request).feedback(request)

    return [
        Route(SERVICES, _Endpoint({"GET": discover, "HEAD": discover})),
        Route(SERVICES + "/{id}", _Endpoint({"POST": call})),
        Route(SERVICES + "/{id}/feedback", _Endpoint({"POST": feedback})),
        Route(SERVICES + "/{path:path}", _Endpoint({}, _NOTHING)),
    ]


class _Endpoint:
    """What answers at a path by each method; none at all: there is nothing there, as ``text`` says."""

    def __init__(self, by_method: Mapping[str, Respond], text: str = _NOTHING) -> None:
        self._by_method = by_method
        self._text = text

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        respond = self._by_method.get(scope["method"])
        if respond is not None:
            response = await respond(Request(scope, receive, send))
        elif self._by_method:
            response = refusal(WrongMethodError(_named(self._by_method)))
        else:
            response = refusal(UnknownServiceError(self._text))
        await response(scope, receive, send)


def _named(by_method: Mapping[str, Respond]) -> Sequence[str]:
    return [each for each in by_method if each != "HEAD"]


def _endpoint(request: Request) -> HookEndpoint:
    found: HookEndpoint = request.app.state.hooks
    return found


def _asks_for_page(accept: str) -> bool:
    """Whether HTML is named, and before JSON: browsers name it first."""
    named = [each.split(";")[0].strip().lower() for each in accept.split(",")]
    return "text/html" in named and "application/json" not in named[: named.index("text/html")]

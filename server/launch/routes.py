"""The routes of launches: plain redirects, the logout, and the refusals in words.  Charts are shown by ``pages``."""

from collections.abc import Awaitable, Callable, Sequence
from html import escape
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.launch.launches import CALLBACK, Launches
from server.launch.refusals import WAY_BACK, LaunchRefusedError, page, refusal_page

APP = "/app/{launch}"
OTHER_SITE = "This was asked by a page of another site, and was not done."

Endpoint = Callable[[Request], Awaitable[Response]]


def launch_routes() -> list[Route]:
    """The routes.  ``request.app.state.launches`` are the launches of the server."""
    return [
        Route("/launch", in_words(_begin), methods=["GET"]),
        Route(CALLBACK, in_words(_complete), methods=["GET"]),
        Route(APP + "/logout", in_words(_log_out), methods=["POST"]),
    ]


def in_words(endpoint: Endpoint) -> Endpoint:
    """The endpoint, whose refusals (LaunchRefusedError) become pages that say what happened and the way back."""

    async def answer(request: Request) -> Response:
        try:
            if request.method == "HEAD":
                # A look ahead must neither begin a launch nor use up its answer.
                raise LaunchRefusedError(405, "Only a browser that opens this page gets an answer here.")
            return await endpoint(request)
        except LaunchRefusedError as refused:
            launches = _launches(request)
            return refusal_page(refused, launches.ehrs.starts, launches.root)

    return answer


def require_same_origin(request: Request, root: str) -> None:
    """Raises LaunchRefusedError (403) unless a page of this server, at ``root``, sent the request."""
    parts = urlsplit(root)
    port = "" if parts.port in (None, {"https": 443, "http": 80}[parts.scheme]) else f":{parts.port}"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    if request.headers.getlist("origin") != [f"{parts.scheme}://{host}{port}"]:
        raise LaunchRefusedError(403, OTHER_SITE)


async def _begin(request: Request) -> Response:
    place, headers = await _launches(request).begin(request)
    return _redirect(place, headers)


async def _complete(request: Request) -> Response:
    place, headers = await _launches(request).complete(request)
    return _redirect(place, headers)


async def _log_out(request: Request) -> Response:
    launches = _launches(request)
    require_same_origin(request, launches.root)
    headers = await launches.sessions.end(request)
    return page("You are logged out", (f"<p>The chart is closed here. {escape(WAY_BACK)}</p>",), headers=headers)


def _launches(request: Request) -> Launches:
    launches: Launches = request.app.state.launches
    return launches


def _redirect(place: str, headers: Sequence[tuple[str, str]]) -> Response:
    made = RedirectResponse(place, 302)
    for name, value in headers:
        made.headers.append(name, value)
    return made

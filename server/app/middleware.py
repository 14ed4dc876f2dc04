"""Middleware: names that the server answers to, origins that may ask, headers of every response, and the access log.

Responses are kept out of caches and frames; the log holds no identifiers.
"""

import logging
import re
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import URL, Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from collectors.fetching.addresses import is_loopback
from server.hooks.errors import SERVICES, is_hook_path, outcome_response
from server.pages.rendering import CONTENT_SECURITY_POLICY as PAGES
from server.settings import ServerSettings

log = logging.getLogger("medtwin.access")

_ROUTES = ("/graphql", "/health", "/ready", "/graphiql", "/modules", "/pages", "/patients")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_LAUNCH_ROUTES = ("/launch", "/launch/callback")
_CHART_PAGES = ("answer", "record", "export", "logout")
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}
_OWN_SCRIPT = " script-src 'self';"
_STRICT_POLICY = "default-src 'none'; frame-ancestors 'none'"
# GraphiQL uses inline styles, and runs its language service in workers made of blobs.
_GRAPHIQL_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; img-src 'self' data:; "
    "font-src 'self' data:; frame-ancestors 'none'"
)


_GRAPHQL = "/graphql"
_PROBES = ("/health", "/ready")
"""Orchestrators ask these by an address; they disclose nothing to whoever names the server otherwise."""
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:@/]+)(:[0-9]*)?", re.IGNORECASE)
_PREFLIGHT_SECONDS = "600"


class KnownHosts:
    """Refuses requests that name another server: a page on the web could reach us by a name of its own (DNS rebinding).

    Known are the host of ``public_url``, names of this machine, and ``hosts``; ports are not compared.  A redirect
    never repeats what the caller called us, nor tells the address of this machine.
    """

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self.app = app
        public = urlsplit(settings.public_url or "").hostname or ""
        self._known = {_without_brackets(each) for each in (public, *settings.hosts)} - {""}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        named = Headers(scope=scope).getlist("host")
        is_known = len(named) == 1 and self._is_known(named[0])
        scope.setdefault("state", {})["known_host"] = is_known
        if not is_known and scope["path"] not in _PROBES:
            text = "this server is not known by that name; its operator names it in server.public_url or server.hosts"
            await _refusal("unknown-host", text, 400, scope["path"])(scope, receive, send)
            return

        async def with_relative_redirect(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                target = urlsplit(headers.get("location", ""))
                # Where the router cannot read the name, it redirects to the address at which this machine listens.
                if target.netloc and target.netloc in (*named, URL(scope=scope).netloc):
                    query = f"?{target.query}" if target.query else ""
                    headers["location"] = f"/{target.path.lstrip('/')}{query}"
            await send(message)

        await self.app(scope, receive, with_relative_redirect)

    def _is_known(self, host: str) -> bool:
        parts = _HOST.fullmatch(host)
        name = _without_brackets(parts[1]) if parts is not None else ""
        return name in self._known or is_loopback(name)


class CrossOrigin:
    """Lets pages of the configured origins ask /graphql, and call services of CDS Hooks, from a browser (CORS).

    They read refusals, too; never with cookies.
    """

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        self.app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = scope["path"] if scope["type"] == "http" else ""
        if path != _GRAPHQL and not is_hook_path(path):
            await self.app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        origin = asked.get("origin", "")
        is_allowed = origin in self._origins

        async def with_origin(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.add_vary_header("Origin")
                if is_allowed:
                    headers["Access-Control-Allow-Origin"] = origin
                    headers["Access-Control-Expose-Headers"] = "WWW-Authenticate, Retry-After"
            await send(message)

        if scope["method"] == "OPTIONS" and origin and "access-control-request-method" in asked:
            await _preflight(is_allowed, path)(scope, receive, with_origin)
        else:
            await self.app(scope, receive, with_origin)


def _preflight(is_allowed: bool, path: str) -> Response:
    """The answer to a browser that asks whether a page may ask; no token comes with that."""
    if not is_allowed:
        return _refusal("origin-not-allowed", "pages of this origin may not ask here; see server.origins", 403, path)
    allowed = {
        "Access-Control-Allow-Methods": "POST" if path == _GRAPHQL else "GET, POST",
        "Access-Control-Allow-Headers": "Authorization, Content-Type",
        "Access-Control-Max-Age": _PREFLIGHT_SECONDS,
    }
    return Response(status_code=204, headers=allowed)


def _refusal(code: str, text: str, status: int, path: str) -> Response:
    if is_hook_path(path):
        return outcome_response(status, "security", [text])
    return JSONResponse({"errors": [{"message": text, "extensions": {"code": code}}]}, status)


def _without_brackets(host: str) -> str:
    return host.lower().removeprefix("[").removesuffix("]")


class OneLength:
    """Refuses requests with two lengths, Content-Length and Transfer-Encoding: a proxy before us may read the other.

    The connection is closed, so that nothing of the body counts as another request.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and {b"content-length", b"transfer-encoding"} <= {n for n, _ in scope["headers"]}:
            text = "a request has either Content-Length or Transfer-Encoding"
            refused = _refusal("bad-request", text, 400, scope["path"])
            refused.headers["Connection"] = "close"
            await refused(scope, receive, send)
        else:
            await self.app(scope, receive, send)


class SecurityHeaders:
    """Adds the security headers to every response.

    ``framed`` are the policies of launches and charts by the beginning of their paths: they say what pages may frame
    them.
    """

    def __init__(self, app: ASGIApp, framed: Mapping[str, str] | None = None) -> None:
        self.app = app
        self._policies = {"/graphiql": _GRAPHIQL_POLICY, "/modules": PAGES, "/patients": PAGES}
        self._framed = dict(framed or {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        policies = {**self._policies, **self._framed}
        own = (policies[folder] for folder in policies if _is_under(path, folder))
        policy = PAGES if path in ("/", "/cds-services") else next(own, _STRICT_POLICY)
        is_framed = any(_is_under(path, folder) for folder in self._framed)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                # A refusal has no script, and so runs none.
                allowed = policy if message["status"] < 400 else policy.replace(_OWN_SCRIPT, "")
                headers.update({**_HEADERS, "Content-Security-Policy": allowed})
                if is_framed:
                    # frame-ancestors decides, and browsers would let X-Frame-Options forbid what it allows.  A form
                    # needs a referrer policy under which its Origin is sent.
                    del headers["X-Frame-Options"]
                    headers["Referrer-Policy"] = "same-origin"
            await send(message)

        await self.app(scope, receive, with_headers)


class AccessLog:
    """Logs method, route, status and milliseconds.

    An unknown method may contain anything, and so may a path, the handle of a chart for one: what is logged is the
    template of the path's route, or "other".
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def with_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, with_status)
        finally:
            route = _template(scope["path"])
            method = scope["method"] if scope["method"] in _METHODS else "other"
            log.info("%s %s %d %.0f ms", method, route, status, (time.perf_counter() - began) * 1000)


def _template(path: str) -> str:
    """The template of the route that a path belongs to."""
    if path in _LAUNCH_ROUTES:
        return path
    if is_hook_path(path):
        # An id is whatever a client wrote.
        _, _, *rest = path.split("/")
        if len(rest) < 2 or rest[1:] == ["feedback"]:
            return "/".join([SERVICES, *(["{id}"] if rest else []), *rest[1:]])
        return "other"
    if _is_under(path, "/app"):
        part = path.split("/")[3:4]
        return "/app/{launch}" + (f"/{part[0]}" if part and part[0] in _CHART_PAGES else "")
    return next((own for own in _ROUTES if _is_under(path, own)), "other")


def _is_under(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")

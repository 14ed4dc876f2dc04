"""Middleware: headers that keep responses out of caches and frames, and an access log without identifiers."""

import logging
import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.explain.card_html import CONTENT_SECURITY_POLICY as CARDS

log = logging.getLogger("medtwin.access")

_ROUTES = ("/graphql", "/health", "/ready", "/graphiql", "/modules")
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}
_STRICT_POLICY = "default-src 'none'; frame-ancestors 'none'"
# GraphiQL uses inline styles, and runs its language service in workers made of blobs.
_GRAPHIQL_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; img-src 'self' data:; "
    "font-src 'self' data:; frame-ancestors 'none'"
)


class SecurityHeaders:
    """Adds the security headers to every response."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        policies = {"/graphiql": _GRAPHIQL_POLICY, "/modules": CARDS}
        policy = next((policies[own] for own in policies if _is_under(scope["path"], own)), _STRICT_POLICY)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update({**_HEADERS, "Content-Security-Policy": policy})
            await send(message)

        await self.app(scope, receive, with_headers)


class AccessLog:
    """Logs method, route, status and milliseconds.  An unknown path may contain anything, and is logged as "other"."""

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
            route = next((own for own in _ROUTES if _is_under(scope["path"], own)), "other")
            log.info("%s %s %d %.0f ms", scope["method"], route, status, (time.perf_counter() - began) * 1000)


def _is_under(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")

"""The HTTP edge: routes, security headers, access log, health and readiness."""

from server.app.application import create_app

__all__ = ["create_app"]

"""The HTTP edge: routes, security headers, access log, health and readiness."""

from server.app.application import create_app, open_ehrs, open_issuers
from server.app.hooks import open_hook_clients

__all__ = ["create_app", "open_ehrs", "open_hook_clients", "open_issuers"]

"""The HTTP edge: routes, limits, headers, and the truth about cache and sources."""

from server.app.application import create_app

__all__ = ["create_app"]

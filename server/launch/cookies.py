"""The cookies of launches and charts: one for each, so that two tabs hold two charts.

In a frame of another site a browser sends only cookies that are partitioned by the page around it, so all are.  What
comes back is compared as text, byte by byte, and never decoded.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence

from starlette.requests import Request

_PENDING, _CHART = "__Host-medtwin-launch-", "__Host-medtwin-chart-"
_ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=None; Partitioned"
HANDLE = re.compile(r"[A-Za-z0-9_-]{22}")
"""What stands for a chart in a path: 128 bits, base64url."""


def new_handle() -> str:
    """The handle of a chart."""
    return secrets.token_urlsafe(16)


def new_secret() -> str:
    """A value that nobody can guess: 256 bits, base64url.  Of cookies, ``state``, ``nonce`` and code verifiers."""
    return secrets.token_urlsafe(32)


def pending_cookie(state: str) -> str:
    """The name of the cookie of a launch that is pending; the state itself is not in it."""
    return _PENDING + hashlib.sha256(state.encode()).hexdigest()[:16]


def chart_cookie(handle: str) -> str:
    """The name of the cookie of a chart."""
    return _CHART + handle


def keep(name: str, value: str) -> tuple[str, str]:
    """The header by which the browser keeps a cookie until it is closed."""
    return "Set-Cookie", f"{name}={value}; {_ATTRIBUTES}"


def drop(name: str) -> tuple[str, str]:
    """The header by which the browser forgets a cookie."""
    return "Set-Cookie", f"{name}=; Max-Age=0; {_ATTRIBUTES}"


def has(request: Request, name: str, value: str) -> bool:
    """Whether the request brings this cookie once, with exactly this value."""
    given = [each for known, each in _cookies(request) if known == name]
    return len(given) == 1 and hmac.compare_digest(given[0].encode(), value.encode())


def brings(request: Request, name: str) -> bool:
    """Whether the request brings a cookie of this name."""
    return any(known == name for known, _ in _cookies(request))


def handles(request: Request) -> Sequence[str]:
    """The handles of the charts of which the request brings a cookie, each once."""
    named = (name.removeprefix(_CHART) for name, _ in _cookies(request) if name.startswith(_CHART))
    return tuple(dict.fromkeys(handle for handle in named if HANDLE.fullmatch(handle)))


def pending(request: Request) -> Sequence[str]:
    """The names of the cookies of pending launches that the request brings."""
    return tuple(dict.fromkeys(name for name, _ in _cookies(request) if re.fullmatch(_PENDING + "[0-9a-f]{16}", name)))


def _cookies(request: Request) -> Sequence[tuple[str, str]]:
    # Starlette would unquote the values.
    pairs = (part.strip(" \t").partition("=") for line in request.headers.getlist("cookie") for part in line.split(";"))
    return tuple((name, value) for name, _, value in pairs)

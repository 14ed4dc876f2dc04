"""Launches that are refused, and the page that says so: what happened, and the way back.

A page holds no script, and nothing out of the request or out of another server's answer.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from html import escape
from urllib.parse import quote

from starlette.responses import HTMLResponse

from server.errors import ServerError

STYLE_SHEET = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem; }
body { color: #1a1a1a; background: #fff; } button { font: inherit; padding: .25rem .75rem; }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #121212; } a { color: #9cf; } }
"""
_STYLE = f"'sha256-{b64encode(sha256(STYLE_SHEET.encode()).digest()).decode()}'"

WAY_BACK = "Open medtwin again from the patient's chart in the EHR."
OVER = "The session is over. It ends after 30 minutes without use, after 8 hours, and when you log out."
NOT_NOW = "Sessions cannot be kept at the moment. Please try again in a minute."


class LaunchRefusedError(ServerError):
    """A launch, its answer, or a request for a chart is refused.  ``status`` is that of HTTP.

    The text is for the person before the screen; it names no patient and nothing that was received.  ``headers`` are
    those that the answer needs besides, such as cookies that are to be removed.
    """

    def __init__(self, status: int, text: str, headers: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(text)
        self.status = status
        self.headers = tuple(headers)


def policy(frame_ancestors: Sequence[str], is_chart: bool = False) -> str:
    """The Content-Security-Policy of these pages, which only pages of these origins may frame.

    ``is_chart``: of the pages of a chart, which have a style sheet and a script of this server.
    """
    framed_by = " ".join(frame_ancestors) or "'none'"
    styles = f"'self' {_STYLE}; script-src 'self'" if is_chart else _STYLE
    return f"default-src 'none'; style-src {styles}; base-uri 'none'; form-action 'self'; frame-ancestors {framed_by}"


def refusal_page(refused: LaunchRefusedError, starts: Mapping[str, str], root: str) -> HTMLResponse:
    """The page that says what happened.  ``starts``: by source id, the ``iss`` of a launch without the EHR.

    ``root``: the address of this server, of which the links are.
    """
    titles = {401: "No chart is open here", 404: "There is no such chart", 503: "Not possible at the moment"}
    links = [
        f'<li><a href="{escape(root)}/launch?iss={quote(iss, safe="")}">Choose a patient of {escape(name)}</a></li>'
        for name, iss in starts.items()
    ]
    others = ("<p>Or start here:</p>", "<ul>", *links, "</ul>") if links else ()
    body = (f"<p>{escape(str(refused))}</p>", f"<p>{escape(WAY_BACK)}</p>", *others)
    return page(titles.get(refused.status, "The chart could not be opened"), body, refused.status, refused.headers)


def fault_page(number: str) -> HTMLResponse:
    """The page of a launch that broke here; ``number``: the id under which that is logged."""
    body = (
        "<p>A fault of this server. Nothing was opened.</p>",
        f"<p>{escape(WAY_BACK)}</p>",
        f"<p>If it happens again, tell your administrator: id {escape(number)}.</p>",
    )
    return page("The chart could not be opened", body, 500)


def page(title: str, body: Sequence[str], status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> HTMLResponse:
    """A page of these lines of HTML, in which everything is escaped already."""
    lines = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title>\n<style>{STYLE_SHEET}</style>\n</head>\n<body>\n<main>\n<h1>{escape(title)}</h1>",
        *body,
        "</main>\n</body>\n</html>\n",
    )
    made = HTMLResponse("\n".join(lines), status)
    for name, value in headers:
        made.headers.append(name, value)
    return made

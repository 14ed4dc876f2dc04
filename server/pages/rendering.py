"""Templates into responses: escaped, nothing undefined, and under a policy that lets nothing in from elsewhere."""

import re
from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse

HERE = Path(__file__).parent
FILES = "/pages"
"""The path of the style sheet and the script."""
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_TYPES = {"page.css": "text/css", "page.js": "text/javascript"}
_NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"
_PERCENT = re.compile(r"(?<=\d) %")
_HYPHEN = re.compile(r"(?:^|(?<=[\s(]))-(?=\d)")
_LONGEST_TEXT = 2_000
_COMMANDS = dict.fromkeys(
    (
        *(each for each in range(0x20) if chr(each) not in "\t\n\r"),
        *range(0x7F, 0xA0),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
    ),
    "\N{REPLACEMENT CHARACTER}",
)
"""Control characters, and those that override, embed or isolate a direction of writing."""


@cache
def environment() -> Environment:
    """The templates: all values are escaped, and one that is not there is an error."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=_shown,
    )
    made.filters.update(words=words, quoted=quoted, initial=initial, spaced=spaced)
    return made


def _shown(value: Any) -> Any:
    """The value with a sign in the place of each character that would command the page instead of standing on it.

    A display that overrides the direction of writing shows "3.2" as "2.3" inside its own element, too.
    """
    return value.translate(_COMMANDS) if isinstance(value, str) else value


def spaced(text: str) -> str:
    """The text with a narrow space before each percent sign, at which no line ends, and minus signs for hyphens."""
    return _HYPHEN.sub("\N{MINUS SIGN}", _PERCENT.sub(f"{_NARROW_SPACE}%", text))


def initial(text: str) -> str:
    """The text with a capital at its beginning; an id, an address and ``eGFR`` keep their letters: EGFR is another."""
    first = text.split(" ", 1)[0]
    return text if "/" in first or first[1:] != first[1:].lower() else text[:1].upper() + text[1:]


def words(text: str) -> Markup:
    """A sentence of the answer, which may quote a record: isolated from the direction of what is around it.

    What a record says at great length is cut off: the record itself has it all.
    """
    return quoted(spaced(text))


def quoted(text: str) -> Markup:
    """What a record says, with its own signs."""
    shown = text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]} …"
    return Markup('<bdi class="words">') + escape(shown) + Markup("</bdi>")


def page(template: str, status: int = 200, **values: Any) -> Response:
    """A page from a template."""
    return HTMLResponse(environment().get_template(template).render(**values), status)


def streamed(first: str, following: AsyncIterator[str]) -> Response:
    """A page whose first part is sent at once, and the rest as it is there."""

    async def parts() -> AsyncIterator[str]:
        yield first
        async for part in following:
            yield part

    return StreamingResponse(parts(), media_type="text/html")


def render(template: str, **values: Any) -> str:
    """A part of a page."""
    return environment().get_template(template).render(**values)


async def static_file(request: Request) -> Response:
    """The style sheet, or the script."""
    name = request.path_params["name"]
    if name not in _TYPES:
        return Response(status_code=404)
    return Response(_content(name), media_type=f"{_TYPES[name]}; charset=utf-8")


@cache
def _content(name: str) -> bytes:
    return (HERE / "static" / name).read_bytes()


def template_names() -> Iterator[str]:
    """All templates."""
    yield from environment().list_templates()

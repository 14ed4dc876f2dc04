"""The body of a request: declared as JSON, within bounds of size and time; and work that ends when its caller goes."""

import asyncio
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request

APPLICATION_JSON = "application/json"
_UTF_8 = frozenset({"", "utf-8", "utf8"})


def is_json_body(headers: Headers) -> bool:
    """Whether a body is declared as JSON in UTF-8, which it is where no charset is named."""
    declared = headers.getlist("content-type")
    if len(declared) != 1:
        return False
    kind, *parameters = declared[0].split(";")
    charsets = [parameter(each, "charset") for each in parameters]
    return kind.strip().lower() == APPLICATION_JSON and all(each is None or each.lower() in _UTF_8 for each in charsets)


def parameter(written: str, name: str) -> str | None:
    """The value of a parameter of a media type, if it is this one."""
    key, _, value = written.partition("=")
    return value.strip().strip('"') if key.strip().lower() == name else None


async def read_body(request: Request, most: int, seconds: float) -> bytes | None:
    """The body; None as soon as it is longer than ``most`` bytes, which one that declares itself so is at once.

    Raises TimeoutError where it takes longer than ``seconds``, and starlette's ClientDisconnect.
    """
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and (len(declared) > 18 or int(declared) > most):
        return None
    content = bytearray()
    async with asyncio.timeout(seconds):
        async for chunk in request.stream():
            content += chunk
            if len(content) > most:
                return None
    return bytes(content)


async def finishes_before_disconnect(running: asyncio.Future[Any], request: Request) -> bool:
    """Whether it was done before the client went away; else nothing of it goes on.  The body was read."""
    gone = asyncio.ensure_future(_wait_for_disconnect(request))
    try:
        await asyncio.wait((running, gone), return_when=asyncio.FIRST_COMPLETED)
        return running.done()
    finally:
        for each in (running, gone):
            each.cancel()
        await asyncio.wait((running, gone))


async def _wait_for_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass

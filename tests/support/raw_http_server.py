"""A server that speaks raw HTTP over a real connection, so that it can break off where no framework would."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

from collectors.reading.supplied import encode_resource
from tests.support.collector_inputs import PATIENT

Script: TypeAlias = Callable[[asyncio.StreamWriter], Awaitable[None]]
"""Writes an answer, or a part of one; the connection is closed after it."""


def head(status: str = "200 OK", **headers: object) -> bytes:
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/fhir+json"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def page(*records: object) -> bytes:
    entries = [{"resource": record} for record in records]
    return encode_resource({"resourceType": "Bundle", "type": "searchset", "entry": entries})


def send_parts(*parts: bytes) -> Script:
    async def script(writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
        await writer.drain()

    return script


def complete_page(*records: object) -> Script:
    content = page(*records)
    return send_parts(head(Content_Length=len(content), Connection="close"), content)


class RawHttpServer:
    """Answers ``Type`` by the scripts given for it, one a request, the last one over and over."""

    def __init__(self, **scripts: list[Script]) -> None:
        self.scripts = {"Patient": [complete_page(PATIENT)], **scripts}
        self.requests: list[str] = []

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            kind = request.split(b"?")[0].rsplit(b"/", 1)[-1].decode()
            self.requests.append(kind)
            scripts = self.scripts.get(kind, [complete_page()])
            script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
            await script(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def base_url_of(wire: RawHttpServer) -> AsyncIterator[str]:
    """Its base URL."""
    server = await asyncio.start_server(wire.answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/fhir"
    finally:
        server.close()
        await server.wait_closed()

"""A FHIR server that speaks HTTP/2 over TLS, or HTTP/1.1 where the client does not offer it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived
from h2.exceptions import ProtocolError

BODY = b'{"resourceType": "Bundle", "type": "searchset"}'
HEADERS = [(":status", "200"), ("content-type", "application/fhir+json")]
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: %d\r\n\r\n" % len(BODY)


@dataclass
class ServerLog:
    """What the server saw: connections, the protocol of each request, and how many were under way at once.

    The first ``refused`` requests over HTTP/2 end the connection in the middle of the answer.
    """

    connections: int = 0
    requests: list[str] = field(default_factory=list)
    most: int = 0
    refused: int = 0
    _running: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            if writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2":
                await self._two(reader, writer)
            else:
                await self._one(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ProtocolError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            self.requests.append("HTTP/1.1")
            writer.write(PLAIN + BODY)

    async def _two(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = H2Connection(H2Configuration(client_side=False))
        connection.initiate_connection()
        writer.write(connection.data_to_send())
        answering: set[asyncio.Task[None]] = set()
        while data := await reader.read(65_536):
            for event in connection.receive_data(data):
                if isinstance(event, RequestReceived) and event.stream_id is not None:
                    answering.add(asyncio.ensure_future(self._answer(connection, event.stream_id, writer)))
            writer.write(connection.data_to_send())
        for each in answering:
            each.cancel()

    async def _answer(self, connection: H2Connection, stream: int, writer: asyncio.StreamWriter) -> None:
        self.requests.append("HTTP/2")
        self._running += 1
        self.most = max(self.most, self._running)
        await asyncio.sleep(0.05)
        self._running -= 1
        connection.send_headers(stream, HEADERS)
        if self.refused:
            self.refused -= 1
            connection.send_data(stream, BODY[:9])
            writer.write(connection.data_to_send())
            writer.close()
            return
        connection.send_data(stream, BODY, end_stream=True)
        writer.write(connection.data_to_send())


@asynccontextmanager
async def serve_http2(seen: ServerLog, certificate: tuple[Path, Path]) -> AsyncIterator[str]:
    """Its base URL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    context.set_alpn_protocols(["h2", "http/1.1"])
    server = await asyncio.start_server(seen.serve, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/fhir"
    finally:
        server.close()
        await server.wait_closed()

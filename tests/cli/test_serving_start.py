"""What the server does between its start and its first question."""

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

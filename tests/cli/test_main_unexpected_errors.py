"""What nobody meant to raise, and a reader that has gone: the command line says as much as it should of both."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]

# A library takes sys.excepthook for itself as soon as its schema is made (`ask --format json`, `serve`).
HOOK = "import server.graphql.schema as schema; schema.build_core_schema(); "


def run_with(body: str, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    """``python -m server`` with another main."""
    program = (
        f"import sys, runpy\nimport server.cli\ndef broken(): {body}\n"
        "server.cli.main = broken\nrunpy.run_module('server', run_name='__main__')\n"
    )
    return subprocess.run(
        [sys.executable, "-c", program], cwd=REPO, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False
    )


@pytest.mark.parametrize("before", ["", HOOK], ids=["alone", "with GraphQL"])
def test_what_nobody_meant_is_one_line_without_its_text(before: str) -> None:
    run = run_with(f"{before}raise RuntimeError('p1-secret')")
    assert run.returncode == 1
    assert run.stderr.startswith("medtwin: internal error: RuntimeError at broken")
    assert run.stderr.count("\n") == 1
    assert "secret" not in run.stderr


@pytest.mark.parametrize("length", [10, 1_000_000], ids=["noticed at the end", "noticed at once"])
def test_a_reader_that_has_gone_is_no_fault(length: int) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        run = run_with(f"print('x' * {length}); return 0", stdout=writing)
    finally:
        os.close(writing)
    assert run.stderr == ""
    assert run.returncode == 141


def test_the_status_is_that_of_the_command() -> None:
    run = run_with("print('told'); return 3")
    assert (run.returncode, run.stdout, run.stderr) == (3, "told\n", "")

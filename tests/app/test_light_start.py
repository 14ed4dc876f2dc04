"""A start imports what it needs and no more: what only a few need is imported when they come.

Trained models take seconds and hundreds of megabytes, SHACL and the signing of assertions tenths of a second.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.child import ROOT

MODELS = ("numba", "pandas", "scipy", "shap", "skops", "sklearn", "threadpoolctl")
RARE = ("fhir.resources.R4B", "jwt", "pyshacl")
"""For records, for backend services, and for descriptions that changed since the last start."""
SERVING = ("graphql", "starlette", "strawberry", "uvicorn")
PROGRAM = """
import sys
import {name}
print(*sorted({heavy!r} & sys.modules.keys()))
"""
CATALOG = """
import asyncio, sys
from pathlib import Path
from server.catalog.load import load_catalog
from server.executor.engine import Engine
from server.settings import Settings

async def open_and_close():
    async with await Engine.open(Settings(cache={{"enabled": False}}), load_catalog(checked=Path({checked!r}))):
        pass

asyncio.run(open_and_close())
print(*sorted({heavy!r} & sys.modules.keys()))
"""
ASKED = """
import contextlib, io, sys
from server.cli import main
with contextlib.redirect_stdout(io.StringIO()):
    assert main(["plan", "egfr"]) == 0
print(*sorted({heavy!r} & sys.modules.keys()))
"""


def imported(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("name", ["server.app", "server.cli.serve", "server.kinds", "server.graphql.schema"])
def test_importing_is_light(name: str) -> None:
    assert imported(PROGRAM.format(name=name, heavy={*MODELS, *RARE})) == ""


@pytest.mark.parametrize("name", ["server.cli", "server.cli.ask", "server.cli.plan", "server.cli.check"])
def test_asking_needs_nothing_that_serves(name: str) -> None:
    assert imported(PROGRAM.format(name=name, heavy={*MODELS, *RARE, *SERVING})) == ""


def test_a_command_imports_its_own_alone() -> None:
    assert imported(ASKED.format(heavy={*MODELS, "jwt", *SERVING})) == ""


def test_opening_the_engine_is_light(tmp_path: Path) -> None:
    checked = str(tmp_path / "checked")
    assert imported(CATALOG.format(heavy={*MODELS, *RARE}, checked=checked)) == "pyshacl"
    assert imported(CATALOG.format(heavy={*MODELS, *RARE}, checked=checked)) == ""


def test_the_model_kind_is_what_imports_them() -> None:
    assert "shap" in imported(PROGRAM.format(name="server.kinds.trained.loaded", heavy=set(MODELS))).split()


def test_serving_is_what_imports_graphql() -> None:
    assert imported(PROGRAM.format(name="server.cli.serve", heavy=set(SERVING))).split() == sorted(SERVING)

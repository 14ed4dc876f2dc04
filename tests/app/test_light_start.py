"""The start imports none of what only trained models need: it takes seconds and hundreds of megabytes."""

import subprocess
import sys

import pytest

from fixtures.child import ROOT

HEAVY = ("numba", "pandas", "scipy", "shap", "skops", "sklearn", "threadpoolctl")
PROGRAM = """
import sys
import {name}
print(*sorted({heavy!r} & sys.modules.keys()))
"""
CATALOG = """
import asyncio, sys
from server.catalog.load import load_catalog
from server.executor.engine import Engine
from server.settings import Settings

async def open_and_close():
    async with await Engine.open(Settings(cache={{"enabled": False}}), load_catalog()):
        pass

asyncio.run(open_and_close())
print(*sorted({heavy!r} & sys.modules.keys()))
"""


def imported(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("name", ["server.app", "server.cli", "server.kinds", "server.graphql.schema"])
def test_importing_is_light(name: str) -> None:
    assert imported(PROGRAM.format(name=name, heavy=set(HEAVY))) == ""


def test_opening_the_engine_is_light() -> None:
    assert imported(CATALOG.format(heavy=set(HEAVY))) == ""


def test_the_model_kind_is_what_imports_them() -> None:
    assert "shap" in imported(PROGRAM.format(name="server.kinds.trained.loaded", heavy=set(HEAVY))).split()

"""A start imports what it needs and no more: what only a few need is imported when they come.

Trained models take seconds and hundreds of megabytes, SHACL and the signing of assertions tenths of a second.
"""

import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from fixtures.child import ROOT

MODELS = ("numba", "pandas", "scipy", "shap", "skops", "sklearn", "threadpoolctl")
RARE = ("fhir.resources.R4B", "jwt", "pyshacl")
"""For records, for backend services, and for descriptions that changed since the last start."""
SERVING = ("graphql", "starlette", "strawberry", "uvicorn")
STAGES = """
import contextlib, io, sys
from importlib import import_module
for name in {names!r}:
    if name == "plan":
        with contextlib.redirect_stdout(io.StringIO()):
            assert sys.modules["server.cli"].main(["plan", "egfr"]) == 0
    else:
        import_module(name)
    print(name, *sorted({heavy!r} & sys.modules.keys()))
"""
CATALOG = """
import asyncio, sys
from pathlib import Path
from server.catalog.catalog import load_catalog
from server.executor.engine import Engine
from server.settings import Settings

async def open_and_close():
    async with await Engine.open(Settings(cache={{"enabled": False}}), load_catalog(verdict_file=Path({checked!r}))):
        pass

asyncio.run(open_and_close())
print(*sorted({heavy!r} & sys.modules.keys()))
"""
ASKING = ("server.cli", "server.cli.ask", "server.cli.plan", "server.cli.check", "plan")
STARTING = (
    "server.kinds",
    "server.cli.serve",
    "server.graphql.schema",
    "server.app",
    "server.kinds.trained.loaded_model",
)


def imported(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@cache
def after(names: tuple[str, ...]) -> dict[str, set[str]]:
    """What of the heavy is there after each of these, one after another in one process."""
    told = imported(STAGES.format(names=names, heavy={*MODELS, *RARE, *SERVING})).splitlines()
    return {name: set(heavy) for name, *heavy in map(str.split, told)}


@pytest.mark.parametrize("name", STARTING[:-1])
def test_importing_is_light(name: str) -> None:
    assert after(STARTING)[name].isdisjoint({*MODELS, *RARE})


@pytest.mark.parametrize("name", ASKING[:-1])
def test_asking_needs_nothing_that_serves(name: str) -> None:
    assert after(ASKING)[name] == set()


def test_a_command_imports_its_own_alone() -> None:
    assert after(ASKING)["plan"].isdisjoint({*MODELS, "jwt", *SERVING})


def test_opening_the_engine_is_light(tmp_path: Path) -> None:
    checked = str(tmp_path / "checked")
    assert imported(CATALOG.format(heavy={*MODELS, *RARE}, checked=checked)) == "pyshacl"
    assert imported(CATALOG.format(heavy={*MODELS, *RARE}, checked=checked)) == ""


def test_the_model_kind_is_what_imports_them() -> None:
    assert "shap" in after(STARTING)["server.kinds.trained.loaded_model"]


def test_serving_is_what_imports_graphql() -> None:
    assert after(STARTING)["server.kinds"] == set()
    assert after(STARTING)["server.cli.serve"] == set(SERVING)

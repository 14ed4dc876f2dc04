"""Invariant 2: ``evaluate`` is pure: no clock, no input or output, no randomness.  What it may import is listed."""

import ast
from pathlib import Path

import pytest

import modules

ROOT = Path(modules.__file__).parent
# How a model was trained is no part of the server, and is never imported by it.
SOURCES = sorted(path for path in ROOT.glob("*/*.py") if path.name != "train.py")
IMPORTS = {
    "__future__", "calendar", "collections", "collections.abc", "dataclasses", "datetime", "decimal", "enum",
    "fractions", "functools", "itertools", "math", "operator", "statistics", "typing",
}  # fmt: skip
# What reaches files, or other code round the list of imports; id and hash differ from one process to the next.
NAMES = {
    "open", "print", "input", "eval", "exec", "compile", "__import__", "globals", "locals", "vars", "breakpoint", "id",
    "hash", "getattr", "setattr", "delattr", "super", "__builtins__", "__loader__", "__spec__",
}  # fmt: skip
# datetime.now and its like; NormalDist.samples draws at random; setcontext changes arithmetic for everyone; cache and
# lru_cache keep patients' values.
ATTRIBUTES = {
    "now", "utcnow", "today", "fromtimestamp", "utcfromtimestamp", "localtime", "samples", "setcontext", "getcontext",
    "cache", "lru_cache", "cached_property", "__globals__", "__dict__", "__class__", "__subclasses__", "__builtins__",
}  # fmt: skip


def impurities(source: str, folder: str) -> list[str]:
    """What in a module's source could make equal inputs give unequal results, or leave a trace."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [f"imports {alias.name}" for alias in node.names if not _allowed(alias.name, folder)]
        elif isinstance(node, ast.ImportFrom):
            name = node.module or ""
            if node.level or not _allowed(name, folder):
                found.append(f"imports {'.' * node.level}{name}")
            found += [f"imports {name}.{alias.name}" for alias in node.names if alias.name in ATTRIBUTES | {"*"}]
        elif isinstance(node, ast.Name) and node.id in NAMES:
            found.append(f"names {node.id}")
        elif isinstance(node, ast.Attribute) and node.attr in ATTRIBUTES:
            found.append(f"reads .{node.attr}")
        elif isinstance(node, ast.Call) and not node.args and getattr(node.func, "attr", "") == "astimezone":
            found.append("reads the machine's time zone")
        elif isinstance(node, ast.Global | ast.Nonlocal):
            found.append("writes a variable that outlives the call")
        elif isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.Yield | ast.YieldFrom):
            found.append("is not a plain function")
    return found


def _allowed(name: str, folder: str) -> bool:
    return name in IMPORTS or name.split(".")[0] == "ontology" or name.startswith(f"modules.{folder}.")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_modules_are_pure(path: Path) -> None:
    assert impurities(path.read_text(encoding="utf-8"), path.parent.name) == []


def test_there_are_implementations_to_look_at() -> None:
    assert [path for path in SOURCES if path.name == "evaluate.py"]


@pytest.mark.parametrize(
    "source",
    [
        "import random",
        "import time",
        "import os.path",
        "from pathlib import Path",
        "from datetime import *",
        "from functools import lru_cache",
        "import modules.other.evaluate",
        "from modules.other.evaluate import evaluate",
        "from . import other",
        "from server import kinds",
        "x = datetime.now(UTC)",
        "x = date.today()",
        "x = at.astimezone()",
        "x = NormalDist().samples(3)",
        "x = functools.cache(f)",
        "x = open('f')",
        "x = __import__('os')",
        "def f():\n    global x\n    x = 1",
        "async def evaluate(): pass",
    ],
)
def test_an_impurity_is_found(source: str) -> None:
    assert impurities(source, "mine") != []


def test_what_a_module_needs_is_let_through() -> None:
    source = (
        "import math\nfrom datetime import datetime\nfrom decimal import Decimal, localcontext\n"
        "from ontology.values import Quantity\nfrom modules.mine.tables import T\n"
        "def evaluate(a: Decimal, at: datetime) -> Decimal:\n    return math.exp(a) + at.astimezone(a.zone).year\n"
    )
    assert impurities(source, "mine") == []

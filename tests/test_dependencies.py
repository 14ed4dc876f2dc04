"""What the house imports is what pyproject.toml says that it needs: the image holds nothing more."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from fixtures.child import ROOT

HOUSE = ("ontology", "collectors", "modules", "server")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[^A-Za-z0-9._-]", name)[0]).lower()


# pydantic pins its own core to the very version: to declare it beside would be to say the same twice.
COMPANIONS = {"pydantic-core"}
DIRECT = COMPANIONS | {normal(requirement) for requirement in PROJECT["project"]["dependencies"]}


def imported(path: Path) -> set[str]:
    """The top-level names that a file imports from elsewhere."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    # What fits a model again is run by hand, never by the server: the image does without it.
    fitting = {"training"} if path.name == "train.py" or path.parent.name == "training" else set()
    return found - sys.stdlib_module_names - set(HOUSE) - fitting


@pytest.mark.parametrize("room", (*HOUSE, "training"))
def test_a_room_imports_only_declared_packages(room: str) -> None:
    providers = packages_distributions()
    undeclared = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / room).rglob("*.py")
        for name in imported(path)
        if not DIRECT & {normal(provider) for provider in providers.get(name, [])}
    }
    assert undeclared == set()


def test_the_image_does_not_need_the_fixtures() -> None:
    needing = [path for room in HOUSE for path in (ROOT / room).rglob("*.py") if imported(path) & {"fixtures", "tests"}]
    assert needing == []

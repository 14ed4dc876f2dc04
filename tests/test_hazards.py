"""The hazard log points at tests, and the tests exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROWS = [
    [cell.strip() for cell in line.strip().strip("|").split(" | ")]
    for line in (ROOT / "HAZARDS.md").read_text(encoding="utf-8").splitlines()
    if re.match(r"\| H\d", line)
]
SEVERITIES = {"critical", "serious", "moderate", "minor"}


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def missing(pointers: list[str]) -> list[str]:
    """Which of ``path::name`` point at no test."""
    faults = []
    for pointer in pointers:
        path, _, name = pointer.partition("::")
        if not (ROOT / path).is_file() or name not in functions_of(ROOT / path):
            faults.append(pointer)
    return faults


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_every_control_is_shown_by_a_test_that_exists(row: list[str]) -> None:
    assert len(row) == 7, "id, hazard, sequence, harm, severity, controls, tests"
    assert all(row)
    assert row[4] in SEVERITIES
    pointers = re.findall(r"`(tests/[^`]+)`", row[6])
    assert pointers
    assert missing(pointers) == []


def test_hazards_are_numbered_once() -> None:
    assert [row[0] for row in ROWS] == [f"H{number:02d}" for number in range(1, len(ROWS) + 1)]
    assert len(ROWS) >= 15


def test_a_pointer_at_nothing_is_found() -> None:
    assert missing(["tests/test_hazards.py::test_no_such", "tests/no_such.py::test_x"]) != []
    assert missing(["tests/test_hazards.py::test_a_pointer_at_nothing_is_found"]) == []

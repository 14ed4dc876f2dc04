"""Each requirement of a specification that binds us is named by a test, or reasoned away; never both.

The rows are those of Inferno's test kits, by number and page: SMART App Launch 2.2.0, what a Client SHALL and SHALL NOT
do. A test names those that it shows in its docstring, as `SMART-13`.
"""

import ast
import csv
import re
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
ROW = re.compile(r"\bSMART-\d+\b")


def rows(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def named_in(text: str) -> Iterator[str]:
    """The rows that the docstrings of tests in a module name."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield from ROW.findall(ast.get_docstring(node) or "")


def named() -> set[str]:
    return {
        row
        for path in HERE.parent.rglob("test_*.py")
        if path != Path(__file__)
        for row in named_in(path.read_text(encoding="utf-8"))
    }


def faults(binding: list[str], shown: set[str], reasons: dict[str, str]) -> list[str]:
    """What is missing, in both, unknown, or reasoned away in less than four words."""
    found = [f"{row}: named by no test and not reasoned away" for row in binding if row not in shown | set(reasons)]
    found += [f"{row}: named by a test and reasoned away" for row in sorted(shown & set(reasons))]
    found += [f"{row}: binds no client" for row in sorted((shown | set(reasons)) - set(binding))]
    return found + [f"{row}: {reason!r} is no reason" for row, reason in reasons.items() if len(reason.split()) < 4]


def test_every_row_that_binds_a_client_is_shown_or_reasoned_away() -> None:
    binding = [each["row"] for each in rows("smart-client-rows.csv")]
    assert len(binding) == len(set(binding)) == 121
    reasoned = [each for each in rows("not-applicable.csv") if ROW.fullmatch(each["row"])]
    reasons = {each["row"]: each["reason"] for each in reasoned}
    assert len(reasons) == len(reasoned)
    assert faults(binding, named(), reasons) == []


def test_each_fault_is_found() -> None:
    good = {"SMART-2": "this server does not do that"}
    assert faults(["SMART-1", "SMART-2"], {"SMART-1"}, good) == []
    assert faults(["SMART-1", "SMART-2", "SMART-3"], {"SMART-1"}, good) == [
        "SMART-3: named by no test and not reasoned away"
    ]
    assert "SMART-2: named by a test and reasoned away" in faults(["SMART-2"], {"SMART-2"}, good)
    assert faults([], {"SMART-9"}, {}) == ["SMART-9: binds no client"]
    assert faults(["SMART-2"], set(), {"SMART-2": "not for us"}) == ["SMART-2: 'not for us' is no reason"]
    source = 'def test_a():\n    """SMART-1, SMART-22."""\ndef other():\n    """SMART-3."""\n# SMART-4\n'
    assert set(named_in(source)) == {"SMART-1", "SMART-22"}

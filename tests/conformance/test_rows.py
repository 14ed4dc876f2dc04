"""Each requirement of a specification that binds us is named by a test, or reasoned away; never both.

The rows are those of Inferno's test kits, by number and page: what a Client SHALL and SHALL NOT do by SMART App Launch
2.2.0, and what a Service (on the pages of hooks: a Server) SHALL and SHALL NOT do by CDS Hooks 2.0.1.  A test names
those that it shows in its docstring, as `SMART-13`, `CDS-54`, `HOOK-order-sign-16` or, since the pages of hooks are
numbered through, `HOOK-16`.
"""

import ast
import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROW = re.compile(r"\b(?:SMART|CDS|HOOK(?:-[a-z]+)*)-\d+\b")
SPECIFICATIONS: Mapping[str, tuple[tuple[str, ...], int, Mapping[str, int]]] = {
    "smart-client-rows.csv": (("SMART",), 121, {}),
    # Rows that bind others, or that are no SHALL, may be shown as well: so many there are.
    "cds-service-rows.csv": (("CDS", "HOOK"), 78, {"CDS": 220, "HOOK": 93}),
}
"""By file: the prefixes of its rows, how many bind us, and up to which number there are others."""


def rows(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def short(row: str) -> str:
    """A row without the name of its page: its prefix and number."""
    return f"{row.split('-')[0]}-{row.rsplit('-', 1)[1]}"


def named_in(text: str) -> Iterator[str]:
    """The rows that the docstrings of tests in a module name."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield from map(short, ROW.findall(ast.get_docstring(node) or ""))


def named() -> set[str]:
    return {
        row
        for path in HERE.parent.rglob("test_*.py")
        if path != Path(__file__)
        for row in named_in(path.read_text(encoding="utf-8"))
    }


def faults(
    binding: Sequence[str], shown: set[str], reasons: Mapping[str, str], others: Mapping[str, int] | None = None
) -> list[str]:
    """What is missing, in both, unknown, or reasoned away in less than four words.

    ``others``: by prefix, the greatest number of a row that may be shown though it does not bind us.
    """

    def is_other(row: str) -> bool:
        prefix, _, number = row.partition("-")
        return 0 < int(number) <= (others or {}).get(prefix, 0)

    found = [f"{row}: named by no test and not reasoned away" for row in binding if row not in shown | set(reasons)]
    found += [f"{row}: named by a test and reasoned away" for row in sorted(shown & set(reasons))]
    strange = {row for row in shown if not is_other(row)} | set(reasons)
    found += [f"{row}: does not bind us" for row in sorted(strange - set(binding))]
    return found + [f"{row}: {reason!r} is no reason" for row, reason in reasons.items() if len(reason.split()) < 4]


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_every_row_that_binds_us_is_shown_or_reasoned_away(name: str) -> None:
    prefixes, count, others = SPECIFICATIONS[name]
    binding = [short(each["row"]) for each in rows(name)]
    assert len(binding) == len(set(binding)) == count
    assert {row.split("-")[0] for row in binding} == set(prefixes)
    reasoned = [each for each in rows("not-applicable.csv") if each["row"].split("-")[0] in prefixes]
    reasons = {short(each["row"]): each["reason"] for each in reasoned}
    assert len(reasons) == len(reasoned)
    shown = {row for row in named() if row.split("-")[0] in prefixes}
    assert faults(binding, shown, reasons, others) == []


def test_each_reason_is_of_a_specification_that_is_tested() -> None:
    prefixes = {prefix for known, _, _ in SPECIFICATIONS.values() for prefix in known}
    assert [each for each in rows("not-applicable.csv") if each["row"].split("-")[0] not in prefixes] == []


def test_each_fault_is_found() -> None:
    good = {"SMART-2": "this server does not do that"}
    assert faults(["SMART-1", "SMART-2"], {"SMART-1"}, good) == []
    assert faults(["SMART-1", "SMART-2", "SMART-3"], {"SMART-1"}, good) == [
        "SMART-3: named by no test and not reasoned away"
    ]
    assert "SMART-2: named by a test and reasoned away" in faults(["SMART-2"], {"SMART-2"}, good)
    assert faults([], {"SMART-9"}, {}) == ["SMART-9: does not bind us"]
    assert faults([], {"CDS-9", "CDS-221"}, {}, {"CDS": 220}) == ["CDS-221: does not bind us"]
    assert faults([], set(), {"CDS-9": "it binds somebody else"}, {"CDS": 220}) == ["CDS-9: does not bind us"]
    assert faults(["SMART-2"], set(), {"SMART-2": "not for us"}) == ["SMART-2: 'not for us' is no reason"]
    source = (
        'def test_a():\n    """SMART-1, CDS-22, HOOK-order-sign-16."""\ndef other():\n    """SMART-3."""\n# CDS-4\n'
    )
    assert set(named_in(source)) == {"SMART-1", "CDS-22", "HOOK-16"}

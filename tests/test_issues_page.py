"""docs/issues.md has every code that collectors, and the engine of a question, can say, and none that they cannot."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from collectors.selection.messages import absence_code
from ontology.values import AbsentReason

REPO = Path(__file__).parents[1]
# Chosen among several where they are said: no constants of the call.
CHOSEN = {"source-unreachable", "source-refused", "scope-missing", "not-handed-in", "doubted", "over"}
NAMED = ("question.py", "presumption.py")
COMPUTED = {AbsentReason.INPUT_ABSENT, AbsentReason.NOT_APPLICABLE, AbsentReason.FAILED}


def said() -> Iterator[str]:
    for path in (*(REPO / "collectors").rglob("*.py"), *(REPO / "server/executor" / name for name in NAMED)):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    func=ast.Name(id="Issue" | "slot_issue" | "issue_per_fact"),
                    args=[_, ast.Constant(value=str(code)), *_],
                ):
                    yield code


def test_every_code_is_documented() -> None:
    rows = re.findall(r"^\| (`.*?) \|", (REPO / "docs/issues.md").read_text(), re.MULTILINE)
    documented = re.findall(r"`([a-z-]+)`", " ".join(rows))
    assert len(documented) == len(set(documented))
    absences = {absence_code(reason) for reason in set(AbsentReason) - COMPUTED}
    found = set(said())
    assert "used-again" in found and "stepped-back" in found
    assert set(documented) == found | absences | CHOSEN


def test_the_chosen_codes_are_still_said() -> None:
    whole = "".join(path.read_text() for path in (REPO / "collectors").rglob("*.py"))
    assert [code for code in CHOSEN if f'"{code}"' not in whole] == []

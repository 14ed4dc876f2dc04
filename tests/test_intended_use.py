"""Whoever adds a module or a service says what it is for and what it is not for."""

import re
from pathlib import Path

from tests.support.engine_questions import shipped

PAGE = (Path(__file__).resolve().parents[1] / "INTENDED_USE.md").read_text(encoding="utf-8")


MODULES, SERVICES = PAGE.split("## The services of CDS Hooks")


def described(part: str) -> set[str]:
    rows = [line.split("|")[1] for line in part.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([a-z0-9-]+)`", row)}


def test_every_module_has_a_row_and_every_row_a_module() -> None:
    assert described(MODULES) == set(shipped().modules)


def test_every_service_has_a_row_and_every_row_a_service() -> None:
    assert described(SERVICES) == set(shipped().services)
    assert "No card does not mean that nothing is wrong" in SERVICES


def test_what_it_is_not_for_is_said() -> None:
    for words in ("qualified\nclinicians", "emergencies", "continuous monitoring", "diagnosis alone", "legal class"):
        assert words in PAGE

"""A worked case whose module raises is one fault, on one line, with the type of the exception."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest

from ontology.evaluation import Evaluation, SlotInput
from server import kinds
from server.catalog.descriptions import Description
from server.errors import KindError
from server.executor.catalog_checks import evaluate_case
from server.kinds.worked_cases import run_cases
from tests.support.engine_questions import shipped

BMI = shipped().modules["bmi"]


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


RAISED: dict[str, tuple[Exception, str]] = {
    "no text": (KindError(), "the module raised KindError"),
    "its own": (KindError("no such slot"), "the module raised KindError: no such slot"),
    "several lines": (ValueError("a\nb\nmedtwin: forged"), "the module raised ValueError: a b medtwin: forged"),
    "no end": (ValueError("x" * 10_000), "the module raised ValueError: " + "x" * 150),
    "unprintable": (UnprintableError(), "the module raised UnprintableError"),
}


@pytest.mark.parametrize("name", RAISED)
def test_a_module_that_raises_is_a_fault_of_one_line(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    error, expected = RAISED[name]

    def broken(description: Description, inputs: Mapping[str, SlotInput], at: datetime | None) -> Evaluation:
        raise error

    monkeypatch.setattr(kinds, "evaluate", broken)
    faults = run_cases([BMI], Path(BMI.folder) / "cases.json", evaluate_case)
    assert faults
    for fault in faults:
        assert expected in fault
        assert "\n" not in fault and len(fault) < 400

"""The report names what is missed before all else."""

from benchmarks.measure import Spread
from benchmarks.report import Part, Row, markdown


def test_missed_budget_is_named_first() -> None:
    held = Row("quick", Spread.of([1.0]), "ms", 2.0)
    missed = Row("slow", Spread.of([1.0, 3.0, 5.0]), "ms", 2.0)
    told = Row("told", Spread.of([9.0]), "ms")
    text = markdown([Part((held, missed, told))])
    assert "1 of 2 budgets are held; missed: slow." in text
    assert "| slow | **3.00 ms** (2.00 to 4.00, n = 3) | ≤ 2.00 ms | **no** |" in text
    assert "| told | **9.00 ms** |  |  |" in text

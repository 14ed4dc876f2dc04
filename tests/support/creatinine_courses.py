"""Courses of creatinine before a question, and what the AKI modules answer of them, in short."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ontology.evaluation import Evaluation
from ontology.values import Coding, Date, Series
from tests.support.module_inputs import INPUT_ABSENT, evaluate_module

AT = datetime(2026, 6, 15, 12, tzinfo=UTC)
HOUR, DAY, YEAR = 1.0, 24.0, 8760.0
OLD: "Point" = (60 * DAY, 1.0)
ABSENT, NOT_MET = "absent", "not-met"
Point = tuple[float, float | str]


def given(points: tuple[Point, ...], **more: Any) -> dict[str, Any]:
    """``points``: hours before the question and mg/dL."""
    course = sorted((AT - timedelta(hours=hours), Decimal(str(value))) for hours, value in points)
    return {"creatinine": Series(tuple(course), "mg/dL"), "age": 60, "chronic_dialysis": False, **more}


def staged(*points: Point, at: datetime = AT, **more: Any) -> Evaluation:
    return evaluate_module("aki-stage", given(points, **more), at)


def outcome(evaluation: Evaluation) -> str:
    if not isinstance(evaluation.value, Coding):
        assert evaluation.value == INPUT_ABSENT
        return ABSENT
    return evaluation.value.code.removeprefix("aki-").replace("criteria-", "")


def claim(evaluation: Evaluation) -> str:
    return evaluation.working.claim or ""


def days(first: int, last: int | None = None) -> Date:
    """Days of June 2026; of May where not above zero."""
    start, end = (date(2026, 5, 31) + timedelta(days=each) for each in (first, last or first))
    return Date(start, end)

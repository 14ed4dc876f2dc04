"""Inputs for the tests of age, body mass and kidney: courses of a laboratory value, and the rest of a chart."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from ontology.evaluation import Evaluation, Interval, SlotInput
from ontology.values import Absent, AbsentReason, Bound, Coding, Quantity, Series, Value
from server.catalog.criteria import Outcome
from server.kinds import evaluate, interpret
from tests.support.acute import consumed, module, sex

EGFR = "mL/min/{1.73_m2}"
FEMALE, MALE, OTHER = sex("female"), sex("male"), sex("other")
INPUT_ABSENT = Absent(AbsentReason.INPUT_ABSENT)
NOT_APPLICABLE = Absent(AbsentReason.NOT_APPLICABLE)
START = datetime(2024, 1, 1, 8, tzinfo=UTC)

Given = Mapping[str, Value | SlotInput | float | str]


def day(number: float) -> datetime:
    """Days after the start of the course."""
    return START + timedelta(days=number)


def course(unit: str, *points: tuple[float, str | float]) -> Series:
    """A series of (day, value)."""
    return Series(tuple((day(d), Decimal(str(value))) for d, value in points), unit)


def creatinine(*points: tuple[float, str | float]) -> Series:
    return course("mg/dL", *points)


def egfr(*points: tuple[float, str | float]) -> Series:
    return course(EGFR, *points)


def between(low: float, high: float, unit: str) -> SlotInput:
    """Not known but for its limits."""
    return SlotInput(INPUT_ABSENT, Interval(Decimal(str(low)), Decimal(str(high)), unit, "between these"))


def bound(comparator: str, value: float, unit: str) -> Bound:
    return Bound(comparator, Decimal(str(value)), unit)  # type: ignore[arg-type]  # comparators of the tests' own


def filled(module_id: str, given: Given) -> dict[str, SlotInput]:
    plain = {name: value for name, value in given.items() if not isinstance(value, SlotInput)}
    inputs = consumed(module(module_id), plain)
    return inputs | {name: value for name, value in given.items() if isinstance(value, SlotInput)}


def asked(module_id: str, given: Given, at: datetime | None = None) -> Evaluation:
    """Through the kind: applicability, remarks and all."""
    return evaluate(module(module_id), filled(module_id, given), at)


def meant(module_id: str, given: Given, at: datetime | None = None) -> Outcome | None:
    inputs = filled(module_id, given)
    return interpret(module(module_id), inputs, evaluate(module(module_id), inputs, at))


def number(evaluation: Evaluation) -> Decimal:
    assert isinstance(evaluation.value, Quantity), evaluation
    return evaluation.value.value


def code(evaluation: Evaluation) -> str:
    assert isinstance(evaluation.value, Coding), evaluation
    return evaluation.value.code


def caution_texts(evaluation: Evaluation) -> str:
    return " | ".join(i.text for i in evaluation.issues if i.code == "caution")


def unknown_texts(evaluation: Evaluation) -> str:
    return " | ".join(i.text for i in evaluation.issues if i.code == "applicability-unknown")

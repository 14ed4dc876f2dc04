"""Inputs for the tests of modules: bedside values, courses of a laboratory value, and results in short."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from ontology.evaluation import Evaluation, Interval, SlotInput
from ontology.values import Absent, AbsentReason, Bound, Coding, Quantity, Series
from ontology.words import PLAIN
from server.catalog.catalog import Catalog
from server.catalog.criteria import Outcome
from server.catalog.descriptions import Description
from server.explain.dependencies import with_shown_texts
from server.kinds import evaluate, interpret
from tests.support.engine_questions import shipped

NOT_FOUND = Absent(AbsentReason.NOT_FOUND)
UNREACHABLE = Absent(AbsentReason.UNREACHABLE)

LEVELS: Mapping[str, str] = {
    "alert": "248234008",
    "new confusion": "130987000",
    "chronic confusion": "130988005",
    "voice": "300202002",
    "pain": "450847001",
    "unresponsive": "422768004",
}


Given = Mapping[str, Any]
"""What fills slots, by name: a value, a number (or its text) in the unit of the slot, or a whole input."""


def catalog() -> Catalog:
    return shipped()


def module(module_id: str) -> Description:
    return catalog().modules[module_id]


def level(name: str) -> Coding:
    return Coding("http://snomed.info/sct", LEVELS[name])


def sex(code: str) -> Coding:
    return Coding("http://hl7.org/fhir/administrative-gender", code)


def consumed_inputs(description: Description, given: Given) -> dict[str, SlotInput]:
    """Every slot of the description; a bare number is in the slot's unit, what is not given is NOT_FOUND."""
    inputs: dict[str, SlotInput] = {}
    for slot in description.slots:
        value = given.get(slot.name, NOT_FOUND)
        if isinstance(value, int | float | str) and not isinstance(value, bool):
            value = Quantity(Decimal(str(value)), slot.unit or "")
        inputs[slot.name] = SlotInput(value)
    unknown = set(given) - set(inputs)
    assert not unknown, f"{description.id} has no slot {unknown}"
    return inputs


def issue_codes(evaluation: Evaluation) -> set[str]:
    return {issue.code for issue in evaluation.issues}


def issue_texts(evaluation: Evaluation) -> str:
    return " | ".join(issue.text for issue in evaluation.issues)


def bounds(evaluation: Evaluation) -> tuple[Decimal, Decimal] | None:
    return None if evaluation.bounds is None else (evaluation.bounds.low, evaluation.bounds.high)


EGFR = "mL/min/{1.73_m2}"
FEMALE, MALE, OTHER = sex("female"), sex("male"), sex("other")
INPUT_ABSENT = Absent(AbsentReason.INPUT_ABSENT)
NOT_APPLICABLE = Absent(AbsentReason.NOT_APPLICABLE)
START = datetime(2024, 1, 1, 8, tzinfo=UTC)


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


def filled_inputs(module_id: str, given: Given) -> dict[str, SlotInput]:
    plain = {name: value for name, value in given.items() if not isinstance(value, SlotInput)}
    inputs = consumed_inputs(module(module_id), plain)
    return inputs | {name: value for name, value in given.items() if isinstance(value, SlotInput)}


def evaluate_module(module_id: str, given: Given, at: datetime | None = None) -> Evaluation:
    """Through the kind: applicability, remarks and all; its texts as a site without units of its own shows them."""
    made = evaluate(module(module_id), filled_inputs(module_id, given), at)
    return with_shown_texts(made, module(module_id), PLAIN)


def interpret_module(module_id: str, given: Given, at: datetime | None = None) -> Outcome | None:
    inputs = filled_inputs(module_id, given)
    return interpret(module(module_id), inputs, evaluate(module(module_id), inputs, at))


def number_of(evaluation: Evaluation) -> Decimal:
    assert isinstance(evaluation.value, Quantity), evaluation
    return evaluation.value.value


def code_of(evaluation: Evaluation) -> str:
    assert isinstance(evaluation.value, Coding), evaluation
    return evaluation.value.code


def caution_texts(evaluation: Evaluation) -> str:
    return " | ".join(i.text for i in evaluation.issues if i.code == "caution")


def unknown_texts(evaluation: Evaluation) -> str:
    return " | ".join(i.text for i in evaluation.issues if i.code == "applicability-unknown")


KFRE_WOMAN: Given = {
    "age": 72,
    "sex": FEMALE,
    "egfr": 28,
    "uacr": 800,
    "north_america": True,
    "dialysis": False,
    "kidney_transplant": False,
}
KFRE_EXPECTED = Decimal("28.026055")
"""Her risk of kidney failure within 5 years, in percent."""


def kfre_without(*names: str) -> Given:
    return {name: value for name, value in KFRE_WOMAN.items() if name not in names}

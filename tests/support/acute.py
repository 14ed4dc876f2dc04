"""Inputs for the tests of the scores and rules, in the words of a bedside chart."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache

from ontology.evaluation import Evaluation, SlotInput
from ontology.values import Absent, AbsentReason, Coding, Quantity, Value
from server.catalog.catalog import Catalog, load_catalog
from server.catalog.criteria import Outcome
from server.catalog.descriptions import Description
from server.kinds import evaluate, interpret

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


@cache
def catalog() -> Catalog:
    return load_catalog()


def module(module_id: str) -> Description:
    return catalog().modules[module_id]


def level(name: str) -> Coding:
    return Coding("http://snomed.info/sct", LEVELS[name])


def sex(code: str) -> Coding:
    return Coding("http://hl7.org/fhir/administrative-gender", code)


def consumed(description: Description, given: Mapping[str, Value | float | str]) -> dict[str, SlotInput]:
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


def run(module_id: str, given: Mapping[str, Value | float | str]) -> Evaluation:
    description = module(module_id)
    return evaluate(description, consumed(description, given), None)


def meaning(module_id: str, given: Mapping[str, Value | float | str]) -> Outcome | None:
    description = module(module_id)
    inputs = consumed(description, given)
    return interpret(description, inputs, evaluate(description, inputs, None))


def codes(evaluation: Evaluation) -> set[str]:
    return {issue.code for issue in evaluation.issues}


def texts(evaluation: Evaluation) -> str:
    return " | ".join(issue.text for issue in evaluation.issues)


def total(evaluation: Evaluation) -> Decimal:
    assert isinstance(evaluation.value, Quantity), evaluation
    return evaluation.value.value


def bounds(evaluation: Evaluation) -> tuple[Decimal, Decimal] | None:
    return None if evaluation.bounds is None else (evaluation.bounds.low, evaluation.bounds.high)

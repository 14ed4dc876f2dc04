"""A code that is a statement by itself: "breathing room air", "on oxygen"."""

from dataclasses import replace
from typing import Any

import pytest

from ontology.concepts import AcceptedCode, ValueType
from ontology.values import Absent, AbsentReason, Coding, Value
from tests.support.collector_inputs import CREATININE, observation, read_one

AIR, OXYGEN = ("http://snomed.info/sct", "722742002"), ("http://snomed.info/sct", "371825009")
ROOM_AIR = replace(
    CREATININE,
    id="room-air",
    display="breathing room air",
    value_type=ValueType.FLAG,
    accepted=(AcceptedCode(Coding(*AIR), asserts=True), AcceptedCode(Coding(*OXYGEN), asserts=False)),
    unit=None,
    units=(),
    plausible_low=None,
    plausible_high=None,
)
UNKNOWN, UNREADABLE = Absent(AbsentReason.RECORDED_UNKNOWN), Absent(AbsentReason.UNCONVERTIBLE)


@pytest.mark.parametrize(
    ("code", "more", "value"),
    [
        (AIR, {}, True),
        (OXYGEN, {}, False),
        (AIR, {"valueBoolean": True}, True),
        (AIR, {"valueBoolean": False}, False),
        (OXYGEN, {"valueBoolean": True}, False),
        (OXYGEN, {"valueBoolean": False}, True),
        (AIR, {"dataAbsentReason": {"coding": [{"code": "unknown"}]}}, UNKNOWN),
        (AIR, {"valueString": "perhaps"}, UNREADABLE),
        # "On oxygen: 2 L/min" says so all the more; of 0 L/min it says nothing that can be used.
        (OXYGEN, {"valueQuantity": {"value": 2, "unit": "L/min"}}, False),
        (OXYGEN, {"valueQuantity": {"value": 0, "unit": "L/min"}}, UNREADABLE),
        (OXYGEN, {"valueQuantity": {"unit": "L/min"}}, UNREADABLE),
    ],
)
def test_the_code_says_it(code: tuple[str, str], more: dict[str, Any], value: Value) -> None:
    coding = {"coding": [{"system": code[0], "code": code[1]}]}
    record = observation(**{"code": coding, "valueQuantity": None, **more})
    fact = read_one(record, ROOM_AIR)
    assert fact.value == value
    assert type(fact.value) is type(value)


def test_a_code_that_asserts_nothing_says_nothing_without_a_value() -> None:
    silent = replace(ROOM_AIR, accepted=(AcceptedCode(Coding(*AIR)),))
    record = observation(code={"coding": [{"system": AIR[0], "code": AIR[1]}]}, valueQuantity=None)
    assert read_one(record, silent).value == UNKNOWN

"""Undocumented oxygen is missing, never air; what contradicts itself is not decided."""

from decimal import Decimal

import pytest

from ontology.values import Absent, AbsentReason, Bound
from server.catalog.descriptions import Kind
from tests.support.module_inputs import NOT_FOUND, UNREACHABLE, Given, evaluate_module, issue_codes, module

UNDECIDED = Absent(AbsentReason.INPUT_ABSENT)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"oxygen_flow": 2}, True),
        ({"oxygen_flow": 0.5, "fio2": 24}, True),
        ({"fio2": 28}, True),
        ({"fio2": 22}, True),
        ({"room_air": True}, False),
        ({"oxygen_flow": 0}, False),
        ({"fio2": 21}, False),
        ({"fio2": 20.9}, False),
        ({"room_air": True, "oxygen_flow": 0, "fio2": 21}, False),
        ({"oxygen_flow": 2, "room_air": False}, True),
    ],
)
def test_fraction_over_21_or_flow_over_0_is_oxygen_and_recorded_air_is_not(given: Given, expected: bool) -> None:
    assert evaluate_module("supplemental-oxygen", given).value is expected


def test_undocumented_oxygen_is_missing_not_air() -> None:
    evaluation = evaluate_module("supplemental-oxygen", {})
    assert evaluation.value == UNDECIDED
    assert "oxygen-undocumented" in issue_codes(evaluation)


@pytest.mark.parametrize("reason", [r for r in AbsentReason if r is not AbsentReason.NOT_FOUND])
def test_no_reason_of_absence_becomes_air(reason: AbsentReason) -> None:
    absent = Absent(reason)
    evaluation = evaluate_module("supplemental-oxygen", {"oxygen_flow": absent, "fio2": absent, "room_air": absent})
    assert isinstance(evaluation.value, Absent)


def test_recorded_on_oxygen_reads_as_not_on_room_air() -> None:
    assert evaluate_module("supplemental-oxygen", {"room_air": False}).value is True


@pytest.mark.parametrize(
    "given",
    [
        {"oxygen_flow": 2, "room_air": True},
        {"fio2": 40, "room_air": True},
        {"oxygen_flow": 30, "fio2": 21},
        {"oxygen_flow": 2, "fio2": 40, "room_air": True},
        {"oxygen_flow": 0, "room_air": False},
        {"fio2": 21, "room_air": False},
    ],
)
def test_contradictory_oxygen_is_not_decided(given: Given) -> None:
    evaluation = evaluate_module("supplemental-oxygen", given)
    assert evaluation.value == Absent(AbsentReason.CONFLICTING)
    assert issue_codes(evaluation) >= {"oxygen-contradictory"} and "no-case" not in issue_codes(evaluation)


def test_fraction_decides_over_a_flow_of_nothing() -> None:
    evaluation = evaluate_module("supplemental-oxygen", {"oxygen_flow": 0, "fio2": 50})
    assert evaluation.value is True
    assert "oxygen-flow-zero" in issue_codes(evaluation)


def test_air_is_not_concluded_while_a_source_of_oxygen_records_is_down() -> None:
    evaluation = evaluate_module(
        "supplemental-oxygen", {"room_air": True, "oxygen_flow": UNREACHABLE, "fio2": NOT_FOUND}
    )
    assert evaluation.value == UNDECIDED


def test_a_flow_known_only_as_less_than_a_limit_is_not_decided() -> None:
    assert isinstance(
        evaluate_module("supplemental-oxygen", {"oxygen_flow": Bound("<", Decimal(1), "L/min")}).value, Absent
    )


def test_statements_hold_within_half_an_hour() -> None:
    description = module("supplemental-oxygen")
    assert description.kind is Kind.RULE
    assert description.within is not None
    assert set(description.within.slots) == {"oxygen_flow", "fio2", "room_air"}
    assert description.within.duration.total_seconds() == 1800

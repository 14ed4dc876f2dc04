"""Results that are registered and not there yet: told beside an older value, never a value themselves."""

from typing import Any

import pytest

from collectors.reading.code_census import count_codes
from ontology.evaluation import Severity
from ontology.slots import Select, Slot
from ontology.values import Absent, AbsentReason, Quantity, Series, Value
from tests.support.collector_inputs import (
    AT,
    CREATININE,
    OXYGEN,
    SNOMED,
    SYSTOLIC,
    codeable_concept,
    facts_of,
    fill_slot,
    issue_codes,
    observation,
    quantity,
    slot,
)

OLD = observation("1.1", effectiveDateTime="2024-05-01T08:00:00Z")
ROOM_AIR = observation(
    None,
    code=codeable_concept("57485-5"),
    valueQuantity=None,
    valueCodeableConcept=codeable_concept("722742002", SNOMED),
)
VALUE = Quantity(OLD["valueQuantity"]["value"], "mg/dL")


def registered(when: str | None = "2024-05-20T08:00:00Z", /, **changes: Any) -> dict[str, Any]:
    return observation(
        None, **{"id": "o2", "status": "registered", "effectiveDateTime": when, "valueQuantity": None} | changes
    )


PENDING: dict[str, tuple[dict[str, Any], list[str]]] = {
    "newer": (registered(), ["pending"]),
    "older": (registered("2024-04-20T08:00:00Z"), []),
    "of that very time": (registered("2024-05-01T08:00:00Z"), []),
    "of a later time than asked about": (registered("2024-06-02T08:00:00Z"), []),
    "of this very day": (registered("2024-06-01"), ["pending"]),
    "undated": (registered(None), ["pending"]),
    "undated, and issued before": (registered(None, issued="2024-04-01T08:00:00Z"), []),
    "issued only later": (registered(issued="2024-06-02T08:00:00Z"), []),
    "cancelled": (registered(status="cancelled"), []),
    "entered in error": (registered(status="entered-in-error"), []),
    "unknown": (registered(status="unknown"), ["stepped-back"]),
    "of another patient": (registered(subject={"reference": "Patient/x"}), []),
    "about something else": (registered(focus=[{"reference": "Patient/x"}]), []),
    "of our own making": (
        registered(meta={"tag": [{"system": "https://medtwin.example/tags", "code": "medtwin-result"}]}), [],
    ),
    "of another concept": (registered(code=codeable_concept("8480-6")), []),
    "with a value all the same": (registered(valueQuantity=quantity("9.9")), ["pending"]),
}  # fmt: skip


@pytest.mark.parametrize("name", PENDING)
def test_beside_an_older_value(name: str) -> None:
    record, told = PENDING[name]
    for records in ((OLD, record), (record, OLD)):
        found = fill_slot(*records)
        assert (found.value, issue_codes(found)) == (VALUE, told)
        assert [each.source.id for each in found.resources if each.source] == ["o1"]


def test_what_is_told() -> None:
    (issue,) = fill_slot(OLD, registered()).issues
    assert issue.severity is Severity.INFORMATION
    assert issue.text == "A newer result is pending: Observation/o2 of 2024-05-20 08:00 UTC."


@pytest.mark.parametrize(("of", "told"), [(slot(), ["not-found", "pending"])])
def test_where_there_is_no_value_yet(of: Slot, told: list[str]) -> None:
    found = fill_slot(registered(), of=of)
    assert (found.value, issue_codes(found)) == (Absent(AbsentReason.NOT_FOUND), told)


def test_where_what_is_there_cannot_be_used() -> None:
    found = fill_slot(observation("900"), registered())
    assert isinstance(found.value, Absent)
    assert issue_codes(found) == ["implausible", "pending"]


def test_beside_a_series() -> None:
    found = fill_slot(OLD, registered(), of=slot(select=Select.SERIES))
    assert isinstance(found.value, Series)
    assert (len(found.value.points), issue_codes(found)) == (1, ["pending"])


def test_of_a_panel_without_its_parts() -> None:
    panel = registered(code=codeable_concept("85354-9"))
    pressure = observation(None, code=codeable_concept("8480-6"), valueQuantity=quantity(120, "mm[Hg]"))
    found = fill_slot(pressure, panel, of=slot(SYSTOLIC))
    assert (found.value, issue_codes(found)) == (Quantity(pressure["valueQuantity"]["value"], "mm[Hg]"), ["pending"])


@pytest.mark.parametrize(
    ("records", "value"),
    [([], Absent(AbsentReason.NOT_FOUND)), ([ROOM_AIR], False)],
)
def test_of_what_is_so_or_not(records: list[dict[str, Any]], value: Value) -> None:
    found = fill_slot(*records, registered(code=codeable_concept("57485-5")), of=slot(OXYGEN, Select.ANY, unit=None))
    assert found.value == value
    assert "pending" in issue_codes(found)


def test_it_is_no_fact() -> None:
    """Neither a resource of the concept, nor a time at which its value changes, nor a code that was refused."""
    facts = facts_of(registered(), concepts=(CREATININE,))
    assert facts.gathered_facts.resources == {"serum-creatinine": ()}
    assert facts.times((CREATININE,), None, AT) == ()
    assert count_codes(facts.facts["serum-creatinine"], CREATININE) == ()

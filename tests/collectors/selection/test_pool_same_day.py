"""What is dated by the very day that is asked about: used where it was on record by then, never from the future."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ontology.resources import Span
from ontology.slots import Select
from ontology.values import Absent, AbsentReason, Quantity, Series
from tests.support.collector_inputs import AT, FIBRILLATION, condition, fill_slot, issue_codes, observation, slot
from tests.support.event_records import ask, concept_of, event

MIDNIGHT = AT.replace(hour=0)
EARLIER = observation("1.0", id="o0", effectiveDateTime="2024-05-01T08:00:00Z")


def today(value: str = "1.5", /, updated: str | None = "2024-06-01T11:00:00Z", **changes: Any) -> dict[str, Any]:
    meta = {"lastUpdated": updated} if updated is not None else None
    return observation(value, **{"effectiveDateTime": "2024-06-01", "meta": meta} | changes)


# What the record says beside its day, and whether it was by 12:00 UTC on that day.
EVIDENCE: dict[str, tuple[dict[str, Any], bool]] = {
    "nothing": ({}, False),
    "changed last before": ({"updated": "2024-06-01T11:00:00Z"}, True),
    "changed last at that very time": ({"updated": "2024-06-01T12:00:00Z"}, True),
    "changed last, in another zone": ({"updated": "2024-06-01T13:00:00+02:00"}, True),
    "changed last after": ({"updated": "2024-06-01T12:00:01Z"}, False),
    "changed last the day before": ({"updated": "2024-05-31T23:00:00Z"}, False),
    "changed last at a time without a zone": ({"updated": "2024-06-01T11:00:00"}, False),
    "changed last in words": ({"updated": "this morning"}, False),
    "issued before": ({"issued": "2024-06-01T09:00:00Z"}, True),
    "issued before, changed after": ({"issued": "2024-06-01T09:00:00Z", "updated": "2024-07-01T09:00:00Z"}, True),
    "issued the day before": ({"issued": "2024-05-31T09:00:00Z"}, False),
    "dated by the minute": ({"effectiveDateTime": "2024-06-01T12:00", "updated": "2024-06-01T12:00:00Z"}, True),
    "dated by the month": ({"effectiveDateTime": "2024-06", "updated": "2024-06-01T11:00:00Z"}, False),
    "over a period that has not ended": (
        {
            "effectiveDateTime": None,
            "effectivePeriod": {"start": "2024-06-01T08:00:00Z", "end": "2024-06-01T20:00:00Z"},
            "issued": "2024-06-01T09:00:00Z",
        },
        False,
    ),
}


@pytest.mark.parametrize("name", EVIDENCE)
def test_a_value_of_today(name: str) -> None:
    changes, counts = EVIDENCE[name]
    found = fill_slot(today(**{"updated": None} | changes), EARLIER)
    assert found.value == Quantity(Decimal("1.5" if counts else "1.0"), "mg/dL")
    assert issue_codes(found) == ([] if counts else ["time-imprecise"])


def test_it_is_dated_up_to_the_time_asked_about() -> None:
    (resource,) = fill_slot(today()).resources
    assert resource.effective == Span(MIDNIGHT, AT)


def test_a_past_time_never_has_what_was_recorded_since() -> None:
    """Asked again about noon, when the afternoon's record is there: it is left out as before."""
    later = today(updated="2024-06-01T15:00:00Z")
    for records in ([EARLIER], [EARLIER, later]):
        assert fill_slot(*records).value == Quantity(Decimal("1.0"), "mg/dL")


def test_two_of_one_day_that_differ_still_contradict_each_other() -> None:
    found = fill_slot(today(), today("1.7", id="o2", updated="2024-06-01T09:00:00Z"))
    assert (found.value, issue_codes(found)) == (Absent(AbsentReason.CONFLICTING), ["conflicting"])


def test_beside_an_instant_of_the_same_day_the_order_is_told() -> None:
    found = fill_slot(today(), observation("1.2", id="o2", effectiveDateTime="2024-06-01T08:00:00Z"))
    assert (found.value, issue_codes(found)) == (Quantity(Decimal("1.5"), "mg/dL"), ["order-uncertain"])


@pytest.mark.parametrize(("window", "value"), [(13, True), (11, False)])
def test_it_ages_from_the_start_of_its_day(window: int, value: bool) -> None:
    found = fill_slot(today(), of=slot(window=timedelta(hours=window)))
    assert found.value == (Quantity(Decimal("1.5"), "mg/dL") if value else Absent(AbsentReason.STALE))


def test_in_a_series_its_point_is_not_in_the_future() -> None:
    found = fill_slot(EARLIER, today(), of=slot(select=Select.SERIES))
    assert isinstance(found.value, Series)
    assert [when for when, _ in found.value.points] == [AT.replace(month=5, day=1, hour=8), AT]


# What was so or was done, by the very day, and on record since 11:00.
EVENTS: dict[str, tuple[str, dict[str, Any], bool]] = {
    "prescribed": ("MedicationRequest", {"authoredOn": "2024-06-01"}, True),
    "stated": ("MedicationStatement", {"effectivePeriod": {"start": "2024-06-01"}, "dateAsserted": "2024-06-01"}, True),
    "done": ("Procedure", {"performedDateTime": "2024-06-01"}, True),
    "vaccinated": ("Immunization", {"occurrenceDateTime": "2024-06-01"}, True),
    "allergic": ("AllergyIntolerance", {"recordedDate": "2024-06-01"}, True),
    "this month": ("Procedure", {"performedDateTime": "2024-06"}, False),
}


@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize(("updated", "known"), [("2024-06-01T11:00:00Z", True), ("2024-06-01T13:00:00Z", False)])
def test_what_was_so_or_was_done_today(name: str, updated: str, known: bool) -> None:
    kind, changes, counts = EVENTS[name]
    found = ask(event(kind, **changes, meta={"lastUpdated": updated}), concept=concept_of(kind))
    if counts and known:
        assert (found.value, issue_codes(found)) == (True, [])
        assert [each.effective.end for each in found.resources if each.effective] == [AT]
    else:
        assert isinstance(found.value, Absent)
        assert issue_codes(found) == ["time-imprecise"]


def test_a_condition_recorded_today() -> None:
    record = condition(onsetDateTime=None, recordedDate="2024-06-01", meta={"lastUpdated": "2024-06-01T11:00:00Z"})
    assert fill_slot(record, of=slot(FIBRILLATION, Select.ANY, closed_world=True)).value is True


@given(st.integers(0, 48), st.integers(0, 48))
def test_nothing_from_the_future_is_used(asked: int, updated: int) -> None:
    """At whatever hour it is asked, a record of today is used only where it was made by then."""
    at = MIDNIGHT + timedelta(hours=asked)
    made = (MIDNIGHT + timedelta(hours=updated)).isoformat()
    found = fill_slot(today(updated=made), at=at)
    ended = asked >= 24
    assert isinstance(found.value, Quantity) is (ended or updated <= asked)

"""The state of an event as of a time: just before, on and just after every edge."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from collectors.reading.records import Fact, Record
from collectors.selection.event_state import sort_by_state
from ontology.resources import RecordRef, Resource, Span
from ontology.slots import Select, Slot
from tests.support.collector_inputs import FIBRILLATION, slot

AT = datetime(2026, 1, 10, 12, tzinfo=UTC)
WINDOW = timedelta(days=2)
EDGE = AT - WINDOW
BEGUN = AT - timedelta(days=900)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
REF = RecordRef("ehr", "https://ehr.example/fhir", "Condition", "1")


def event(start: datetime, last: datetime | None = None, **more: Any) -> Fact:
    """An event at a time, or between two."""
    resource = Resource("urn:1", "atrial-fibrillation", True, Span(start, last or start), "Patient/p", REF)
    return Fact(resource, Record(REF, b""), **more)


def state(of: Slot, fact: Fact) -> str | None:
    states = sort_by_state(of, [fact], AT, AT)
    found = [each.name for each in fields(states) if getattr(states, each.name)]
    assert len(found) <= 1
    return found[0] if found else None


# Without a window, nothing that began is too old; what ends at the time has ended.
@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        (event(AT - SECOND), "present"),
        (event(AT), "present"),
        (event(AT + SECOND), None),
        (event(AT - HOUR, AT), "present"),
        (event(AT - HOUR, AT + SECOND), "time_uncertain"),
        (event(AT, AT + SECOND), "time_uncertain"),
        (event(BEGUN, end=Span(AT - SECOND, AT - SECOND)), "ended"),
        (event(BEGUN, end=Span(AT, AT)), "ended"),
        (event(BEGUN, end=Span(AT + SECOND, AT + SECOND)), "present"),
        (event(BEGUN, end=Span(AT - HOUR, AT)), "ended"),
        (event(BEGUN, end=Span(AT - HOUR, AT + SECOND)), "time_uncertain"),
        (event(BEGUN, end=Span(AT, AT + HOUR)), "time_uncertain"),
        (event(BEGUN, ended_undated=True), "ended"),
        (event(BEGUN, lasting=True, presumed_until=AT - SECOND), "lapsed"),
        (event(BEGUN, lasting=True, presumed_until=AT), "present"),
        (event(BEGUN, lasting=True, presumed_until=AT + SECOND), "present"),
    ],
)
def test_edges_of_the_time_asked_for(fact: Fact, expected: str | None) -> None:
    assert state(slot(FIBRILLATION, Select.ANY), fact) == expected
    if expected in ("ended", "lapsed"):
        assert state(slot(FIBRILLATION, Select.ANY, ever=True), fact) == "present"


# Of an event its own time counts; a lasting state lies in the window where it held at any time in it.
@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        (event(EDGE - SECOND), None),
        (event(EDGE), "present"),
        (event(EDGE + SECOND), "present"),
        (event(EDGE - HOUR, EDGE - SECOND), None),
        (event(EDGE - HOUR, EDGE), "window_uncertain"),
        (event(EDGE - SECOND, EDGE + HOUR), "window_uncertain"),
        (event(EDGE, EDGE + HOUR), "present"),
        (event(BEGUN, lasting=True, end=Span(EDGE - SECOND, EDGE - SECOND)), None),
        (event(BEGUN, lasting=True, end=Span(EDGE, EDGE)), "present"),
        (event(BEGUN, lasting=True, end=Span(EDGE - HOUR, EDGE - SECOND)), None),
        (event(BEGUN, lasting=True, end=Span(EDGE - SECOND, EDGE)), "window_uncertain"),
        (event(BEGUN, lasting=True, end=Span(EDGE, EDGE + HOUR)), "present"),
        (event(BEGUN, lasting=True), "present"),
        # Ended on an unknown date, or not presumed ongoing for so long: it may have held in the window.
        (event(EDGE - SECOND, lasting=True, ended_undated=True), "window_uncertain"),
        (event(EDGE, lasting=True, ended_undated=True), "present"),
        (event(BEGUN, lasting=True, presumed_until=EDGE - SECOND), "window_uncertain"),
        (event(BEGUN, lasting=True, presumed_until=EDGE), "present"),
    ],
)
def test_edges_of_the_window(fact: Fact, expected: str | None) -> None:
    assert state(slot(FIBRILLATION, Select.ANY, window=WINDOW), fact) == expected

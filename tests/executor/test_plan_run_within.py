"""Measured together: what lies further behind the newest of its group than is allowed is stale, to the second."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ontology.evaluation import Interval
from ontology.resources import RecordRef, Resource, Span
from ontology.values import Absent, AbsentReason, Quantity
from server.catalog.descriptions import MaxTimeApart
from server.executor.plan_run import apply_within
from server.executor.trace import BoundInput
from tests.support.collector_inputs import CREATININE, SYSTOLIC, slot

NEWEST = datetime(2026, 1, 10, 12, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
STALE = Absent(AbsentReason.STALE)
VALUE = Quantity(Decimal(1), "mg/dL")
GROUP = MaxTimeApart(("first", "second"), 30 * MINUTE)


def resource(time: datetime) -> Resource:
    ref = RecordRef("ehr", "https://ehr.example/fhir", "Observation", "1")
    return Resource("urn:1", "x", VALUE, Span(time - MINUTE, time), "Patient/p", ref)


def measured(name: str, time: datetime) -> BoundInput:
    concept = CREATININE if name == "first" else SYSTOLIC
    return BoundInput(replace(slot(concept), name=name), VALUE, resources=(resource(time),))


@pytest.mark.parametrize(
    ("behind", "stale"),
    [
        (timedelta(0), False),
        (30 * MINUTE - SECOND, False),
        (30 * MINUTE, False),
        (30 * MINUTE + SECOND, True),
        (timedelta(days=1), True),
    ],
)
def test_how_far_behind_the_newest(behind: timedelta, stale: bool) -> None:
    inputs = {"first": measured("first", NEWEST), "second": measured("second", NEWEST - behind)}
    # One that is not of the group stays, however old it is.
    inputs["other"] = replace(measured("second", NEWEST - timedelta(days=900)), slot=slot())
    kept = apply_within(GROUP, inputs, lambda _: ())
    assert kept["second"].value == (STALE if stale else VALUE)
    assert [issue.code for issue in kept["second"].issues] == (["not-within"] if stale else [])
    if stale:
        text = kept["second"].issues[0].text
        assert "more than 30 minutes before the newest of the group (2026-01-10 12:00 UTC)" in text
    assert (kept["first"], kept["other"]) == (inputs["first"], inputs["other"])
    assert apply_within(None, inputs, lambda _: ()) == inputs


def test_what_was_computed_is_as_old_as_its_newest_record() -> None:
    computed = replace(measured("second", NEWEST), resources=(), steps=(7,))
    inputs = {"first": measured("first", NEWEST), "second": computed}
    for behind, expected in ((30 * MINUTE, VALUE), (30 * MINUTE + SECOND, STALE)):
        records = {7: (resource(NEWEST - timedelta(days=1)), resource(NEWEST - behind))}
        assert apply_within(GROUP, inputs, records.__getitem__)["second"].value == expected


def test_the_limits_of_what_is_absent_grow_stale_too() -> None:
    limits = Interval(Decimal(1), Decimal(2), "mg/dL", "")
    absent = replace(measured("second", NEWEST - 31 * MINUTE), value=Absent(AbsentReason.CONFLICTING))
    for bounds, expected in ((limits, STALE), (None, absent.value)):
        inputs = {"first": measured("first", NEWEST), "second": replace(absent, bounds=bounds)}
        kept = apply_within(GROUP, inputs, lambda _: ())["second"]
        assert (kept.value, kept.bounds) == (expected, None)

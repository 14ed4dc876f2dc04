"""Inputs of one group: what is exactly the allowed time older than the newest still counts, what is older does not."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from ontology.evaluation import Interval
from ontology.resources import Resource, Span
from ontology.values import Absent, AbsentReason, Quantity
from server.catalog.descriptions import MaxTimeApart
from server.executor.plan_run import apply_within
from server.executor.trace import BoundInput
from tests.support.descriptions import make_slot, number
from tests.support.engine_questions import AT

GROUP = MaxTimeApart(("pulse", "spo2"), timedelta(minutes=30))
STALE = Absent(AbsentReason.STALE)


def measured(name: str, before: timedelta) -> BoundInput:
    value = number(70).value
    assert isinstance(value, Quantity)
    span = Span(AT - before, AT - before)
    return BoundInput(make_slot(name), value, resources=(Resource(f"urn:{name}", name, value, span, "p1", None),))


@pytest.mark.parametrize(
    ("apart", "kept"),
    [
        (timedelta(0), True),
        (timedelta(minutes=29, seconds=59), True),
        (timedelta(minutes=30), True),
        (timedelta(minutes=30, microseconds=1), False),
        (timedelta(minutes=30, seconds=1), False),
    ],
)
@pytest.mark.parametrize("older", ["pulse", "spo2"])
def test_the_edge_of_the_group(apart: timedelta, kept: bool, older: str) -> None:
    (newer,) = {"pulse", "spo2"} - {older}
    given = {older: measured(older, apart), newer: measured(newer, timedelta(0))}
    found = apply_within(GROUP, given, lambda _: ())
    assert found[newer] == given[newer]
    assert (found[older] == given[older]) is kept
    assert (found[older].value == STALE) is not kept
    assert any(issue.code == "not-within" for issue in found[older].issues) is not kept


def test_what_is_absent_or_outside_the_group_moves_nothing() -> None:
    missing = BoundInput(make_slot("spo2"), Absent(AbsentReason.NOT_FOUND))
    given = {"pulse": measured("pulse", timedelta(hours=2)), "spo2": missing, "sex": measured("sex", timedelta(0))}
    assert apply_within(GROUP, given, lambda _: ()) == given
    assert apply_within(None, given, lambda _: ()) == given


def test_what_was_computed_is_as_old_as_its_newest_record() -> None:
    computed = replace(measured("spo2", timedelta(0)), resources=(), steps=(7,))
    given = {"pulse": measured("pulse", timedelta(0)), "spo2": computed}
    for apart, kept in ((timedelta(minutes=30), True), (timedelta(minutes=31), False)):
        under = {7: (*measured("old", timedelta(days=1)).resources, *measured("new", apart).resources)}
        assert (apply_within(GROUP, given, under.__getitem__)["spo2"].value == STALE) is not kept


def test_the_limits_of_what_is_absent_grow_stale_too() -> None:
    absent = replace(measured("spo2", timedelta(minutes=31)), value=Absent(AbsentReason.CONFLICTING))
    limits = Interval(Decimal(1), Decimal(2), "%", "")
    for bounds, expected in ((limits, STALE), (None, absent.value)):
        given = {"pulse": measured("pulse", timedelta(0)), "spo2": replace(absent, bounds=bounds)}
        found = apply_within(GROUP, given, lambda _: ())["spo2"]
        assert (found.value, found.bounds) == (expected, None)

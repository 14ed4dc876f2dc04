"""What moved a result as bars: each begins where the one above ends, and the last ends at the result."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from server.explain.attribution_text import describe_players
from server.explain.comparisons import AttributionView, Baseline
from server.pages.waterfall import moved_view
from tests.support.moved_views import Addresses, views
from tests.support.synthetic_answers import synthetic_answers


def test_each_bar_begins_where_the_one_above_ends() -> None:
    count = 0
    for _, moved in views():
        if not moved.ticks or moved.more:
            continue
        at = moved.start
        for row in moved.rows:
            assert row.left is not None
            begin, end = (row.left, row.left + row.width) if row.up else (row.left + row.width, row.left)
            if row.up is None and begin != pytest.approx(at, abs=0.05):
                begin, end = end, begin
            assert begin == pytest.approx(at, abs=0.05)
            at = end
            count += 1
        assert at == pytest.approx(moved.end, abs=0.2)
    assert count > 100


def test_everything_lies_within_the_width() -> None:
    for _, moved in views():
        places = [moved.start, moved.end, *(tick.place for tick in moved.ticks)]
        assert all(0 <= place <= 100 for place in places)
        for row in moved.rows:
            assert row.left is None or (row.left >= 0 and row.left + row.width <= 100.01)


def test_no_input_that_moved_nothing_has_a_bar() -> None:
    for answer, moved in views():
        shown = {row.name for row in moved.rows if row.left is not None}
        for view in answer.attributions.values():
            items = getattr(getattr(view, "attribution", None), "items", ())
            still = {each.concept.display for each in items if not each.amount}
            moving = {each.concept.display for each in items if each.amount}
            assert moved.text != getattr(view, "text", "") or not shown & (still - moving)


def test_an_earlier_result_comes_before_usual_values() -> None:
    found = {answer.concept.id: moved.heading for answer, moved in views() if answer.patient == "ckd-progressing"}
    assert found["kidney-failure-risk-5y"] == "What moved it, compared with 31 Jan 2026"
    assert all(heading.startswith("What moved it, compared with ") for heading in found.values())


def test_what_is_compared_with_usual_values_is_no_course() -> None:
    """ "19 points instead of 0" under "What moved it" is taken as a rise."""
    for _, moved in views():
        assert (
            moved.heading.startswith("What moved it, compared with ") or moved.heading == "Compared with usual values"
        )


def test_an_earlier_time_of_the_same_day_has_its_hour() -> None:
    answer = synthetic_answers()["ckd-progressing", "kidney-failure-risk-5y"]
    (comparison, view), *_ = (each for each in answer.attributions.items() if each[0].baseline is Baseline.EARLIER)
    near = replace(comparison, since=answer.at - timedelta(hours=3))
    moved = moved_view(replace(answer, attributions={near: view}), Addresses())  # type: ignore[arg-type]  # as there
    assert moved is not None and moved.heading == "What moved it, compared with 30 Jun 2026 09:00 UTC"


def test_which_way_is_said_of_nothing_that_digits_on_the_way_could_turn() -> None:
    """Two weeks of age lower the risk by equation, and an eGFR of two decimals makes them raise it."""
    answer = synthetic_answers()["ckd-progressing", "kidney-failure-risk-5y"]
    (comparison, view), *_ = (each for each in answer.attributions.items() if each[0].baseline is Baseline.EARLIER)
    assert isinstance(view, AttributionView)
    made = view.attribution
    total = sum(abs(each.amount) for each in made.items)
    amounts = {"serum-creatinine": total, "recorded-uacr": -total / 3, "age": total / 500}
    items = tuple(replace(each, amount=amounts[each.concept.id]) for each in made.items if each.amount)
    changed = replace(view, attribution=replace(made, items=items))
    moved = moved_view(replace(answer, attributions={comparison: changed}), Addresses())  # type: ignore[arg-type]
    assert moved is not None
    assert [(row.name, row.how, row.up) for row in moved.rows] == [
        ("Serum creatinine", "most", True),
        ("Albumin-creatinine ratio", "less so", False),
        ("Age", "hardly", None),
    ]
    words = describe_players(changed.attribution, 1, answer.concept)
    assert words.endswith("years hardly") and "most (up)" in words and "less so (down)" in words

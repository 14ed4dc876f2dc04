"""What is done again and again: a session counts as going on for a time, and then it is not known."""

from datetime import time, timedelta
from typing import Any

import pytest

from ontology.series import periods_of
from ontology.slots import Select
from ontology.values import Absent, AbsentReason, Series, Value
from tests.support.collector_inputs import AT, SNOMED, codeable_concept, issue_codes
from tests.support.event_records import ask

HAEMODIALYSIS = "302497006"
UNKNOWN = Absent(AbsentReason.STALE)


def session(days: int, **changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "Procedure",
        "id": f"s{days}",
        "status": "completed",
        "subject": {"reference": "Patient/p"},
        "code": codeable_concept(HAEMODIALYSIS, SNOMED),
        "performedDateTime": (AT - timedelta(days=days)).isoformat(),
        **changes,
    }


@pytest.mark.parametrize(
    ("sessions", "value", "codes"),
    [
        # A month (ontology/conditions.ttl: our choice), just inside, on, and just outside.
        ([session(29)], True, []),
        ([session(30)], True, []),
        ([session(31)], UNKNOWN, ["perhaps-over"]),
        ([session(400)], UNKNOWN, ["perhaps-over"]),
        ([session(400), session(3)], True, []),
        ([session(3, status="not-done")], False, ["closed-world", "negated"]),
        ([session(3, status="entered-in-error")], False, ["closed-world"]),
        ([], False, ["closed-world"]),
    ],
)
def test_a_session_of_dialysis_is_dialysis_for_a_month(
    sessions: list[dict[str, Any]], value: Value, codes: list[str]
) -> None:
    found = ask(*sessions, concept="dialysis")
    assert found.value == value
    assert issue_codes(found) == codes


@pytest.mark.parametrize(("days", "value"), [(89, True), (91, False)])
def test_in_a_window_the_time_of_the_session_counts(days: int, value: bool) -> None:
    assert ask(session(days), concept="dialysis", window=timedelta(days=90)).value is value


IN_PROGRESS = {"status": "in-progress"}
UNDATED: dict[str, Any] = {"performedDateTime": None}


def over(start: int, end: int | None, **more: Any) -> dict[str, Any]:
    """Over a period, in days before the question."""
    period = {"start": (AT - timedelta(days=start)).isoformat()}
    if end is not None:
        period["end"] = (AT - timedelta(days=end)).isoformat()
    return {**session(start, **more), "performedDateTime": None, "performedPeriod": period}


def without_empty(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if value is not None}


@pytest.mark.parametrize(
    ("record", "value", "codes"),
    [
        # In progress without an end it goes on, however long ago it began.
        (session(3, **IN_PROGRESS), True, []),
        (session(31, **IN_PROGRESS), True, []),
        (session(400, **IN_PROGRESS), True, []),
        (over(400, None, **IN_PROGRESS), True, []),
        (session(3, **IN_PROGRESS, **UNDATED), True, []),
        # With an end, stated ahead or past: until then, and a month.
        (over(400, -100, **IN_PROGRESS), True, []),
        (over(400, 30, **IN_PROGRESS), True, []),
        (over(400, 31, **IN_PROGRESS), UNKNOWN, ["perhaps-over"]),
        (over(400, -100), True, []),
        (over(400, 29), True, []),
        (over(400, 31), UNKNOWN, ["perhaps-over"]),
        # Not begun, or of an unknown date: no yes.
        (over(-1, -5, **IN_PROGRESS), False, ["closed-world"]),
        (session(3, **UNDATED), Absent(AbsentReason.UNCONVERTIBLE), ["undated"]),
        (session(3, status="on-hold", **UNDATED), Absent(AbsentReason.UNCONVERTIBLE), ["undated"]),
        # A month of which it is not known when in it.
        (
            session(3, **IN_PROGRESS, performedDateTime=f"{AT:%Y-%m}"),
            Absent(AbsentReason.UNCONVERTIBLE),
            ["time-imprecise"],
        ),
    ],
)
def test_what_is_in_progress_goes_on(record: dict[str, Any], value: Value, codes: list[str]) -> None:
    found = ask(without_empty(record), concept="dialysis")
    assert found.value == value
    assert issue_codes(found) == codes


def periods(*records: dict[str, Any], window: int | None = 462) -> Value:
    length = None if window is None else timedelta(days=window)
    return ask(*map(without_empty, records), concept="dialysis-date", select=Select.SERIES, window=length).value


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([], Absent(AbsentReason.NOT_FOUND)),
        ([session(463)], Absent(AbsentReason.STALE)),
        ([session(100), over(20, 10)], [(100, "day"), (20, 10)]),
        # What began before the window reaches into it, and what is in progress goes on.
        ([over(500, 461), over(30, None, **IN_PROGRESS), session(10)], [(500, 461), (30, None)]),
        ([session(500, **IN_PROGRESS)], [(500, None)]),
        ([over(30, -10)], [(30, None)]),
        # What is unclear or undated is left out, and alone makes it unknown.
        ([session(3, status="stopped")], Absent(AbsentReason.UNCONVERTIBLE)),
        ([session(3, **UNDATED)], Absent(AbsentReason.UNCONVERTIBLE)),
        ([session(3, **UNDATED, **IN_PROGRESS)], Absent(AbsentReason.UNCONVERTIBLE)),
        # Of today, or of this month: perhaps before the time asked for, and no "not documented".
        ([session(0, performedDateTime=f"{AT:%Y-%m-%d}")], Absent(AbsentReason.UNCONVERTIBLE)),
        ([session(0, performedDateTime=f"{AT:%Y-%m}"), session(500)], Absent(AbsentReason.UNCONVERTIBLE)),
        ([session(0, performedDateTime=f"{AT:%Y-%m-%d}"), session(9)], [(9, "day")]),
        ([session(3, status="stopped"), session(9)], [(9, "day")]),
        ([session(3, status="not-done")], Absent(AbsentReason.NOT_FOUND)),
    ],
)
def test_the_periods_of_dialysis(records: list[dict[str, Any]], expected: Any) -> None:
    found = periods(*records)
    if isinstance(expected, Absent):
        assert found == expected
        return
    assert isinstance(found, Series)
    days = []
    for start, end in periods_of(found):
        same_day = end is not None and end.date() == start.date() and end.time() == time.max
        days.append(((AT - start).days, None if end is None else "day" if same_day else (AT - end).days))
    assert days == expected

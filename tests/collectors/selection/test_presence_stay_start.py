"""When the inpatient stay began that goes on: wards, transfers, states, zones and dates that are not precise."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from ontology.values import Absent, AbsentReason, Date, Value
from tests.support.collector_inputs import issue_codes
from tests.support.event_records import CLASS, NOT_FOUND, ON_RECORD, ask, event

NOON = datetime(2024, 5, 23, 12, tzinfo=UTC)
BERLIN_SUMMER = timezone(timedelta(hours=2))
OUTPATIENT: dict[str, Any] = {"class": {"system": CLASS, "code": "AMB"}}
STALE = Absent(AbsentReason.STALE)


def stay(start: str | None, end: str | None = None, **changes: Any) -> dict[str, Any]:
    period = {name: time for name, time in (("start", start), ("end", end)) if time is not None}
    ended = {"status": "finished"} if end is not None and end <= "2024-05-23T12:00:00Z" else {}
    return event(
        "Encounter",
        id=f"e{start}{end}".replace(":", "-").replace("+", "-"),
        period=period or None,
        **{**ended, **changes},
    )


def on(day: int, last: int | None = None) -> Date:
    return Date(date(2024, 5, day), date(2024, 5, day if last is None else last))


CASES: dict[str, tuple[list[Mapping[str, Any]], Value]] = {
    "none": ([], NOT_FOUND),
    "one that goes on": ([stay("2024-05-20T10:00:00Z")], on(20)),
    "by its date alone": ([stay("2024-05-20")], on(20)),
    "by its date alone, today": ([stay("2024-05-23")], on(23)),
    "by its month": ([stay("2024-05")], on(1, 31)),
    "only later": ([stay("2024-05-23T12:00:01Z")], NOT_FOUND),
    "over": ([stay("2024-05-20T10:00:00Z", "2024-05-22T10:00:00Z")], NOT_FOUND),
    "over only after the time asked for": ([stay("2024-05-20T10:00:00Z", "2024-05-24T10:00:00Z")], on(20)),
    "a ward within the stay": ([stay("2024-05-20T10:00:00Z"), stay("2024-05-22T18:00:00Z")], on(20)),
    "a ward after another": (
        [stay("2024-05-20T10:00:00Z", "2024-05-22T18:00:00Z"), stay("2024-05-22T18:00:00Z")], on(20)
    ),
    "three wards": (
        [
            stay("2024-05-21T10:00:00Z"),
            stay("2024-05-20T10:00:00Z", "2024-05-21T09:00:00Z"),
            stay("2024-05-19T10:00:00Z", "2024-05-20T09:00:00Z"),
        ],
        on(19),
    ),
    "six hours between": ([stay("2024-05-19T10:00:00Z", "2024-05-20T04:00:00Z"), stay("2024-05-20T10:00:00Z")], on(19)),
    "more than six hours between": (
        [stay("2024-05-19T10:00:00Z", "2024-05-20T03:59:59Z"), stay("2024-05-20T10:00:00Z")], on(20)
    ),
    "a visit of an outpatient": ([stay("2024-05-20T10:00:00Z", **OUTPATIENT)], NOT_FOUND),
    "only planned": ([stay("2024-05-20T10:00:00Z", status="planned")], NOT_FOUND),
    "cancelled": ([stay("2024-05-20T10:00:00Z", status="cancelled")], NOT_FOUND),
    "entered in error, beside one that goes on": (
        [stay("2024-05-10T10:00:00Z", status="entered-in-error"), stay("2024-05-20T10:00:00Z")], on(20)
    ),
    "status unknown": ([stay("2024-05-20T10:00:00Z", status="unknown")], ON_RECORD),
    "undated": ([stay(None)], ON_RECORD),
    "never closed, half a year ago": ([stay("2023-11-20T10:00:00Z")], STALE),
}  # fmt: skip


@pytest.mark.parametrize(("records", "value"), CASES.values(), ids=CASES)
def test_the_start_is_that_of_the_whole_stay(records: list[Mapping[str, Any]], value: Value) -> None:
    for order in (records, records[::-1]):
        found = ask(*order, concept="inpatient-stay-start", at=NOON)
        assert found.value == value, issue_codes(found)
        assert bool(found.resources) is (value != NOT_FOUND)


@pytest.mark.parametrize(
    ("start", "at", "day"),
    [
        ("2024-05-20T22:30:00Z", datetime(2024, 5, 23, 12, tzinfo=BERLIN_SUMMER), 21),
        ("2024-05-20T22:30:00Z", NOON, 20),
        ("2024-05-21T00:30:00+02:00", NOON, 20),
        ("2024-05-20", datetime(2024, 5, 23, 12, tzinfo=BERLIN_SUMMER), 20),
        ("2024-05-20", datetime(2024, 5, 23, 12, tzinfo=timezone(-timedelta(hours=8))), 20),
    ],
)
def test_the_day_is_that_where_it_is_asked(start: str, at: datetime, day: int) -> None:
    assert ask(stay(start), concept="inpatient-stay-start", at=at).value == on(day)

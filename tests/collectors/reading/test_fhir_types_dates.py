"""FHIR dates and times are spans, as wide as they are imprecise."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.reading.fhir_types import read_time

BERLIN = ZoneInfo("Europe/Berlin")
TICK = timedelta(microseconds=1)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]  # the parts of a datetime, in their order


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2024-03-01T10:00:00Z", utc(2024, 3, 1, 10), utc(2024, 3, 1, 10)),
        ("2024-03-01T10:00:00+02:00", utc(2024, 3, 1, 8), utc(2024, 3, 1, 8)),
        ("2024-03-01T10:00:00", utc(2024, 3, 1, 9), utc(2024, 3, 1, 9)),
        ("2024-03-01T10:00Z", utc(2024, 3, 1, 10), utc(2024, 3, 1, 10, 1) - TICK),
        ("2016-12-31T23:59:60Z", utc(2017, 1, 1) - TICK, utc(2017, 1, 1) - TICK),
        ("2024-03-01T10:00:00.1234567Z", utc(2024, 3, 1, 10, 0, 0, 123456), utc(2024, 3, 1, 10, 0, 0, 123456)),
        ("2024-03-01", utc(2024, 2, 29, 23), utc(2024, 3, 1, 23) - TICK),
        ("2024-02", utc(2024, 1, 31, 23), utc(2024, 2, 29, 23) - TICK),
        ("2024", utc(2023, 12, 31, 23), utc(2024, 12, 31, 23) - TICK),
        ("9999-12", utc(9999, 11, 30, 23), utc(9999, 12, 31, 23) - TICK),
    ],
)
def test_span(text: str, start: datetime, end: datetime) -> None:
    span = read_time(text, BERLIN)
    assert (span.start, span.end) == (start, end)


@pytest.mark.parametrize(
    "text", ["", "20240301", "2024-W10", "2024-13", "2024-02-30", "2024-03-01T25:00:00Z", "2024-03-01 10:00", "soon"]
)
def test_what_is_no_time_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        read_time(text, BERLIN)
    assert not text or text not in str(caught.value)


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)), st.sampled_from([4, 7, 10, 19]))
def test_the_less_is_written_the_wider_the_span(moment: datetime, length: int) -> None:
    text = moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    exact = read_time(text, BERLIN)
    partial = read_time(text[:length], BERLIN)
    assert partial.start <= exact.start <= exact.end <= partial.end

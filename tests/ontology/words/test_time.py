"""Times as precisely as they are known, and durations as a reader would say them."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from ontology.resources import Span
from ontology.values import Date
from ontology.words import PLAIN, SHORT, Style
from ontology.words.time import (
    age_words,
    calendar_words,
    date_words,
    day_words,
    duration_code,
    duration_words,
    exact_span_words,
    horizon_words,
    moment_words,
    period_words,
    span_words,
    time_words,
    times_in,
)

BERLIN = ZoneInfo("Europe/Berlin")
TEN = datetime(2024, 3, 1, 10, tzinfo=UTC)
LOCAL = datetime(2024, 3, 1, 10, tzinfo=BERLIN)


def days(first: date, last: date) -> Span:
    return Span(datetime.combine(first, time.min, BERLIN), datetime.combine(last, time.max, BERLIN))


@pytest.mark.parametrize(
    ("span", "exact", "to_the_day"),
    [
        (Span(TEN, TEN), "2024-03-01 10:00 UTC", "2024-03-01 10:00 UTC"),
        (Span(LOCAL, LOCAL), "2024-03-01 10:00 +0100", "2024-03-01 10:00 +0100"),
        (
            Span(TEN, TEN + timedelta(seconds=59)),
            "2024-03-01 10:00 UTC to 2024-03-01 10:00 UTC",
            "2024-03-01",
        ),
        (days(date(2024, 3, 1), date(2024, 3, 1)), "2024-03-01", "2024-03-01"),
        (days(date(2024, 2, 1), date(2024, 2, 29)), "2024-02", "2024-02-01 to 2024-02-29"),
        (days(date(2024, 1, 1), date(2024, 12, 31)), "2024", "2024-01-01 to 2024-12-31"),
        # The end of the calendar has no day after it.
        (days(date(9999, 12, 1), date(9999, 12, 31)), "9999-12", "9999-12-01 to 9999-12-31"),
        (days(date(2024, 2, 1), date(2024, 2, 28)), "2024-02-01 to 2024-02-28", "2024-02-01 to 2024-02-28"),
    ],
)
def test_spans(span: Span, exact: str, to_the_day: str) -> None:
    assert exact_span_words(span) == exact
    assert span_words(span) == to_the_day


def test_a_day_that_ends_at_midnight_is_one_day() -> None:
    midnight = datetime(2024, 3, 1, tzinfo=UTC)
    assert span_words(Span(midnight, midnight + timedelta(days=1))) == "2024-03-01"


def test_an_instant_is_told_in_the_zone_of_the_reader() -> None:
    assert time_words(TEN) == "2024-03-01 10:00 UTC"
    assert time_words(TEN, Style(zone=BERLIN)) == "2024-03-01 11:00 +0100"
    assert span_words(Span(TEN, TEN), Style(zone=BERLIN)) == "2024-03-01 11:00 +0100"


def test_messages_of_a_question_are_in_the_zone_of_its_site() -> None:
    with times_in(BERLIN):
        assert time_words(TEN) == "2024-03-01 11:00 +0100"
        assert exact_span_words(Span(TEN, TEN)) == "2024-03-01 11:00 +0100"
        # A style that names a zone is the reader's own.
        assert time_words(TEN, Style(zone=UTC)) == "2024-03-01 10:00 UTC"
    assert time_words(TEN) == "2024-03-01 10:00 UTC"


def test_at_the_ends_of_the_calendar_an_instant_keeps_its_own_zone() -> None:
    first, last = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), datetime.max.replace(tzinfo=UTC)
    assert time_words(first, Style(zone=UTC)).endswith("-01-01 00:00 +1400")
    assert time_words(last, Style(zone=BERLIN)) == "9999-12-31 23:59 UTC"


LATE = datetime(2024, 3, 1, 23, 30, tzinfo=UTC)
WHOLE_DAY = Span(datetime(2024, 3, 1, tzinfo=UTC), datetime.combine(date(2024, 3, 1), time.max, UTC))


def test_a_day_is_that_of_the_reader_s_zone_and_a_record_of_a_day_keeps_its_own() -> None:
    berlin = Style(zone=BERLIN)
    assert (day_words(LATE), day_words(LATE, berlin)) == ("2024-03-01", "2024-03-02")
    assert day_words(WHOLE_DAY.end, berlin) == "2024-03-01"
    assert span_words(WHOLE_DAY, berlin) == exact_span_words(WHOLE_DAY, berlin) == "2024-03-01"
    assert span_words(Span(LATE, LATE + timedelta(hours=1)), berlin) == "2024-03-02"
    assert day_words(None) == "an unknown day"


def test_dates() -> None:
    born = Date(date(1950, 1, 1), date(1950, 12, 31))
    assert date_words(born) == "between 1950-01-01 and 1950-12-31"
    assert date_words(born, SHORT) == "1950-01-01 to 1950-12-31"
    assert date_words(Date(born.start, born.start)) == "1950-01-01"
    for style in (PLAIN, SHORT):
        assert date_words(Date(born.start, date.max), style) == "since 1950-01-01"


@pytest.mark.parametrize(
    ("duration", "words", "code"),
    [
        # A window of ten years is written in days: they are not to be counted by the reader.
        (timedelta(days=3653), "10 years", "P3653D"),
        (timedelta(days=730), "2 years", "P730D"),
        (timedelta(days=365), "365 days", "P365D"),
        (timedelta(days=90), "90 days", "P90D"),
        (timedelta(hours=48), "2 days", "P2D"),
        (timedelta(hours=24), "24 hours", "P1D"),
        (timedelta(hours=36), "36 hours", "P1DT12H"),
        (timedelta(minutes=30), "30 minutes", "PT30M"),
        (timedelta(hours=1), "1 hour", "PT1H"),
        (timedelta(seconds=45), "45 seconds", "PT45S"),
        (timedelta(seconds=1), "1 second", "PT1S"),
        (timedelta(0), "no time", "P0D"),
    ],
)
def test_durations(duration: timedelta, words: str, code: str) -> None:
    assert duration_words(duration) == words
    assert duration_code(duration) == code


@pytest.mark.parametrize(
    ("horizon", "words"), [("P5Y", "5 years"), ("P1Y", "1 year"), ("P30D", "30 days"), ("PT6H", "PT6H")]
)
def test_horizons(horizon: str, words: str) -> None:
    assert horizon_words(horizon) == words


def test_days_and_ages_of_the_short_answer() -> None:
    berlin = Style(zone=BERLIN)
    assert (calendar_words(LATE), calendar_words(LATE, berlin)) == ("1 Mar 2024", "2 Mar 2024")
    assert calendar_words(WHOLE_DAY.end, berlin) == "1 Mar 2024"
    assert moment_words(LATE, LATE + timedelta(hours=47)) == "1 Mar 2024 23:30 UTC"
    assert moment_words(LATE, LATE + timedelta(hours=1), berlin) == "2 Mar 2024 00:30 +0100"
    assert moment_words(LATE, LATE + timedelta(hours=48)) == "1 Mar 2024"
    assert moment_words(WHOLE_DAY.end, LATE) == "1 Mar 2024"


def test_an_instant_at_midnight_has_the_day_of_the_zone_it_is_shown_in() -> None:
    """Midnight in Greenwich is the evening before in New York; only what is dated to the day keeps its day."""
    new_york = Style(zone=ZoneInfo("America/New_York"))
    midnight = datetime(2026, 6, 30, tzinfo=UTC)
    assert calendar_words(midnight, new_york) == "29 Jun 2026"
    assert moment_words(midnight, midnight + timedelta(hours=12), new_york) == "29 Jun 2026 20:00 -0400"
    first = days(date(2026, 6, 30), date(2026, 6, 30)).start
    assert calendar_words(first, new_york) == moment_words(first, midnight, new_york) == "30 Jun 2026"
    # A clock goes back at 2 h: each of both instants has its own offset, and a day of 25 hours is one day.
    twice = [datetime(2026, 11, 1, hour, 30, tzinfo=UTC) for hour in (5, 6)]
    assert [time_words(each, new_york) for each in twice] == ["2026-11-01 01:30 -0400", "2026-11-01 01:30 -0500"]


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(minutes=-5), "0 minutes"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=119), "119 minutes"),
        (timedelta(minutes=120), "2 hours"),
        (timedelta(hours=47, minutes=59), "47 hours"),
        (timedelta(hours=48), "2 days"),
        (timedelta(days=400), "400 days"),
        (timedelta(days=730), "730 days"),
        (timedelta(days=731), "2 years"),
        # Hypertension since 2001 is no number of days.
        (timedelta(days=8946), "24 years"),
    ],
)
def test_how_old_a_record_is(passed: timedelta, words: str) -> None:
    assert age_words(LATE, LATE + passed) == words


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (days(date(2011, 5, 1), date(2011, 5, 31)), "May 2011"),
        (days(date(2024, 2, 1), date(2024, 2, 29)), "Feb 2024"),
        (days(date(2009, 1, 1), date(2009, 12, 31)), "2009"),
        (days(date(2024, 2, 1), date(2024, 2, 28)), "28 Feb 2024"),
        (days(date(2011, 5, 4), date(2011, 5, 4)), "4 May 2011"),
        (days(date(2011, 5, 1), date(2011, 6, 30)), "30 Jun 2011"),
        # A stay of a month is no date that is known to the month.
        (Span(datetime(2011, 5, 1, 10, tzinfo=BERLIN), datetime(2011, 5, 31, 23, tzinfo=BERLIN)), "31 May 2011"),
        (days(date(2026, 5, 1), date.max), "31 Dec 9999"),
        (Span(TEN, TEN), "1 Mar 2024"),
    ],
)
def test_a_period_is_as_precise_as_it_is_recorded(span: Span, words: str) -> None:
    assert period_words(span) == words

"""What was evaluated comes back exactly; what cannot be read is a miss."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ontology.evaluation import (
    Contribution,
    ContributionGroup,
    Evaluation,
    Interval,
    Issue,
    Margin,
    Severity,
    Standing,
    Working,
)
from ontology.values import Series
from server.executor.result_cache import decode_evaluation, encode_evaluation
from tests.support.any_value import any_value

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NUMBER = st.decimals(allow_nan=False, allow_infinity=False)
INSTANT = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45)), timezone.min])).map(
    lambda time: time.replace(fold=0)
)
VALUE = any_value(NUMBER, TEXT, INSTANT)
ISSUE = st.builds(Issue, st.sampled_from(Severity), TEXT, TEXT, st.none() | TEXT)
INTERVAL = st.builds(Interval, NUMBER, NUMBER, TEXT, TEXT, st.none() | NUMBER)
TEXTS = st.lists(TEXT, max_size=2).map(tuple)
GROUPED = st.builds(ContributionGroup, TEXT, TEXTS, NUMBER)
WORKING = st.builds(
    Working,
    TEXT,
    st.none() | TEXT,
    st.none() | TEXT,
    st.lists(st.builds(Contribution, TEXT, NUMBER, TEXT), max_size=3).map(tuple),
    st.none() | st.builds(Margin, TEXT, NUMBER, NUMBER, NUMBER, TEXT, st.lists(GROUPED, max_size=2).map(tuple)),
    st.none() | st.builds(Standing, st.integers(0, 9), st.integers(1, 9), TEXTS, TEXT, TEXT),
)
EVALUATION = st.builds(
    Evaluation, VALUE, WORKING, st.lists(ISSUE, max_size=3).map(tuple), st.none() | INTERVAL, st.none() | INTERVAL
)


@given(EVALUATION)
def test_an_evaluation_comes_back_exactly(evaluation: Evaluation) -> None:
    back = decode_evaluation(encode_evaluation(evaluation))
    # repr too: equality does not see a decimal's zeros, a time's offset, a coding's display, or 1 for True.
    assert back == evaluation
    assert repr(back).replace("datetime.timezone.utc", "UTC") == repr(evaluation).replace(
        "datetime.timezone.utc", "UTC"
    )


def test_the_zone_of_a_time_stays() -> None:
    there = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    series = Series(((there, Decimal("1.10")),), "mg/dL")
    back = decode_evaluation(encode_evaluation(Evaluation(series, Working("w"))))
    assert back is not None
    assert isinstance(back.value, Series)
    assert back.value.points[0][0].utcoffset() == timedelta(hours=5, minutes=45)
    assert str(back.value.points[0][1]) == "1.10"


@given(st.binary(max_size=60))
def test_foreign_bytes_are_a_miss(data: bytes) -> None:
    assert decode_evaluation(data) is None


@given(EVALUATION, st.data())
def test_bytes_cut_short_are_a_miss(evaluation: Evaluation, data: st.DataObject) -> None:
    whole = encode_evaluation(evaluation)
    assert decode_evaluation(whole[: data.draw(st.integers(0, len(whole) - 1))]) is None
    assert decode_evaluation(whole + b"\x00") is None


SOUND: tuple[Any, ...] = ["quantity", "1.6", "mg/dL"], {"warrant": "w"}, [], None, None, []


@pytest.mark.parametrize(
    "wire",
    [
        (["quantity", "one", "mg/dL"], *SOUND[1:]),
        (["quantity", "1.6"], *SOUND[1:]),
        (["bound", "~", "1.6", "mg/dL"], *SOUND[1:]),
        (["flag", 1], *SOUND[1:]),
        (["series", [["yesterday", "1.6"]], "mg/dL"], *SOUND[1:]),
        (["absent", "LOST"], *SOUND[1:]),
        (["date", "2026-02-30", "2026-03-01"], *SOUND[1:]),
        (["unheard-of", "1.6", "mg/dL"], *SOUND[1:]),
        (SOUND[0], {}, *SOUND[2:]),
        (*SOUND[:4],),
        (*SOUND, None),
        {"value": SOUND[0]},
    ],
    ids=str,
)
def test_a_form_that_is_not_ours_is_a_miss(wire: object) -> None:
    assert decode_evaluation(msgspec.msgpack.encode(SOUND)) is not None
    assert decode_evaluation(msgspec.msgpack.encode(wire)) is None


def test_nothing_is_a_miss() -> None:
    assert decode_evaluation(None) is None

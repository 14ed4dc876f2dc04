"""Any value, written into a graph and read back, is the same value: in Turtle and in JSON-LD."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyoxigraph import Quad

from ontology.evaluation import Interval
from ontology.values import Absent, AbsentReason, Bound, Coding, Date, Quantity, Series, Value
from server.explain.prov.graph import Graph
from server.explain.prov.json_ld import write_json_ld
from server.explain.prov.rdf_terms import MPM, PREFIXES, Iri
from server.explain.prov.rdf_values import read_interval, read_value, write_interval, write_value
from server.explain.prov.seal import graph_digest, quads_digest
from server.explain.prov.statements import Statements, parse_statements
from server.explain.prov.turtle import write_turtle

NODE = Iri("https://medtwin.example/x")
FORMS = ("turtle", "json-ld")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
units = st.sampled_from(["mg/dL", "%", "{score}", "mL/min/{1.73_m2}", "10*3/uL", "[degF]", ""]) | texts
decimals = st.decimals(allow_nan=False, allow_infinity=False, places=None).map(
    lambda n: n if abs(n.adjusted()) < 60 else Decimal(1)
) | st.builds(lambda digits, place: Decimal(digits).scaleb(place), st.integers(-(10**40), 10**40), st.integers(-40, 20))
offsets = st.integers(-23 * 3600, 23 * 3600).map(lambda s: timezone(timedelta(seconds=s))) | st.just(UTC)
times = st.datetimes(datetime(1800, 1, 1), datetime(2900, 1, 1), timezones=offsets)
days = st.dates(date(1, 1, 1))
intervals = st.builds(Interval, decimals, decimals, units, texts, st.none() | decimals)
values = st.one_of(
    st.builds(Quantity, decimals, units),
    st.builds(Bound, st.sampled_from(["<", "<=", ">", ">="]), decimals, units),
    st.builds(Coding, texts, texts, st.none() | texts),
    st.booleans(),
    st.tuples(days, days).map(lambda ends: Date(min(ends), max(ends))),
    st.builds(Series, st.lists(st.tuples(times, decimals), min_size=1, max_size=6).map(tuple), units),
    st.sampled_from(AbsentReason).map(Absent),
)


def text_of(made: Graph, form: str) -> str:
    return (write_turtle if form == "turtle" else write_json_ld)(made, PREFIXES)


def graph_of(value: Value, interval: Interval | None) -> Graph:
    made = Graph()
    write_value(made, NODE, value)
    write_interval(made, NODE, MPM.bounds, interval)
    return made


def subject_of(quads: Iterable[Quad]) -> Any:
    """The node as the library writes it."""
    return next(quad.subject for quad in quads if getattr(quad.subject, "value", "") == NODE.value)


@pytest.mark.parametrize("form", FORMS)
@given(value=values, interval=st.none() | intervals)
def test_it_comes_back(form: str, value: Value, interval: Interval | None) -> None:
    made = graph_of(value, interval)
    quads = parse_statements(text_of(made, form), form)
    said = Statements(quads)
    node = subject_of(quads)
    back = read_value(said, node)
    assert type(back) is type(value)
    assert back == value
    assert display(back) == display(value)
    assert read_interval(said, node, MPM.bounds.value) == interval
    # What was written says exactly what was meant: no digit more or less, or seals would not hold.
    assert quads_digest(quads, b"", b"") == graph_digest(made, b"", b"")


def display(value: Value) -> str | None:
    return value.display if isinstance(value, Coding) else None


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("digits", ["1.60", "160", "0.000000000000000000001", "-0.0", "12345678901234567890.12"])
def test_digits_are_kept(form: str, digits: str) -> None:
    (quad,) = [
        q
        for q in parse_statements(text_of(graph_of(Quantity(Decimal(digits), "1"), None), form), form)
        if "value" in str(q)
    ]
    assert getattr(quad.object, "value", None) == digits


def test_no_number_is_written_with_an_exponent() -> None:
    for form in FORMS:
        assert "E+" not in text_of(graph_of(Quantity(Decimal("1E+20"), "1"), None), form)


def test_two_points_of_one_time_keep_their_order() -> None:
    time = datetime(2026, 1, 1, tzinfo=UTC)
    series = Series(((time, Decimal(2)), (time, Decimal(1)), (time, Decimal(2))), "mg/dL")
    for form in FORMS:
        quads = parse_statements(text_of(graph_of(series, None), form), form)
        node = subject_of(quads)
        assert read_value(Statements(quads), node) == series

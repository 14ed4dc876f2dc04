"""A view in the order of time holds just what the definition says, whatever the spans, windows and times of issue."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from collectors.reading.records import Fact, Record
from collectors.selection.pool import FactTimeline, group_by_time, groups_newest_first, span_of
from ontology.resources import RecordRef, Resource, Span
from ontology.values import Quantity

# A change of the clock lies within: windows counted on the clock and in seconds differ.
START = datetime(2026, 3, 28, tzinfo=UTC)
LATE = START + timedelta(days=30)
HOURS = st.integers(0, 72).map(lambda hours: START + timedelta(hours=hours))
ZONES = st.sampled_from([UTC, ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")])
SPANS = st.tuples(HOURS, st.sampled_from([0, 0, 1, 24]), ZONES).map(
    lambda drawn: Span(drawn[0].astimezone(drawn[2]), (drawn[0] + timedelta(hours=drawn[1])).astimezone(drawn[2]))
)
REF = RecordRef("ehr", "https://ehr.example/fhir", "Observation", "1")


def fact(number: int, span: Span | None, issued: datetime | None) -> Fact:
    resource = Resource(f"urn:{number}", "x", Quantity(number, "1"), span, "Patient/p1", REF, issued=issued)  # type: ignore[arg-type]  # any number
    return Fact(resource, Record(REF, b""))


@given(
    drawn=st.lists(st.tuples(st.none() | SPANS, st.none() | HOURS), max_size=12),
    as_of=st.tuples(HOURS, ZONES).map(lambda both: both[0].astimezone(both[1])),
    known_at=HOURS,
    window=st.none() | st.integers(0, 60).map(lambda hours: timedelta(hours=hours)),
)
def test_each_fact_lies_where_the_definition_puts_it(
    drawn: list[tuple[Span | None, datetime | None]],
    as_of: datetime,
    known_at: datetime,
    window: timedelta | None,
) -> None:
    facts = [fact(number, *each) for number, each in enumerate(drawn)]
    expected: dict[str, set[str]] = {name: set() for name in ("inside", "older", "undated", "unsure", "unissued")}
    for each in facts:
        span, issued = each.resource.effective, each.resource.issued
        where = None
        if issued is not None and issued > known_at:
            where = "unissued" if span is not None and span.end <= as_of else None
        elif span is None:
            where = "undated"
        elif span.end > as_of:
            where = "unsure" if span.start <= as_of else None
        else:
            where = "older" if window is not None and as_of - span.start > window else "inside"
        if where is not None:
            expected[where].add(each.resource.iri)
    timeline = FactTimeline(facts, known_at)
    inside, older = timeline.facts_until(as_of, window)
    found = {"inside": inside, "older": older, "undated": timeline.undated}
    found |= {"unsure": timeline.possibly_later(as_of), "unissued": timeline.not_yet_issued(as_of)}
    assert {name: {each.resource.iri for each in held} for name, held in found.items()} == expected
    assert [each.resource.effective for each in inside] == sorted(
        (each.resource.effective for each in inside if each.resource.effective), key=lambda span: span.end
    )


def test_a_window_longer_than_the_calendar_has_no_beginning() -> None:
    early = Span(datetime(3, 1, 1, tzinfo=UTC), datetime(3, 1, 1, tzinfo=UTC))
    timeline = FactTimeline([fact(1, early, None)], START)
    assert len(timeline.facts_until(datetime(4, 1, 1, tzinfo=UTC), timedelta(days=800_000))[0]) == 1


@given(st.lists(SPANS, max_size=12))
def test_groups_from_the_newest_are_all_groups_the_other_way_round(spans: list[Span]) -> None:
    facts = FactTimeline([fact(number, span, None) for number, span in enumerate(spans)], START).facts_until(
        LATE, None
    )[0]
    assert list(groups_newest_first(facts)) == group_by_time(facts)[::-1]


@given(
    st.lists(HOURS.map(lambda at: Span(at, at)), max_size=12),
    HOURS,
    st.integers(0, 60).map(lambda hours: timedelta(hours=hours)),
)
def test_instants_are_told_apart_by_the_window_alone(spans: list[Span], as_of: datetime, window: timedelta) -> None:
    timeline = FactTimeline([fact(number, span, None) for number, span in enumerate(spans)], START)
    assert timeline.instants_only
    inside, older = timeline.facts_until(as_of, window)
    held = sorted(span.end for span in spans if span.end <= as_of)
    assert [span_of(each).end for each in inside] == [end for end in held if as_of - end <= window]
    assert [span_of(each).end for each in older] == [end for end in held if as_of - end > window]

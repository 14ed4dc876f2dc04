"""Whatever is on record, every way of searching selects what the window selects."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta, timezone
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.search import Search
from collectors.source_facts import SourceFacts
from ontology.values import Absent, AbsentReason, Value
from tests.support.collector_inputs import AT, CREATININE, codeable_concept, observation, quantity, slot
from tests.support.searching_server import server_with_records
from tests.support.strategy_questions import LASTN, SORTS, WINDOW, RepeatedQuestions, latest_searches


def instant(day: int, hour: int, zone: int) -> dict[str, Any]:
    return {"effectiveDateTime": (AT - timedelta(days=day, hours=hour)).astimezone(ZONES[zone]).isoformat()}


def lasting(day: int, hours: int) -> dict[str, Any]:
    start = AT - timedelta(days=day)
    return {
        "effectiveDateTime": None,
        "effectivePeriod": {"start": start.isoformat(), "end": (start + timedelta(hours=hours)).isoformat()},
    }


ZONES = [timezone(timedelta(hours=hours)) for hours in (0, -8, 9)]
DAYS = st.integers(0, 80)
TIMES = st.one_of(
    st.builds(instant, DAYS, st.integers(0, 23), st.just(0)),
    st.builds(instant, DAYS, st.integers(0, 23), st.integers(0, 2)),
    DAYS.map(lambda day: {"effectiveDateTime": (AT - timedelta(days=day)).date().isoformat()}),
    st.just({"effectiveDateTime": "2024-06-03T00:00:00Z"}),
)
LASTING = st.builds(lasting, DAYS, st.integers(1, 30))


def records(times: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Creatinines at such times, under one code or another, not all of which count."""
    return st.builds(
        lambda time, value, status, code, broken: {
            **time,
            "status": status,
            "code": {"coding": [codeable_concept(each)["coding"][0] for each in code]},
            "valueQuantity": quantity(value, "furlong" if broken else "mg/dL"),
        },
        times,
        st.sampled_from(("0.9", "1.1", "2.4")),
        st.sampled_from(("final", "final", "final", "preliminary", "entered-in-error")),
        st.sampled_from((("2160-0",), ("2160-0",), ("38483-4",), ("2160-0", "38483-4"))),
        st.sampled_from((False, False, False, True)),
    )


CHARTS = st.one_of(
    st.lists(records(TIMES), max_size=8),
    st.lists(records(TIMES), min_size=12, max_size=40),
    st.lists(records(st.one_of(TIMES, TIMES, LASTING)), min_size=12, max_size=20),
)
SLOTS = st.builds(
    lambda window, step: slot(window=window, step_back=step),
    st.sampled_from((None, timedelta(days=20), timedelta(days=90))),
    st.booleans(),
)


def same(one: Value, other: Value) -> bool:
    """Equal; of older records that only one of them saw, it may say that they are stale."""
    gone = (AbsentReason.NOT_FOUND, AbsentReason.STALE)
    if isinstance(one, Absent) and isinstance(other, Absent) and one.reason in gone and other.reason in gone:
        return True
    return one == other


async def gathered(
    chart: Iterable[dict[str, Any]],
    metadata: Any,
    proven: bool,
    needs: tuple[Search, ...],
    ignored: frozenset[str] = frozenset(),
) -> SourceFacts:
    records = [observation(id=f"o{index}", **each) for index, each in enumerate(chart)]
    async with RepeatedQuestions(server_with_records(*records, metadata=metadata, ignored=ignored)) as asking:
        await asking.ask(needs, settle=False)
        if proven:
            asking.prove()
        return await asking.ask(needs, settle=False)


@settings(deadline=None, max_examples=150)  # the first example imports the models
@given(
    CHARTS,
    SLOTS,
    st.sampled_from((LASTN, SORTS)),
    st.sampled_from((None, WINDOW)),
    st.sampled_from(((), ("time-order",))),
)
def test_every_way_selects_what_the_window_selects(
    chart: list[dict[str, Any]], wanted: Any, metadata: Any, window: timedelta | None, habits: tuple[str, ...]
) -> None:
    needs = latest_searches(CREATININE, window=window)
    plain = asyncio.run(gathered(chart, metadata, False, needs)).select(wanted, AT, AT)
    newest = asyncio.run(gathered(chart, metadata, True, needs, frozenset(habits))).select(wanted, AT, AT)
    assert same(newest.value, plain.value)

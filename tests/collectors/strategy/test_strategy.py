"""The newest records are asked for only where a source gives them, and else the window is."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from collectors.capability.capability import NEWEST_COUNT
from collectors.search import Search
from ontology.values import Quantity
from tests.support.collector_inputs import AT, CREATININE, SEX, codeable_concept, observation, quantity, searches, slot
from tests.support.searching_server import capability_statement, server_with_records
from tests.support.strategy_questions import (
    LABS,
    LASTN,
    SORTS,
    WINDOW,
    RepeatedQuestions,
    latest_searches,
    observation_requests,
    readings,
    value_of,
)


async def test_a_way_is_proven_behind_a_question_and_then_used() -> None:
    for metadata, trial, used in ((LASTN, ["$lastn"], ["$lastn"]), (SORTS, ["sorted", "sorted"], ["sorted"])):
        async with RepeatedQuestions(server_with_records(*readings(15), metadata=metadata)) as asking:
            first = await asking.ask()
            assert observation_requests(asking.server) == ["window", *trial]
            second = await asking.ask()
            assert observation_requests(asking.server) == used
            assert first.select(slot(), AT, AT).value == second.select(slot(), AT, AT).value
            assert len(second.gathered_facts.resources["serum-creatinine"]) == NEWEST_COUNT


@pytest.mark.parametrize(
    ("metadata", "ignored", "shown"),
    [
        # What gives the newest of each code in no way may still sort.
        (LASTN, "lastn", (False, True)),
        (LASTN, "max", (False, True)),
        (SORTS, "_sort", (None, False)),
        (SORTS, "global-order", (None, False)),
        (SORTS, "code", (None, False)),
    ],
)
async def test_what_a_source_does_not_do_is_never_relied_on(
    metadata: Any, ignored: str, shown: tuple[bool | None, bool | None]
) -> None:
    others = [
        observation("13", id=f"g{n}", code=codeable_concept("9269-2"), effectiveDateTime="2025-06-01T00:00:00Z")
        for n in range(3)
    ]
    server = server_with_records(*readings(60), *others, metadata=metadata, ignored=frozenset({ignored}))
    async with RepeatedQuestions(server) as asking:
        for _ in range(2):
            facts = await asking.ask()
            assert observation_requests(server)[0] == "window"
            assert facts.select(slot(), AT, AT).value == value_of(22)
        assert asking.shown == shown


async def test_records_of_others_among_the_newest_never_count() -> None:
    strangers = readings(20, datetime(2024, 3, 1, tzinfo=UTC), "s", subject={"reference": "Patient/q"})
    for metadata in (LASTN, SORTS):
        server = server_with_records(*readings(20), *strangers, metadata=metadata, ignored=frozenset({"patient"}))
        async with RepeatedQuestions(server) as asking:
            await asking.ask(settle=False)
            asking.prove()
            facts = await asking.ask(settle=False)
            assert facts.select(slot(), AT, AT).value == value_of(20)


async def test_lastn_that_is_refused_leads_back_to_the_window_and_is_not_asked_again() -> None:
    server = server_with_records(*readings(15), metadata=LASTN, refused=frozenset({"Observation/$lastn"}))
    async with RepeatedQuestions(server) as asking:
        await asking.ask(settle=False)
        asking.prove()
        facts = await asking.ask(settle=False)
        assert observation_requests(server)[:2] == ["$lastn", "window"]
        assert facts.failures == {}
        assert asking.shown[0] is False
        await asking.ask(settle=False)
        assert observation_requests(server)[0] != "$lastn"


WIDE_AND_LATEST = latest_searches(CREATININE)
HISTORY = searches(SEX, CREATININE, window=WINDOW)
NARROW = latest_searches(CREATININE, window=timedelta(days=2))


@pytest.mark.parametrize(
    ("needs", "at", "expected"),
    [
        (WIDE_AND_LATEST, AT, "$lastn"),
        (WIDE_AND_LATEST, AT - timedelta(days=3), "window"),
        (latest_searches(CREATININE, window=None), AT, "$lastn"),
        (HISTORY, AT, "window"),
        (NARROW, AT, "window"),
        (latest_searches(*LABS), AT, "$lastn"),
    ],
    ids=["wide", "at an earlier time", "no window", "history", "narrow", "several"],
)
async def test_when_the_newest_records_are_asked_for(needs: tuple[Search, ...], at: datetime, expected: str) -> None:
    async with RepeatedQuestions(server_with_records(*readings(15), metadata=LASTN), at) as asking:
        await asking.ask(settle=False)
        asking.prove()
        await asking.ask(needs)
        assert observation_requests(asking.server)[0] == expected


async def test_several_concepts_are_sorted_in_one_batch_and_else_not_at_all() -> None:
    for batch, expected in ((True, ["batch"]), (False, ["window"])):
        async with RepeatedQuestions(
            server_with_records(*readings(15), metadata=capability_statement(batch=batch))
        ) as asking:
            await asking.ask(settle=False)
            asking.prove()
            facts = await asking.ask(latest_searches(*LABS), settle=False)
            assert observation_requests(asking.server) == expected
            assert facts.requests == 2
            assert facts.select(slot(), AT, AT).value == value_of(15)


def unreadable(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**each, "valueQuantity": quantity("1", "furlong")} for each in records]


def preliminary(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**each, "status": "preliminary"} for each in records]


def at_once(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**each, "effectiveDateTime": "2024-05-01T08:00:00Z"} for each in records]


def not_issued(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**each, "issued": "2024-07-01T08:00:00Z"} for each in records]


def unsound(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**each, "referenceRange": [{"low": {"value": "x"}}], "category": "lab"} for each in records]


def by_month(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**each, "effectiveDateTime": each["effectiveDateTime"][:7]} for each in records]


@pytest.mark.parametrize("spoiled", [unreadable, preliminary, at_once, not_issued, unsound, by_month])
@pytest.mark.parametrize("metadata", [LASTN, SORTS], ids=["lastn", "sorted"])
async def test_newest_records_that_do_not_decide_are_followed_by_the_window(spoiled: Any, metadata: Any) -> None:
    records = readings(15)
    async with RepeatedQuestions(server_with_records(*records[:3], *spoiled(records[3:]), metadata=metadata)) as asking:
        await asking.ask(settle=False)
        asking.prove()
        facts = await asking.ask(settle=False)
        assert observation_requests(asking.server)[1:] == ["window"]
        assert len(facts.gathered_facts.resources["serum-creatinine"]) == 15


async def test_what_began_before_the_newest_and_ended_after_them_is_not_lost() -> None:
    hours = [observation(id=f"h{n}", effectiveDateTime=f"2024-05-20T{10 + n}:00:00Z") for n in range(NEWEST_COUNT)]
    collected = {"start": "2024-05-20T09:00:00Z", "end": "2024-05-21T09:00:00Z"}
    day = observation("2.2", id="d", effectiveDateTime=None, effectivePeriod=collected)
    for metadata in (LASTN, SORTS):
        async with RepeatedQuestions(server_with_records(day, *hours, metadata=metadata)) as asking:
            await asking.ask(settle=False)
            asking.prove()
            facts = await asking.ask(settle=False)
        assert observation_requests(asking.server)[1:] == ["window"]
        assert facts.select(slot(), AT, AT).value == Quantity(Decimal("2.2"), "mg/dL")


async def test_a_source_that_gives_fewer_than_asked_for_says_that_there_is_more() -> None:
    records = readings(15)
    async with RepeatedQuestions(
        server_with_records(*records[:11], *preliminary(records[11:]), metadata=SORTS, page=4)
    ) as asking:
        await asking.ask(settle=False)
        asking.prove()
        facts = await asking.ask(settle=False)
    assert observation_requests(asking.server)[1] == "window"
    assert len(facts.gathered_facts.resources["serum-creatinine"]) == 15


async def test_a_source_that_gives_what_lasts_before_all_else_is_asked_for_the_window() -> None:
    days = [
        observation(
            id=f"d{n}",
            effectiveDateTime=None,
            effectivePeriod={"start": f"2024-04-{1 + n:02}T08:00:00Z", "end": f"2024-04-{2 + n:02}T08:00:00Z"},
        )
        for n in range(NEWEST_COUNT + 1)
    ]
    newest = observation("2.2", id="n", effectiveDateTime="2024-05-20T08:00:00Z")
    async with RepeatedQuestions(
        server_with_records(newest, *days, metadata=SORTS, ignored=frozenset({"time-order"}))
    ) as asking:
        await asking.ask(settle=False)
        asking.prove()
        facts = await asking.ask(settle=False)
    assert observation_requests(asking.server) == ["sorted", "window"]
    assert facts.select(slot(), AT, AT).value == Quantity(Decimal("2.2"), "mg/dL")


async def test_only_what_is_not_settled_is_asked_for_again() -> None:
    pressures = [
        {
            **each,
            "id": f"b{n}",
            "code": codeable_concept("8480-6"),
            "valueQuantity": quantity("120", "mm[Hg]"),
            "status": "preliminary",
        }
        for n, each in enumerate(readings(15))
    ]
    async with RepeatedQuestions(server_with_records(*readings(15), *pressures, metadata=LASTN)) as asking:
        await asking.ask(settle=False)
        asking.prove()
        await asking.ask(latest_searches(*LABS), settle=False)
        (again,) = asking.server.of("Observation")
    assert "8480-6" in again["code"]
    assert "2160-0" not in again["code"]


async def test_death_settles_nothing_that_was_measured_after_it() -> None:
    server = server_with_records(*readings(20), metadata=LASTN)
    server.records[0]["deceasedDateTime"] = "2024-01-20T00:00:00Z"
    async with RepeatedQuestions(server) as asking:
        await asking.ask(settle=False)
        asking.prove()
        facts = await asking.ask(settle=False)
    assert observation_requests(server) == ["$lastn", "window"]
    dead = facts.death
    assert dead is not None
    assert facts.select(slot(), dead.end, AT).value == value_of(3)

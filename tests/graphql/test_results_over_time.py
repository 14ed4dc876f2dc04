"""A concept over time: at each change of its inputs, what the question would have told then."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from server.executor.engine import Engine
from server.graphql.endpoint import GraphQL
from server.settings import Settings
from tests.support.charts import creatinine, patient
from tests.support.engine_questions import shipped
from tests.support.fake_fhir_servers import BASE, FakeFhir

Json = dict[str, Any]
VALUE = "value { ... on Quantity { value } ... on Absent { reason } }"
COURSE = f"""query T($of: ID!, $from: DateTime!, $to: DateTime!, $n: Int) {{ patient(id: "p1") {{
  timeline(of: $of, from: $from, to: $to, atMost: $n) {{
    concept {{ id }} leftOut ran reused points {{ at status text fingerprint {VALUE} }} }} }} }}"""
THEN = f'query T($of: [ID!]!, $at: DateTime) {{ patient(id: "p1") {{ results(of: $of, at: $at) {{ text {VALUE} }} }} }}'
CHART = (
    patient(),
    creatinine(1.0, "2026-01-10T08:00:00Z"),
    creatinine(1.2, "2026-02-10T08:00:00Z"),
    creatinine(1.4, "2026-03-10T08:00:00Z", issued="2026-03-11T09:00:00Z"),
)
SPAN = {"of": "egfr", "from": "2026-02-01T00:00:00Z", "to": "2026-07-01T00:00:00Z"}


@asynccontextmanager
async def served(records: Iterable[Json] = CHART, **settings: Any) -> AsyncIterator[tuple[GraphQL, FakeFhir]]:
    fake = FakeFhir(records)
    loaded = Settings.model_validate({"sources": [{"id": "ehr", "base_url": BASE}], **settings})
    async with await Engine.open(loaded, shipped(), fake.client()) as engine:
        yield GraphQL(engine, loaded.server), fake


async def course(endpoint: GraphQL, **more: Any) -> Json:
    told, status = await endpoint.run(COURSE, {**SPAN, **more})
    assert (told.get("errors"), status) == (None, 200)
    return dict(told["data"]["patient"]["timeline"])


def times(told: Json) -> list[str]:
    return [point["at"][:16] for point in told["points"]]


async def test_there_is_a_point_for_each_change() -> None:
    async with served(cache={"enabled": False}) as (endpoint, _):
        told = await course(endpoint)
    # As of the beginning; measured; measured and only issued a day later; too old after ninety days.
    assert times(told) == ["2026-02-01T00:00", "2026-02-10T08:00", "2026-03-11T09:00", "2026-06-08T08:00"]
    assert [point["value"].get("reason") for point in told["points"]] == [None, None, None, "INPUT_ABSENT"]
    assert [point["status"] for point in told["points"]] == ["COMPLETE"] * 3 + ["INSUFFICIENT"]
    assert told["leftOut"] == 0


async def test_each_point_is_what_the_question_tells_as_of_then() -> None:
    async with served(cache={"enabled": False}) as (endpoint, _):
        for point in (await course(endpoint))["points"]:
            told, _ = await endpoint.run(THEN, {"of": ["egfr"], "at": point["at"]})
            (result,) = told["data"]["patient"]["results"]
            assert result == {"text": point["text"], "value": point["value"]}


async def test_a_second_look_evaluates_nothing() -> None:
    async with served() as (endpoint, fake):
        first, again = await course(endpoint), await course(endpoint)
        asked = sum(request.url.path.endswith("/Observation") for request in fake.requests)
    assert first["ran"] > 0
    assert (again["ran"], again["reused"]) == (0, first["ran"] + first["reused"])
    assert again["points"] == first["points"]
    assert asked == 2


async def test_what_did_not_change_is_not_evaluated_again() -> None:
    async with served() as (endpoint, _):
        told = await course(endpoint)
        more = await course(endpoint, **{"from": "2026-01-20T00:00:00Z"})
    assert len(more["points"]) == len(told["points"])
    # Only the new first point runs: age, both modules of AKI, and eGFR as of another day, over a known creatinine.
    assert 0 < more["ran"] <= 4


async def test_of_too_many_changes_the_newest_are_told() -> None:
    async with served(cache={"enabled": False}) as (endpoint, _):
        whole, few = await course(endpoint), await course(endpoint, n=2)
    assert few["points"] == whole["points"][-2:]
    assert few["leftOut"] == 2


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"n": 0}, "too-many-points"),
        ({"n": 1001}, "too-many-points"),
        ({"from": SPAN["to"]}, "since-not-earlier"),
        ({"of": "nothing"}, "unknown-concept"),
    ],
)
async def test_what_cannot_be_asked_is_refused(given: Json, code: str) -> None:
    async with served(cache={"enabled": False}) as (endpoint, _):
        told, _ = await endpoint.run(COURSE, {**SPAN, **given})
    assert [error["extensions"]["code"] for error in told["errors"]] == [code]


@pytest.mark.parametrize(("most", "refused"), [(", atMost: 10", False), (", atMost: 11", True), ("", True)])
async def test_fields_count_once_for_each_point(most: str, refused: bool) -> None:
    text = (
        f'{{ patient(id: "p1") {{ timeline(of: "egfr", from: "{SPAN["from"]}", to: "{SPAN["to"]}"{most})'
        " { points { at text } } } }"
    )
    async with served(cache={"enabled": False}, server={"max_complexity": 532}) as (endpoint, _):
        told, _ = await endpoint.run(text)
    codes = [error["extensions"]["code"] for error in told.get("errors", [])]
    assert codes == (["query-too-complex"] if refused else [])


async def test_a_concept_that_is_read_has_a_course_too() -> None:
    async with served(cache={"enabled": False}) as (endpoint, _):
        told = await course(endpoint, of="serum-creatinine")
    assert [point["value"]["value"] for point in told["points"]] == [1.0, 1.2, 1.4]


async def test_what_is_dated_by_its_day_counts_from_when_it_was_on_record() -> None:
    today = creatinine(2.0, "2026-03-20", issued="2026-03-20T10:00:00Z")
    async with served((*CHART, today), cache={"enabled": False}) as (endpoint, _):
        told = await course(endpoint, to="2026-03-20T12:00:00Z")
        assert times(told)[-2:] == ["2026-03-20T10:00", "2026-03-20T12:00"]
        then, _ = await endpoint.run(THEN, {"of": ["egfr"], "at": "2026-03-20T12:00:00Z"})
    last = told["points"][-1]
    assert last["text"] == then["data"]["patient"]["results"][0]["text"]
    assert "2026-03-20" in last["text"]
    assert told["points"][-2]["value"] == last["value"] != told["points"][-3]["value"]

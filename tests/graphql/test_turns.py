"""A request answers in slices: turns of the event loop are counted here, and no seconds."""

import asyncio
import itertools
import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from server.errors import QuestionError
from server.executor.budget import Budget
from server.executor.trace import Trace
from server.explain.explain import explain
from server.explain.results import AnswerResult
from server.graphql import query as query_module
from server.graphql import results, turns
from server.graphql.endpoint import GraphQL
from server.graphql.full_query import FULL_QUERY
from server.graphql.turns import Turns
from server.settings import ServerSettings
from tests.support.attribution_queries import AT, open_endpoint

RISK = "kidney-failure-risk-5y"
UNKNOWN = ", ".join(f'"unknown-{number}"' for number in range(50))


def query(selection: str, count: int = 50) -> str:
    concepts = ", ".join([f'"{RISK}"'] * count)
    return f'{{ patient(id: "p1") {{ results(of: [{concepts}], at: "{AT}") {{ {selection} }} }} }}'


class Other:
    """Something else on the event loop, that counts its turns."""

    def __init__(self) -> None:
        self.turns = 0

    async def live(self) -> None:
        while True:
            self.turns += 1
            await asyncio.sleep(0)

    def __enter__(self) -> "Other":
        self._task = asyncio.create_task(self.live())
        return self

    def __exit__(self, *_: object) -> None:
        self._task.cancel()


async def turns_while(endpoint: GraphQL, text: str) -> int:
    """How often something else had its turn while results were answered that are computed already."""
    other = Other()

    def explain_now(trace: Trace) -> tuple[AnswerResult, ...]:
        other.turns = 0
        return explain(trace)

    with pytest.MonkeyPatch.context() as patch, other:
        patch.setattr(query_module, "explain", explain_now)
        answer, status = await endpoint.run(text)
    assert (answer.get("errors"), status) == (None, 200)
    return other.turns


@pytest.fixture
def short_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each slice is over at once: turns are those of a machine that is slower than any."""
    monkeypatch.setattr(turns, "SLICE", 0.0)


@pytest.mark.usefixtures("short_slices")
@pytest.mark.parametrize("field", ["provenance", "provenance(format: JSON_LD)", "fhir", "argument"])
async def test_others_have_their_turn_between_documents(field: str) -> None:
    async with open_endpoint() as (endpoint, _):
        assert await turns_while(endpoint, query(field)) >= 50


@pytest.mark.usefixtures("short_slices")
@pytest.mark.parametrize(
    ("selection", "least"),
    [
        ("issues { text }", 50),
        ("chain { claim }", 50),
        # Two steps each, with their grounds.
        ("chain { grounds { slot } }", 50 + 2 * 50),
        ("chain { module { slots { name } } }", 50 + 2 * 50),
    ],
)
async def test_others_have_their_turn_at_long_lists(selection: str, least: int) -> None:
    async with open_endpoint() as (endpoint, _):
        assert await turns_while(endpoint, query("text")) < 10
        assert await turns_while(endpoint, query(selection)) >= least


@pytest.mark.usefixtures("short_slices")
@pytest.mark.parametrize(
    ("text", "least"),
    [
        (" ".join(f'a{i}: plan(of: ["{RISK}"]) {{ searches }}' for i in range(30)), 29),
        (f'patient(id: "p1") {{ results(of: [{UNKNOWN}]) {{ text }} }}', 49),
    ],
)
async def test_others_have_their_turn_while_concepts_are_looked_up(text: str, least: int) -> None:
    async with open_endpoint() as (endpoint, _):
        with Other() as other:
            answer, _ = await endpoint.run(f"{{ {text} }}")
    assert "data" in answer
    assert other.turns >= least


async def test_a_small_question_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_endpoint() as (endpoint, _):
        monkeypatch.setattr(turns, "SLICE", 1e9)
        assert await turns_while(endpoint, query("chain { claim grounds { slot } } issues { text }", 1)) < 10


async def test_slices_change_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"patient": "p1", "of": [RISK, "gfr-category", "serum-creatinine"], "at": AT}
    async with open_endpoint() as (endpoint, _):
        await endpoint.run(FULL_QUERY, variables)
        expected = await endpoint.run(FULL_QUERY, variables)
        monkeypatch.setattr(turns, "SLICE", 0.0)
        assert await endpoint.run(FULL_QUERY, variables) == expected


async def test_documents_are_rendered_in_a_thread_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    running: list[str] = []
    seen: list[tuple[str, int]] = []

    def render(*_: Any) -> str:
        running.append("")
        seen.append((threading.current_thread().name, len(running)))
        running.pop()
        return "made"

    monkeypatch.setattr(results, "serialize_result", render)
    async with open_endpoint() as (endpoint, _):
        answer, _ = await endpoint.run(query("provenance", 5))
    assert [each["provenance"] for each in answer["data"]["patient"]["results"]] == ["made"] * 5
    assert {name.rsplit("_", 1)[0] for name, _ in seen} == {"rendering"}
    assert {count for _, count in seen} == {1}


@pytest.mark.parametrize(("length", "answered"), [(5, 5), (25, 5), (26, 4), (50, 3), (101, 1)])
async def test_documents_that_follow_long_ones_are_refused(
    length: int, answered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "MOST_RENDERED", 100)
    monkeypatch.setattr(results, "serialize_result", lambda *_: "x" * length)
    async with open_endpoint() as (endpoint, _):
        answer, status = await endpoint.run(query("provenance", 5))
    found = answer["data"]["patient"]["results"]
    assert status == 200
    assert [each is not None for each in found] == [True] * answered + [False] * (5 - answered)
    assert {error["extensions"]["code"] for error in answer.get("errors", ())} <= {"answer-too-large"}


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each look at the clock of a budget is a second later."""
    clock = itertools.count()
    original = Budget.from_settings.__func__  # type: ignore[attr-defined]

    def from_settings(settings: ServerSettings) -> Budget:
        made: Budget = original(Budget, settings)
        made.clock = lambda: float(next(clock))
        return made

    monkeypatch.setattr(Budget, "from_settings", from_settings)
    yield


@pytest.mark.usefixtures("ticking")
@pytest.mark.parametrize("field", ["provenance", "fhir", "argument"])
async def test_the_deadline_ends_rendering(field: str) -> None:
    async with open_endpoint(server={"deadline": 60}) as (endpoint, _):
        one, status = await endpoint.run(query(field, 2))
        assert (one.get("errors"), status) == (None, 200)
        many, status = await endpoint.run(query(f"a: {field} b: {field}", 50))
    assert status == 200
    # What is too late is null at its place.
    assert many["data"]["patient"]["results"][-1] is None
    assert many["errors"][0]["extensions"]["code"] == "too-long"


@pytest.mark.usefixtures("short_slices")
async def test_the_deadline_ends_a_long_selection() -> None:
    times = itertools.chain([0.0, 0.0, 0.0], itertools.repeat(61.0))
    budget = Budget.from_settings(ServerSettings(deadline=60))
    budget.clock = lambda: next(times)
    given = Turns(budget)
    await given.wait()
    await given.wait()
    with pytest.raises(QuestionError) as refused:
        await given.wait()
    assert refused.value.code == "too-long"


CONTENT: dict[str, Any] = {
    "data": {
        "a": {"id": "ö\u2028", "results": [{"text": "x", "chain": [{"n": 1.5}]}, None, {}, []]},
        "b": None,
        "c": [],
    },
    "errors": [{"message": "m", "path": ["a", 0]}],
}


@pytest.mark.parametrize(
    "content", [CONTENT, {}, {"data": None}, {"data": {}}, {"data": {"modules": [{"id": "a"}] * 3}}]
)
async def test_a_response_in_parts_is_the_same_json(content: dict[str, Any]) -> None:
    assert b"".join(await turns.encode_in_turns(content)) == msgspec.json.encode(content)


async def test_what_is_encoded_already_stays_as_it_is() -> None:
    content = {"data": {"a": {"results": [{"fhir": msgspec.Raw(b'{"b" :1}')}]}}}
    assert b"".join(await turns.encode_in_turns(content)) == b'{"data":{"a":{"results":[{"fhir":{"b" :1}}]}}}'


@pytest.mark.usefixtures("short_slices")
async def test_others_have_their_turn_between_the_parts_of_a_response() -> None:
    counted = 0

    async def other() -> None:
        nonlocal counted
        while True:
            counted += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(other())
    await turns.encode_in_turns({"data": {"a": {"results": [{"text": "x"}] * 50}}})
    beside.cancel()
    assert counted >= 50


async def test_a_bundle_is_encoded_in_the_thread_that_made_it(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = []

    class Watched:
        @staticmethod
        def encode(content: object) -> bytes:
            encoded.append(threading.current_thread().name.rsplit("_", 1)[0])
            return msgspec.json.encode(content)

    monkeypatch.setattr(results, "bundle", lambda *_: {"resourceType": "Bundle"})
    monkeypatch.setattr(results, "encode_json", Watched.encode)
    async with open_endpoint() as (endpoint, _):
        answer, _ = await endpoint.run(query("fhir", 2))
    assert [bytes(each["fhir"]) for each in answer["data"]["patient"]["results"]] == [b'{"resourceType":"Bundle"}'] * 2
    assert encoded == ["rendering"] * 2

"""How much one question may read in all: what would be more is told as not had, and costs no other question."""

import asyncio

import pytest
from starlette.requests import Request
from starlette.responses import Response

from collectors.fetching.read_budget import ReadBudget
from collectors.gatherer import Gatherer
from collectors.source_facts import SourceFacts
from ontology.values import Absent, AbsentReason, Quantity
from tests.support.collector_inputs import AT, BASE, CREATININE, SEX, SOURCE, observation, searches, slot
from tests.support.misbehaving_server import MisbehavingServer, bundle, client_of
from tests.support.searching_server import server_with_records
from tests.support.strategy_questions import LASTN, RepeatedQuestions, latest_searches, readings

ALL = searches(CREATININE, SEX)


def paged(request: Request) -> Response:
    number = int(request.query_params.get("page", "1"))
    following = f"{BASE}/Observation?page={number + 1}" if number < 4 else None
    return bundle(observation(id=f"o{number}"), following=following)


def value(facts: SourceFacts) -> object:
    return facts.select(slot(), AT, AT).value


@pytest.mark.parametrize(
    ("allowance", "word"), [(ReadBudget(records=3), "records"), (ReadBudget(bytes=1_000), "bytes")]
)
async def test_reading_ends_at_the_page_that_is_too_much(allowance: ReadBudget, word: str) -> None:
    server = MisbehavingServer(Observation=paged)
    async with client_of(server) as http:
        facts = await Gatherer(http).gather(SOURCE, "p", ALL, AT, 5, read_budget=allowance)
    assert value(facts) == Absent(AbsentReason.UNREACHABLE)
    assert any(f"more {word} than one question may read" in issue.text for issue in facts.issues)
    assert len(server.of("Observation")) < 4


async def test_what_is_just_enough_is_read() -> None:
    async with client_of(MisbehavingServer(Observation=paged)) as http:
        facts = await Gatherer(http).gather(SOURCE, "p", ALL, AT, 5, read_budget=ReadBudget(records=5))
    assert isinstance(value(facts), Quantity)


@pytest.mark.parametrize("small_first", [True, False])
async def test_a_request_shared_with_a_question_that_may_read_less_is_made_anew(small_first: bool) -> None:
    allowances = [ReadBudget(records=3), ReadBudget(records=50)]
    if not small_first:
        allowances.reverse()
    async with client_of(MisbehavingServer(Observation=paged)) as http:
        gatherer = Gatherer(http)
        asked = (gatherer.gather(SOURCE, "p", ALL, AT, 5, read_budget=each) for each in allowances)
        found = [value(facts) for facts in await asyncio.gather(*asked)]
    if not small_first:
        found.reverse()
    # What another question fetched counts for whoever reads it.
    assert found[0] == Absent(AbsentReason.UNREACHABLE)
    assert isinstance(found[1], Quantity)


async def test_what_is_tried_after_the_answer_costs_the_request_nothing() -> None:
    server = server_with_records(*readings(30), metadata=LASTN)
    allowance = ReadBudget(records=1_000)
    async with RepeatedQuestions(server) as asking:
        await asking.gatherer.gather(asking.source, "p", latest_searches(CREATININE), AT, 5, read_budget=allowance)
        left, sent = allowance.records, len(server.requests)
        await asking.gatherer.trials.wait()
    assert len(server.requests) > sent
    assert allowance.records == left

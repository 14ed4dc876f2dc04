"""A way of searching is tried a few times only, and not at all on records that could not show it."""

from datetime import UTC, datetime, timedelta

import pytest

from collectors.capability.capability import MOST_ATTEMPTS, NEWEST_COUNT, ObservedBehaviour
from collectors.capability.statement import read_statement
from collectors.errors import CollectorError, SourceAnswerError, SourceRefusedError, SourceUnreachableError
from collectors.fetching.query import Parameters
from collectors.reading.code_and_time import CodeAndTime
from collectors.reading.supplied import encode_resource
from collectors.strategy.proof import Evidence, prove
from collectors.strategy.strategy import SearchStrategy
from ontology.resources import Span
from tests.support.collector_inputs import AT, CREATININE
from tests.support.searching_server import capability_statement
from tests.support.strategy_questions import SOURCE, latest_searches

KEY = frozenset({("http://loinc.org", "2160-0")})
START = datetime(2024, 1, 1, tzinfo=UTC)


def instants(
    count: int, step: timedelta = timedelta(days=1), lasts: timedelta = timedelta(0)
) -> tuple[CodeAndTime, ...]:
    return tuple(CodeAndTime(KEY, Span(START + n * step, START + n * step + lasts)) for n in range(count))


def evidence(known: tuple[CodeAndTime, ...]) -> Evidence:
    capability = read_statement(encode_resource(capability_statement(lastn=True))).capability
    assert capability is not None
    search = next(each for each in latest_searches(CREATININE) if each.description.id == "observation")
    return Evidence(search, SOURCE, "p", AT, capability, known)


@pytest.mark.parametrize(
    ("error", "shown", "asked"),
    [
        (SourceUnreachableError("down"), None, MOST_ATTEMPTS),
        (SourceRefusedError("no"), None, MOST_ATTEMPTS),
        (SourceAnswerError("no"), False, 1),
    ],
)
@pytest.mark.parametrize("way", [SearchStrategy.LASTN, SearchStrategy.SORTED])
async def test_a_trial_that_fails(way: SearchStrategy, error: CollectorError, shown: bool | None, asked: int) -> None:
    sent: list[str] = []

    async def ask(what: str, parameters: Parameters, first_only: bool) -> list[CodeAndTime]:
        sent.append(what)
        raise error

    learned = ObservedBehaviour()
    for _ in range(MOST_ATTEMPTS + 2):
        await prove((way,), learned, evidence(instants(20)), ask)
    assert (learned.lastn if way is SearchStrategy.LASTN else learned.sort).proven is shown
    assert len(sent) == asked


@pytest.mark.parametrize(
    "known",
    [
        (),
        instants(NEWEST_COUNT),
        instants(20, step=timedelta(0)),
        instants(20, lasts=timedelta(hours=1)),
        (*instants(20), CodeAndTime(KEY, None)),
        tuple(CodeAndTime(frozenset(), each.span) for each in instants(20)),
    ],
    ids=["none", "too few", "all at once", "lasting", "undated", "without a code"],
)
async def test_what_shows_nothing_is_not_tried(known: tuple[CodeAndTime, ...]) -> None:
    async def ask(what: str, parameters: Parameters, first_only: bool) -> list[CodeAndTime]:
        raise AssertionError("nothing is asked")

    learned = ObservedBehaviour()
    await prove((SearchStrategy.LASTN, SearchStrategy.SORTED), learned, evidence(known), ask)
    assert (learned.lastn.attempts, learned.sort.attempts) == (0, 0)

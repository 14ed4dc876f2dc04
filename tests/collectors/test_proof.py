"""A way of searching is tried a few times only, and not at all on records that could not show it."""

from datetime import UTC, datetime, timedelta

import pytest
from collector_making import AT, CREATININE
from proven_asking import SOURCE, latest
from searching_server import statement

from collectors.capability.learned import ATTEMPTS, ENOUGH, Learned
from collectors.capability.statement import read_statement
from collectors.errors import CollectorError, SourceAnswerError, SourceRefusedError, SourceUnreachableError
from collectors.fetching.search import Parameters
from collectors.reading.placed import Placed
from collectors.reading.whole import encode
from collectors.strategy.proof import Evidence, prove
from collectors.strategy.strategy import Way
from ontology.times import Span

KEY = frozenset({("http://loinc.org", "2160-0")})
START = datetime(2024, 1, 1, tzinfo=UTC)


def instants(count: int, step: timedelta = timedelta(days=1), lasts: timedelta = timedelta(0)) -> tuple[Placed, ...]:
    return tuple(Placed(KEY, Span(START + n * step, START + n * step + lasts)) for n in range(count))


def evidence(known: tuple[Placed, ...]) -> Evidence:
    capability = read_statement(encode(statement(lastn=True))).capability
    assert capability is not None
    search = next(each for each in latest(CREATININE) if each.description.id == "observation")
    return Evidence(search, SOURCE, "p", AT, capability, known)


@pytest.mark.parametrize(
    ("error", "shown", "asked"),
    [
        (SourceUnreachableError("down"), None, ATTEMPTS),
        (SourceRefusedError("no"), None, ATTEMPTS),
        (SourceAnswerError("no"), False, 1),
    ],
)
@pytest.mark.parametrize("way", [Way.LASTN, Way.SORTED])
async def test_a_trial_that_fails(way: Way, error: CollectorError, shown: bool | None, asked: int) -> None:
    sent: list[str] = []

    async def ask(what: str, parameters: Parameters, first_only: bool) -> list[Placed]:
        sent.append(what)
        raise error

    learned = Learned()
    for _ in range(ATTEMPTS + 2):
        await prove((way,), learned, evidence(instants(20)), ask)
    assert (learned.lastn if way is Way.LASTN else learned.sort).shown is shown
    assert len(sent) == asked


@pytest.mark.parametrize(
    "known",
    [
        (),
        instants(ENOUGH),
        instants(20, step=timedelta(0)),
        instants(20, lasts=timedelta(hours=1)),
        (*instants(20), Placed(KEY, None)),
        tuple(Placed(frozenset(), each.span) for each in instants(20)),
    ],
    ids=["none", "too few", "all at once", "lasting", "undated", "without a code"],
)
async def test_what_shows_nothing_is_not_tried(known: tuple[Placed, ...]) -> None:
    async def ask(what: str, parameters: Parameters, first_only: bool) -> list[Placed]:
        raise AssertionError("nothing is asked")

    learned = Learned()
    await prove((Way.LASTN, Way.SORTED), learned, evidence(known), ask)
    assert (learned.lastn.attempts, learned.sort.attempts) == (0, 0)

"""Two sites in one process: questions of both at once, and each answer in the zone and units of its own site."""

import asyncio

from server.explain.explain import explain
from server.explain.text import render_argument
from tests.support.charts import creatinine, patient
from tests.support.engine_questions import Asker, open_asker

# Late in the day: another day in Tokyo than in New York, and implausible, so that a message names the time.
CHART = [
    patient(),
    creatinine(1.4, "2026-06-20T20:15:00Z", id="c1"),
    creatinine(1.3, "2026-03-01T20:15:00Z", id="c2"),
    creatinine(1.5, "2026-06-21T20:15:00Z", "furlong", id="c3"),
]
CONCEPTS = ("egfr", "aki-stage", "serum-creatinine")


async def answers(ask: Asker, turns: int) -> list[str]:
    """Every answer in words; ``turns``: how often to give way to the other site before each question."""
    found = []
    for concept in CONCEPTS:
        for _ in range(turns):
            await asyncio.sleep(0)
        trace = await ask(list(CHART), concept)
        await asyncio.sleep(0)
        found += [render_argument(result) for result in explain(trace)]
    return found


async def test_questions_of_two_sites_at_once_are_each_in_the_words_of_their_own() -> None:
    tokyo, york = {"units": {"serum-creatinine": "umol/L"}}, {"units": {"serum-creatinine": "mg/dL"}}
    async with (
        open_asker(cache={"enabled": False}, zone="Asia/Tokyo", site=tokyo) as east,
        open_asker(cache={"enabled": False}, zone="America/New_York", site=york) as west,
    ):
        alone = await answers(east, 0), await answers(west, 0)
        assert alone[0] != alone[1]
        together = await asyncio.gather(*(answers(ask, turns) for turns in range(8) for ask in (east, west)))
    assert together == [*alone] * 8

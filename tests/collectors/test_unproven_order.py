"""A server that was seen to sort instants may still sort what lasts in a way of its own: then all is asked for."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from collector_making import CREATININE, SEX, observation, quantity, searches, slot

from collectors.capability.capabilities import Capabilities
from collectors.capability.learned import ENOUGH
from collectors.gather import Gatherer
from collectors.reading.placed import Placed
from collectors.reading.whole import encode
from collectors.selection.settled import NEVER, in_order
from collectors.settings import Source
from fixtures.ehr import Ehr
from fixtures.medplum.running import Medplum
from ontology.times import Span
from ontology.values import Quantity

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def page(*lasting: timedelta) -> list[Placed]:
    ends = [NOW - DAY * number for number in range(len(lasting))]
    return [Placed(frozenset(), Span(end - each, end)) for end, each in zip(ends, lasting, strict=True)]


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        (page(*[0 * HOUR] * 3), NOW - 2 * DAY),
        (page(0 * HOUR, HOUR, 0 * HOUR), NEVER),
        (page(*[HOUR] * 3), NEVER),
        ([*page(0 * HOUR, 0 * HOUR), Placed(frozenset(), None)], NEVER),
        ([], NEVER),
    ],
)
def test_only_a_page_of_instants_says_what_is_behind_it(records: list[Placed], expected: datetime) -> None:
    assert in_order(records, 3, True) == expected


def records(name: str) -> list[dict[str, Any]]:
    """One patient shows an order; the other has more periods long ago than a page holds, and newer instants."""
    taught, mixed = f"{name}-taught", f"{name}-mixed"

    def made(number: int, of: str, value: str, **when: Any) -> dict[str, Any]:
        return observation(value, id=f"{of}-{number}", subject={"reference": f"Patient/{of}"}, **when)

    found = [{"resourceType": "Patient", "id": each, "gender": "male"} for each in (taught, mixed)]
    for number in range(3 * ENOUGH):
        found.append(made(number, taught, "1.1", effectiveDateTime=(NOW - (100 - number) * DAY).isoformat()))
    for number in range(ENOUGH + 2):
        start = NOW - (300 - number) * DAY
        period = {"start": start.isoformat(), "end": (start + HOUR).isoformat()}
        found.append(made(number, mixed, "0.7", effectiveDateTime=None, effectivePeriod=period))
    for number in range(8):
        when = (NOW - (9 - number) * DAY).isoformat()
        found.append(
            made(100 + number, mixed, f"3.{number}", effectiveDateTime=when, valueQuantity=quantity(3 + number))
        )
    return [json.loads(encode(each)) for each in found]


async def latest(base_url: str, name: str) -> tuple[object, bool | None]:
    """The latest creatinine of the second patient, once the source was seen to sort."""
    source = Source(id="ehr", base_url=base_url)
    wanted = tuple(replace(search, latest_only=True) for search in searches(CREATININE, SEX))
    capabilities = Capabilities()
    async with httpx.AsyncClient() as http:
        gatherer = Gatherer(http, capabilities)
        await gatherer.gather(source, f"{name}-taught", wanted, NOW, 30)
        await gatherer.learning.settle()
        facts = await gatherer.gather(source, f"{name}-mixed", wanted, NOW, 30)
        await gatherer.aclose()
    return facts.select(slot(), NOW, NOW).value, capabilities.learned(source).sort.shown


@pytest.mark.ehr
async def test_periods_do_not_hide_newer_instants(shared_ehr: Ehr, shared_medplum: Medplum) -> None:
    for server in (shared_ehr, shared_medplum):
        server.load(records("order"))
        value, shown = await latest(server.base_url, "order")
        assert shown, "without it nothing is tested here"
        assert isinstance(value, Quantity)
        assert value.value == 10

"""Real FHIR servers give the newest records in the ways that they declare, and the answer stays that of the window."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from collectors.capability.capability_cache import CapabilityCache
from collectors.fetching.client import Client
from collectors.gatherer import Gatherer
from collectors.reading.supplied import encode_resource
from collectors.settings import Source
from collectors.strategy.elements_probe import probe_elements
from tests.support.collector_inputs import (
    AT,
    CREATININE,
    SEX,
    SYSTOLIC,
    codeable_concept,
    observation,
    quantity,
    searches,
    slot,
)
from tests.support.engine_questions import shipped

if TYPE_CHECKING:
    from fixtures.ehr import Ehr
    from fixtures.medplum.running import Medplum

PERSON = "newest"
NEEDS = tuple(
    replace(each, latest_only=each.description.id == "observation") for each in searches(SEX, CREATININE, SYSTOLIC)
)


def records() -> list[dict[str, Any]]:
    mine = {"subject": {"reference": f"Patient/{PERSON}"}}
    series = [
        observation(f"{1 + n / 100:.2f}", id=f"newest-c{n}", effectiveDateTime=f"2024-05-{1 + n:02}T08:00:00Z", **mine)
        for n in range(20)
    ]
    pressures = [
        observation(
            id=f"newest-b{n}",
            code=codeable_concept("8480-6"),
            valueQuantity=quantity(110 + n, "mm[Hg]"),
            effectiveDateTime=f"2024-04-{1 + n:02}T08:00:00Z",
            note=[{"text": "measured at rest, " * 60}],
            **mine,
        )
        for n in range(15)
    ]
    return [{"resourceType": "Patient", "id": PERSON, "gender": "female"}, *series, *pressures]


@asynccontextmanager
async def asking(base_url: str) -> AsyncIterator[tuple[Gatherer, CapabilityCache, Source]]:
    capabilities = CapabilityCache(first_wait=30)
    async with httpx.AsyncClient() as http:
        gatherer = Gatherer(http, capabilities, lambda: AT)
        yield gatherer, capabilities, Source(id="ehr", base_url=base_url)
        await gatherer.aclose()


async def sorted_in_one_request(base_url: str) -> None:
    async with asking(base_url) as (gatherer, capabilities, source):
        window = await gatherer.gather(source, PERSON, NEEDS, AT, 30)
        await gatherer.trials.wait()
        known = capabilities.cached(source)
        assert known is not None
        assert known.capability is not None
        assert known.capability.batch
        assert capabilities.observed(source).sort.proven is True
        newest = await gatherer.gather(source, PERSON, NEEDS, AT, 30)
    for concept in (CREATININE, SYSTOLIC):
        one, other = window.select(slot(concept), AT, AT), newest.select(slot(concept), AT, AT)
        assert one.value == other.value
        assert one.issues == other.issues
    assert (len(window.facts[CREATININE.id]), len(newest.facts[CREATININE.id])) == (20, 10)
    assert newest.requests == 2
    assert newest.issues == ()


@pytest.mark.ehr
async def test_sekmet_is_proven_to_sort(shared_ehr: "Ehr") -> None:
    shared_ehr.load([json.loads(encode_resource(record)) for record in records()])
    await sorted_in_one_request(shared_ehr.base_url)


@pytest.mark.ehr
async def test_medplum_is_proven_to_sort(shared_medplum: "Medplum") -> None:
    shared_medplum.load([json.loads(encode_resource(record)) for record in records()])
    await sorted_in_one_request(shared_medplum.base_url)


@pytest.mark.ehr
async def test_a_probe_shows_whether_elements_keeps_what_is_read(shared_ehr: "Ehr") -> None:
    shared_ehr.load([json.loads(encode_resource(record)) for record in records()])
    collector = shipped().collectors["observation"]
    async with asking(shared_ehr.base_url) as (gatherer, _, source):
        found = await probe_elements(Client(source, gatherer.transport(source)), collector, PERSON)
    assert found.usable is True
    assert found.percent < 90

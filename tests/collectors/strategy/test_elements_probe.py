"""``_elements`` is used only where a source leaves whole what is read."""

import asyncio
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from collectors.fetching.client import Client
from collectors.fetching.transport import Transport
from collectors.observation.elements import Observation
from collectors.search import CollectorDescription
from collectors.settings import Source
from collectors.strategy.elements_probe import ElementsProbe, probe_elements
from ontology.concepts import Origin
from tests.support.collector_inputs import BASE, description, observation
from tests.support.engine_questions import shipped
from tests.support.searching_server import server_with_records

SOURCE = Source(id="ehr", base_url=BASE)
READ = ("id", "meta", "status", "code", "subject", "effective", "value", "component")
COLLECTOR = replace(description(Origin.OBSERVATION), elements=READ)
LONG = "… " * 200


async def probe(
    *records: dict[str, Any], ignored: frozenset[str] = frozenset(), collector: CollectorDescription = COLLECTOR
) -> ElementsProbe:
    async with server_with_records(*records, ignored=ignored).client() as http:
        client = Client(SOURCE, Transport(http, SOURCE, asyncio.Semaphore(2)))
        return await probe_elements(client, collector, "p")


def noted(**changes: Any) -> dict[str, Any]:
    return observation(meta={"versionId": "3"}, note=[{"text": LONG}], **changes)


@pytest.mark.parametrize(
    ("ignored", "usable", "named"),
    [
        (set(), True, "% of the bytes"),
        ({"_elements"}, False, "saves nothing"),
        ({"choices"}, False, "effectiveDateTime, valueQuantity"),
        ({"version"}, False, "meta.versionId"),
    ],
)
async def test_what_is_lost_decides(ignored: set[str], usable: bool, named: str) -> None:
    found = await probe(noted(), noted(id="o2"), ignored=frozenset(ignored))
    assert found.usable is usable
    assert named in found.text
    if usable:
        assert found.percent < 60


async def test_without_records_or_a_declaration_nothing_is_shown() -> None:
    assert (await probe()).usable is None
    assert (await probe(noted(), collector=description(Origin.OBSERVATION))).usable is None


def test_the_collector_of_observations_declares_every_element_that_its_reader_knows() -> None:
    declared = shipped().collectors["observation"].elements
    assert declared
    # The extensions of a primitive come with it: "_valueString" is no element of its own.
    read = {field.encode_name.removeprefix("_") for field in msgspec.structs.fields(Observation)} - {"resourceType"}
    unsaid = {
        name
        for name in read
        if not any(name == each or (name.startswith(each) and name[len(each)].isupper()) for each in declared)
    }
    assert unsaid == set()

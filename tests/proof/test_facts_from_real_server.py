"""The same facts from a real FHIR server as from supplied records."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from collectors.errors import PatientNotFoundError
from collectors.gatherer import Gatherer, facts_from_resources
from collectors.reading.supplied import encode_resource
from collectors.settings import Source
from fixtures.ehr import Ehr, running_ehr
from ontology.slots import Select
from tests.support.charts import encounter
from tests.support.collector_inputs import (
    AT,
    CREATININE,
    FIBRILLATION,
    PATIENT,
    SEX,
    SYSTOLIC,
    codeable_concept,
    condition,
    observation,
    quantity,
    searches,
    slot,
)

CONCEPTS = (CREATININE, SYSTOLIC, FIBRILLATION, SEX)
OTHER = {"resourceType": "Patient", "id": "q"}


def records() -> list[dict[str, Any]]:
    visit = encounter("2024-05-01T08:00:00Z", "2024-05-01T09:00:00Z", of="p", kind="AMB")
    by_encounter = condition(onsetDateTime=None, recordedDate=None, encounter={"reference": "Encounter/e1"})
    blood_pressure = observation(
        id="bp",
        code=codeable_concept("85354-9"),
        valueQuantity=None,
        component=[{"code": codeable_concept("8480-6"), "valueQuantity": quantity(120, "mm[Hg]")}],
    )
    days = [f"2024-0{month}-{day:02}" for month in range(1, 6) for day in range(1, 26)]
    series = [
        observation(f"{1 + n % 7}.10", id=f"n{n}", effectiveDateTime=f"{day}T08:00:00Z") for n, day in enumerate(days)
    ]
    foreign = observation("9", id="q1", subject={"reference": "Patient/q"})
    return [PATIENT, OTHER, visit, by_encounter, blood_pressure, *series, foreign]


@pytest.fixture(scope="module")
def ehr() -> Iterator[Ehr]:
    with running_ehr() as running:
        running.load([json.loads(encode_resource(record)) for record in records()])
        yield running


@pytest.mark.ehr
@pytest.mark.parametrize("page_size", [500, 7])
async def test_same_facts_as_from_records_handed_in(ehr: Ehr, page_size: int) -> None:
    source = Source(id="ehr", base_url=ehr.base_url, page_size=page_size)
    async with httpx.AsyncClient() as http:
        fetched = await Gatherer(http).gather(source, "p", searches(*CONCEPTS), AT, 30)
    handed_in = facts_from_resources(source, "p", searches(*CONCEPTS), records())
    assert fetched.issues == ()
    for wanted in (
        slot(),
        slot(select=Select.EARLIEST),
        slot(select=Select.SERIES),
        slot(SYSTOLIC),
        slot(SEX),
        slot(FIBRILLATION, Select.ANY),
    ):
        mine, theirs = fetched.select(wanted, AT, AT), handed_in.select(wanted, AT, AT)
        assert mine.value == theirs.value
        assert [i.code for i in mine.issues] == [i.code for i in theirs.issues]
        assert mine.resources
        assert all(resource.source is not None and resource.source.version == "1" for resource in mine.resources)


@pytest.mark.ehr
async def test_one_request_a_type(ehr: Ehr) -> None:
    source = Source(id="ehr", base_url=ehr.base_url)
    async with httpx.AsyncClient() as http:
        facts = await Gatherer(http).gather(source, "p", searches(*CONCEPTS), AT, 30)
    assert facts.requests == len({"Patient", "Observation", "Condition", "Encounter"})


@pytest.mark.ehr
async def test_a_patient_whom_the_server_does_not_hold(ehr: Ehr) -> None:
    source = Source(id="ehr", base_url=ehr.base_url)
    async with httpx.AsyncClient() as http:
        with pytest.raises(PatientNotFoundError):
            await Gatherer(http).gather(source, "nobody", searches(*CONCEPTS), AT, 30)

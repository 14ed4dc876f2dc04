"""The same facts from a real FHIR server as from supplied records."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from collectors.errors import PatientNotFoundError
from collectors.gatherer import Gatherer, facts_from_resources
from collectors.reading.supplied import encode_resource
from collectors.settings import Source
from fixtures.ehr import Ehr, running_ehr
from ontology.slots import Select
from ontology.values import Series
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


SPELT = {"http://loinc.org/": "3.1", "urn:oid:2.16.840.1.113883.6.1": "3.2", "urn:x:local": "9"}
"""One code in two other spellings of LOINC, and in a system of its own that means anything."""


@pytest.fixture
def other_spellings(ehr: Ehr) -> list[dict[str, Any]]:
    patient = {"resourceType": "Patient", "id": "spelt", "gender": "female", "birthDate": "1970-01-01"}
    made = [
        observation(
            value,
            id=f"spelt-{number}",
            subject={"reference": "Patient/spelt"},
            code={"coding": [{"system": system, "code": "2160-0"}]},
            effectiveDateTime=f"2024-05-{20 + number}T08:00:00Z",
        )
        for number, (system, value) in enumerate(SPELT.items())
    ]
    records = [json.loads(encode_resource(each)) for each in (patient, *made)]
    ehr.load(records)
    return records


@pytest.mark.ehr
@pytest.mark.parametrize("bare", [False, True])
async def test_a_code_in_another_spelling_of_its_system(
    ehr: Ehr, other_spellings: list[dict[str, Any]], bare: bool
) -> None:
    """The server matches systems exactly: only bare codes find the records, of which the foreign one is left out."""
    aliases = dict.fromkeys(list(SPELT)[:2], "http://loinc.org")
    wanted = slot(replace(CREATININE, system_aliases=aliases), select=Select.SERIES)
    source = Source(id="ehr", base_url=ehr.base_url, bare_codes=bare)
    async with httpx.AsyncClient() as http:
        facts = await Gatherer(http).gather(source, "spelt", searches(wanted.concept), AT, 30)
    found = facts.select(wanted, AT, AT).value
    numbers = [str(number) for _, number in found.points] if isinstance(found, Series) else []
    assert numbers == (["3.1", "3.2"] if bare else [])
    assert facts.issues == ()

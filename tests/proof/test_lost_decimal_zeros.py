"""Numbers that pass through JavaScript lose zeros: 1.0 sent as 1 must not pass for anything from 0.5 to 1.5."""

import httpx
import pytest

from collectors.facts import SlotSelection
from collectors.gatherer import Gatherer, facts_from_resources
from collectors.settings import Source
from fixtures.ehr import Ehr
from fixtures.medplum.running import Medplum
from ontology.values import Absent, AbsentReason, Quantity
from tests.support.collector_inputs import (
    AT,
    CREATININE,
    PATIENT,
    SEX,
    SOURCE,
    codeable_concept,
    observation,
    quantity,
    searches,
    slot,
)

# Two records of one time, in mg/dL and in µmol/L (1 mg/dL is 88.4 µmol/L), and whether they say the same.
PAIRS = [
    ("1.0", "88", True),
    ("1", "88", True),
    ("1", "92", True),
    ("1", "124", False),
    ("1.0", "124", False),
    ("2", "141", False),
    ("1.4", "124", True),
    ("1.4", "120", True),
    ("1.4", "110", False),
    ("0.1", "8", True),
    ("11", "950", True),
    ("11", "1061", False),
]


def check(found: SlotSelection, same: bool) -> None:
    if same:
        assert isinstance(found.value, Quantity)
        assert found.value.unit == "mg/dL"
        assert "conflicting" not in {issue.code for issue in found.issues}
    else:
        assert found.value == Absent(AbsentReason.CONFLICTING)


@pytest.mark.parametrize(("mass", "molar", "same"), PAIRS)
def test_two_units_of_one_time(mass: str, molar: str, same: bool) -> None:
    records = [
        PATIENT,
        observation(id="a", valueQuantity=quantity(mass, "mg/dL")),
        observation(id="b", code=codeable_concept("14682-9"), valueQuantity=quantity(molar, "umol/L")),
    ]
    check(facts_from_resources(SOURCE, "p", searches(CREATININE, SEX), records).select(slot(), AT, AT), same)


@pytest.mark.ehr
@pytest.mark.parametrize(("molar", "same"), [(88, True), (124, False)])
async def test_the_same_from_a_server_that_loses_zeros(
    shared_ehr: Ehr, shared_medplum: Medplum, molar: int, same: bool
) -> None:
    name = f"zeros-{molar}"
    subject = {"reference": f"Patient/{name}"}
    mass, other = ({**quantity(0, unit), "value": value} for unit, value in (("mg/dL", 1.0), ("umol/L", molar)))
    records = [
        {"resourceType": "Patient", "id": name, "gender": "male"},
        observation(id=f"{name}-a", subject=subject, valueQuantity=mass),
        observation(id=f"{name}-b", subject=subject, code=codeable_concept("14682-9"), valueQuantity=other),
    ]
    for server in (shared_ehr, shared_medplum):
        server.load(records)
        async with httpx.AsyncClient() as http:
            source = Source(id="ehr", base_url=server.base_url)
            facts = await Gatherer(http).gather(source, name, searches(CREATININE, SEX), AT, 30)
        check(facts.select(slot(), AT, AT), same)

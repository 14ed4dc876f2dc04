"""Where the patient's own record cannot be retrieved, it is not known whether there is such a patient."""

import pytest
from starlette.responses import Response

from collectors.gatherer import Gatherer
from collectors.source_facts import SourceFacts
from ontology.slots import Select
from ontology.values import Absent, AbsentReason, Quantity
from tests.support.collector_inputs import (
    AT,
    CREATININE,
    FIBRILLATION,
    PATIENT,
    SEX,
    SOURCE,
    condition,
    observation,
    searches,
    slot,
)
from tests.support.misbehaving_server import Answer, MisbehavingServer, bundle, client_of

CLOSED = slot(FIBRILLATION, Select.ANY, closed_world=True)
FHIR = "application/fhir+json"


def saying(status: int, kind: str = FHIR) -> Answer:
    body = '{"resourceType": "OperationOutcome"}'
    return lambda _: Response(body, status, media_type=kind)


FAULTS: dict[str, tuple[Answer, AbsentReason]] = {
    "forbidden": (saying(403), AbsentReason.NOT_PERMITTED),
    "HTML": (saying(200, "text/html"), AbsentReason.UNREACHABLE),
    "an error of the server": (saying(500), AbsentReason.UNREACHABLE),
    "a page that leads elsewhere": (
        lambda _: bundle(following="https://elsewhere.example/fhir"),
        AbsentReason.UNREACHABLE,
    ),
    "less than was said": (lambda _: bundle(total=3), AbsentReason.UNREACHABLE),
}


async def gathered(patient: Answer, *conditions: dict[str, object]) -> SourceFacts:
    server = MisbehavingServer(
        Patient=patient, Observation=lambda _: bundle(observation()), Condition=lambda _: bundle(*conditions)
    )
    async with client_of(server) as http:
        return await Gatherer(http).gather(SOURCE, "p", searches(CREATININE, FIBRILLATION, SEX), AT, 5)


@pytest.mark.parametrize("name", FAULTS)
async def test_an_empty_list_is_no_no(name: str) -> None:
    answer, reason = FAULTS[name]
    selected = (await gathered(answer)).select(CLOSED, AT, AT)
    assert selected.value == Absent(reason)
    assert any("it is unknown whether there is such a patient" in issue.text for issue in selected.issues)


async def test_with_the_record_it_is_a_no() -> None:
    assert (await gathered(lambda _: bundle(PATIENT))).select(CLOSED, AT, AT).value is False


@pytest.mark.parametrize("name", FAULTS)
async def test_what_is_on_record_counts(name: str) -> None:
    facts = await gathered(FAULTS[name][0], condition())
    assert facts.select(CLOSED, AT, AT).value is True
    assert isinstance(facts.select(slot(), AT, AT).value, Quantity)


async def test_a_source_without_the_patient_still_says_so() -> None:
    with pytest.raises(Exception, match="no such patient"):
        await gathered(
            lambda _: Response('{"resourceType":"OperationOutcome"}', 404, media_type="application/fhir+json")
        )

"""What "not recorded, which is taken as no" must never rest on: records of which it is not known whose they are, and
answers that do not say where the rest of them is."""

import json
from typing import Any

import pytest
from starlette.responses import Response

from collectors.gatherer import Gatherer
from ontology.slots import Select
from ontology.values import Absent, AbsentReason
from tests.support.collector_inputs import AT, BASE, FIBRILLATION, SEX, SOURCE, condition, facts_of, searches, slot
from tests.support.misbehaving_server import MisbehavingServer, client_of

WANTED = slot(FIBRILLATION, Select.ANY, closed_world=True)
CONDITION = {"resource": condition()}
ON_RECORD, UNREACHABLE = Absent(AbsentReason.UNCONVERTIBLE), Absent(AbsentReason.UNREACHABLE)

SUBJECTS: dict[str, tuple[dict[str, Any] | None, object]] = {
    "the patient": ({"reference": "Patient/p"}, True),
    "a version of the patient": ({"reference": f"{BASE}/Patient/p/_history/2"}, True),
    "another patient": ({"reference": "Patient/q"}, False),
    "another patient, by address": ({"reference": f"{BASE}/Patient/q"}, False),
    "the name behind the proxy": ({"reference": "https://internal.test/fhir/Patient/p"}, ON_RECORD),
    "https for http": ({"reference": "https://ehr.test/fhir/Patient/p"}, ON_RECORD),
    "a path": ({"reference": "/Patient/p"}, ON_RECORD),
    "a blank too many": ({"reference": " Patient/p"}, ON_RECORD),
    "a contained one": ({"reference": "#p"}, ON_RECORD),
    "a search": ({"reference": "Patient?identifier=urn:mrn|1"}, ON_RECORD),
    "an identifier": ({"identifier": {"system": "urn:mrn", "value": "1"}}, ON_RECORD),
    "none": (None, ON_RECORD),
}


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_record_of_whomever_may_be_the_patients(name: str) -> None:
    subject, value = SUBJECTS[name]
    facts = facts_of(condition(subject=subject), concepts=(FIBRILLATION,))
    assert facts.select(WANTED, AT, AT).value == value
    assert [issue.code for issue in facts.issues] == ([] if value is True else ["wrong-subject"])


def outcome(*issues: Any, mode: str = "outcome") -> dict[str, Any]:
    return {"resource": {"resourceType": "OperationOutcome", "issue": issues}, "search": {"mode": mode}}


ANSWERS: dict[str, tuple[dict[str, Any], object]] = {
    "nothing": ({}, False),
    "a remark": ({"entry": [outcome({"severity": "warning"})]}, False),
    "a remark of no content": ({"entry": [outcome()]}, False),
    "a record that is marked as a remark": ({"entry": [CONDITION | {"search": {"mode": "outcome"}}]}, True),
    "a remark of unknown gravity": ({"entry": [outcome({"code": "exception"})]}, UNREACHABLE),
    "a remark in capitals": ({"entry": [outcome({"severity": "ERROR"})]}, UNREACHABLE),
    "a remark that cannot be read": ({"entry": [outcome("lost")]}, UNREACHABLE),
    "a next page without an address": ({"link": [{"relation": "next"}]}, UNREACHABLE),
    "a next page of an empty address": ({"link": [{"relation": "next", "url": ""}]}, UNREACHABLE),
    "a next page at what is no name": ({"link": [{"relation": "next", "url": "http://xn--/fhir"}]}, UNREACHABLE),
    "a total as text": ({"total": "3"}, UNREACHABLE),
    "a total with decimals": ({"total": 3.0}, UNREACHABLE),
    "a total beyond all reason": ({"total": 10**12}, UNREACHABLE),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_that_does_not_tell_all(name: str) -> None:
    content, value = ANSWERS[name]
    body = json.dumps({"resourceType": "Bundle", "type": "searchset", **content})
    server = MisbehavingServer(Condition=lambda _: Response(body, media_type="application/fhir+json"))
    async with client_of(server) as http:
        facts = await Gatherer(http).gather(SOURCE, "p", searches(FIBRILLATION, SEX), AT, 5)
    assert facts.select(WANTED, AT, AT).value == value

"""What was prefetched, taken apart: whatever comes under a key, it is an answer or there is a reason why not."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.reading.prefetched import OF_UNKNOWN
from collectors.supplied_records import from_prefetch, search_templates
from tests.support.multi_source_servers import ALL

WORDS = st.sampled_from(
    [
        "Bundle",
        "Patient",
        "Observation",
        "OperationOutcome",
        "searchset",
        "next",
        "p",
        "q",
        "Patient/p",
        "Patient/q",
        "",
    ]
)
KEYS = st.sampled_from(
    ["resourceType", "type", "total", "link", "relation", "entry", "resource", "id", "subject", "reference", "fullUrl"]
)
ANY: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2000) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=15,
)
OBSERVATION = st.fixed_dictionaries(
    {"resourceType": st.just("Observation"), "id": st.sampled_from(["1", "2", "../x"]) | ANY},
    optional={"subject": st.fixed_dictionaries({"reference": WORDS}) | ANY},
)
PAGE = st.fixed_dictionaries(
    {"resourceType": st.just("Bundle"), "type": st.just("searchset")},
    optional={
        "entry": st.lists(st.fixed_dictionaries({"resource": OBSERVATION | ANY}) | ANY, max_size=3),
        "total": st.integers(-1, 4) | ANY,
        "link": ANY,
    },
)
PREFETCH = st.dictionaries(st.sampled_from(["patient", "observation", "condition", "other"]), PAGE | ANY)


@settings(max_examples=600)
@given(PREFETCH)
def test_it_is_an_answer_of_this_patient_or_there_is_a_reason(prefetch: dict[str, Any]) -> None:
    found = from_prefetch(prefetch, ALL, "p")
    for search in ALL:
        (key,) = search_templates(search)
        records = found.records_for(search)
        if records is None:
            assert f'"{key}"' in found.missing_reason(search)
            continue
        assert prefetch[key] is not None
        for raw in records:
            record = json.loads(raw)
            assert record["resourceType"]
            subject = record.get("subject")
            assert not isinstance(subject, dict) or subject.get("reference") != "Patient/q"


HOME = frozenset({"https://ehr.example/fhir/Patient/p"})
REFERENCES: dict[str, bool] = {
    "Patient/p": True,
    "Patient/p/_history/2": True,
    "urn:uuid:p": True,
    "https://ehr.example/fhir/Patient/p": True,
    "https://ehr.example/fhir/Patient/p/_history/2": True,
    "https://lab.example/fhir/Patient/p": False,
    "http://ehr.example/fhir/Patient/p": False,
    "HTTPS://EHR.EXAMPLE/fhir/Patient/p": False,
    "https://ehr.example/fhir/Patient/q": False,
    "https://ehr.example/fhir/Group/p": False,
    "urn:uuid:0b2c8a8e-6d3c-4f6b-9f54-0c5b8a3f0001": False,
}


@pytest.mark.parametrize("reference", REFERENCES)
def test_the_same_id_at_another_server_is_somebody_else(reference: str) -> None:
    record = {"resourceType": "Observation", "id": "1", "subject": {"reference": reference}}
    page = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": record}]}
    found = from_prefetch({"observation": page}, ALL, "p", HOME)
    search = next(each for each in ALL if each.description.resource_type == "Observation")
    assert (found.records_for(search) is not None) is REFERENCES[reference]
    if not REFERENCES[reference]:
        assert OF_UNKNOWN in found.missing_reason(search) or "another patient" in found.missing_reason(search)

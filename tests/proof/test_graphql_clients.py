"""What app developers use loads the schema and asks it: graphql-codegen with TypeScript, Apollo Client, urql.

And the audits of GraphQL over HTTP that npm `graphql-http` has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from fixtures.child import ROOT
from fixtures.ehr import Ehr
from fixtures.graphql_clients.running import PACKAGES, run_client
from fixtures.medtwin import Medtwin, running_medtwin
from tests.support.installed import require_npm

PATIENT = "graphql-clients"
AT = "2026-06-30T12:00:00Z"
LATER = "2026-06-30T13:00:00Z"
WHY = """
query Why($patient: ID!, $at: DateTime) {
  patient(id: $patient) {
    id
    results(of: ["egfr"], at: $at) {
      concept { id display }
      text
      value { __typename ... on Quantity { value unit } ... on Absent { reason } }
      chain {
        module { id version }
        grounds { slot concept { id } value { __typename ... on Quantity { value } } records { id url version } }
      }
    }
  }
}
"""
PAGE = ROOT / "docs" / "graphql.md"
# GET is refused on purpose: a question about a patient must not stand in an address, which is logged and kept.
BY_GET = {"5A70", "D6D5", "6A70"}


def creatinine(value: float) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": "graphql-clients-creatinine",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2160-0"}]},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "effectiveDateTime": "2026-06-20T08:00:00Z",
        "valueQuantity": {"value": value, "unit": "mg/dL", "system": "http://unitsofmeasure.org", "code": "mg/dL"},
    }


@pytest.fixture(scope="module")
def medtwin(shared_ehr: Ehr) -> Iterator[Medtwin]:
    require_npm(PACKAGES)
    patient = {"resourceType": "Patient", "id": PATIENT, "gender": "female", "birthDate": "1962-03-14"}
    shared_ehr.load([patient, creatinine(1.0)])
    with running_medtwin(f'\n[[sources]]\nid = "ehr"\nbase_url = "{shared_ehr.base_url}"\nauth = "none"\n') as running:
        yield running


def records(answer: dict[str, Any]) -> set[tuple[str, str]]:
    """URL and version of each Observation that a result rests on."""
    [result] = answer["patient"]["results"]
    grounds = [ground for step in result["chain"] for ground in step["grounds"]]
    found = {(record["url"], record["version"]) for ground in grounds for record in ground["records"]}
    return {(url, version) for url, version in found if "/Observation/" in url}


@pytest.mark.ehr
def test_generated_types_compile_with_an_app_that_uses_them(medtwin: Medtwin) -> None:
    examples = re.findall(r"```graphql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    named = [each for each in examples if re.match(r"\s*query \w+", each) and not re.match(r"\s*query Why\b", each)]
    assert len(named) > 4
    found = run_client("codegen.mjs", {"url": f"{medtwin.url}/graphql", "operations": [WHY, *named]})
    assert found["problems"] == []
    assert {"Query", "Patient", "Result", "WhyQuery", "WhyQueryVariables"} <= set(found["types"])
    # Names of TypeScript's own, which a generated type of that name hides.
    assert {"Record", "Date", "Map", "Set", "Object", "Array", "Promise"} & set(found["types"]) == set()


@pytest.mark.ehr
def test_apollo_keeps_two_versions_of_a_record_apart(medtwin: Medtwin, shared_ehr: Ehr) -> None:
    shared_ehr.load([creatinine(1.0)])
    changed = creatinine(2.5)
    found = run_client(
        "apollo.mjs",
        {
            "url": f"{medtwin.url}/graphql",
            "query": WHY,
            "variables": [{"patient": PATIENT, "at": AT}, {"patient": PATIENT, "at": LATER}],
            "record": {"url": f"{shared_ehr.base_url}/Observation/{changed['id']}", "content": changed},
        },
    )
    [first], [second] = records(found["first"]), records(found["second"])
    assert first[0] == second[0]
    assert int(second[1]) == int(first[1]) + 1
    # What the cache gives back is what was answered, for each of the two.
    assert records(found["firstKept"]) == {first}
    assert records(found["secondKept"]) == {second}
    assert (found["firstKept"], found["secondKept"]) == (found["first"], found["second"])
    assert found["first"] != found["second"]


@pytest.mark.ehr
def test_urql_finds_nothing_in_the_answers_that_the_schema_lacks(medtwin: Medtwin) -> None:
    found = run_client(
        "urql.mjs",
        {
            "url": f"{medtwin.url}/graphql",
            "query": WHY,
            "variables": {"patient": PATIENT, "at": AT},
        },
    )
    assert found["warnings"] == []
    assert found["fetched"]["error"] is None
    assert records(found["fetched"]["data"]) != set()
    assert records(found["kept"]["data"]) == records(found["fetched"]["data"])


@pytest.mark.ehr
def test_an_unknown_concept_is_null_at_its_place_for_apollo(medtwin: Medtwin) -> None:
    query = 'query Some($patient: ID!) { patient(id: $patient) { id results(of: ["egfr", "nothing"]) { text } } }'
    variables = [{"patient": PATIENT}] * 2
    found = run_client("apollo.mjs", {"url": f"{medtwin.url}/graphql", "query": query, "variables": variables})
    egfr, nothing = found["first"]["patient"]["results"]
    assert "GFR" in egfr["text"] and nothing is None
    assert found["paths"] == [["patient", "results", 1]]


@pytest.mark.ehr
def test_the_audits_of_http_that_do_not_ask_for_get_are_met(medtwin: Medtwin) -> None:
    found = run_client("audits.mjs", {"url": f"{medtwin.url}/graphql"})
    assert len(found) == 61
    assert {each["id"] for each in found if each["status"] != "ok"} == BY_GET
    # None of them is more than a notice: the specification leaves GET to the server.
    assert {each["status"] for each in found if each["id"] in BY_GET} == {"notice"}

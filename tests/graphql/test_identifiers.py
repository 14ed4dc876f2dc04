"""Identifiers of patients and records: unique, opaque, and taken back alone."""

from base64 import urlsafe_b64encode
from itertools import product

import pytest

from collectors.errors import PatientNotFoundError
from ontology.resources import RecordRef
from server.errors import QuestionError
from server.graphql.identifiers import patient_identifier, read_patient_identifier, record_identifier
from tests.support.fake_engine import FakeEngine, ask, error_codes


def written(text: str) -> str:
    return "_" + urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_no_two_records_have_one_identifier() -> None:
    parts = list(product(("a", "b"), ("Observation", "Condition"), ("1", "1/2", "a"), (None, "1", "2")))
    found = {
        record_identifier(RecordRef(source, "http://x", kind, id_, version)) for source, kind, id_, version in parts
    }
    assert len(found) == len(parts)


@pytest.mark.parametrize("version", [None, ""])
def test_a_record_without_a_version_has_none_in_its_identifier(version: str | None) -> None:
    made = record_identifier(RecordRef("ehr", "http://x", "Observation", "o1", version))
    assert made == written("ehr/Observation/o1")


def test_that_of_a_patient_is_that_of_the_patients_record() -> None:
    assert patient_identifier("ehr", "p1") == record_identifier(RecordRef("ehr", "http://x", "Patient", "p1"))


@pytest.mark.parametrize(
    ("given", "source", "read"),
    [
        ("p1", None, (None, "p1")),
        ("p1", "ehr", ("ehr", "p1")),
        (patient_identifier("ehr", "p1"), None, ("ehr", "p1")),
        (patient_identifier("ehr", "p1"), "ehr", ("ehr", "p1")),
        (patient_identifier("ehr", "A-1.b" + "0" * 59), None, ("ehr", "A-1.b" + "0" * 59)),
    ],
)
def test_it_is_read_with_its_source(given: str, source: str | None, read: tuple[str | None, str]) -> None:
    assert read_patient_identifier(given, source) == read


HOSTILE = [
    "_",
    "_p1",
    "__",
    "_\u00e9",
    "_" + "A" * 300,
    written("ehr"),
    written("ehr/p1"),
    written("ehr/Observation/p1"),
    written("ehr/Patient/p1/2"),
    written("ehr/Patient/a%2Fb"),
    written("ehr/Patient/"),
    written("ehr/Patient/%70%31"),
    written("ehr%2FPatient/Patient/p1") + "=",
    patient_identifier("ehr", "p1") + "=",
    patient_identifier("ehr", "p1") + "\n",
    patient_identifier("ehr", "x" * 65),
    patient_identifier("ehr", ".."[:1] + "/.."),
    "p_1",
    "a/b",
    "",
]


@pytest.mark.parametrize("given", HOSTILE)
def test_nothing_else_is_read(given: str) -> None:
    with pytest.raises(PatientNotFoundError) as raised:
        read_patient_identifier(given, None)
    assert not given.strip("_") or given not in str(raised.value)


def test_it_never_leads_to_another_source_than_is_named() -> None:
    with pytest.raises(QuestionError) as raised:
        read_patient_identifier(patient_identifier("b", "p1"), "a")
    assert raised.value.code == "source-mismatch"


async def test_it_is_taken_back_where_several_sources_are_configured() -> None:
    two = FakeEngine(sources=("a", "b"))
    query = "query P($id: ID!, $source: ID) { patient(id: $id, source: $source) { id logicalId reference } }"
    first = (await ask(query, two, {"id": "p-17", "source": "b"}))["data"]["patient"]
    assert (first["logicalId"], first["reference"]) == ("p-17", "http://127.0.0.1:8191/fhir/Patient/p-17")
    again = (await ask(query, two, {"id": first["id"]}))["data"]["patient"]
    assert again == first
    other = (await ask(query, two, {"id": "p-17", "source": "a"}))["data"]["patient"]
    assert other["id"] != first["id"]
    text = 'query T($id: ID!) { patient(id: $id) { results(of: ["egfr"]) { text } } }'
    await ask(text, two, {"id": first["id"]})
    assert [(each.patient, each.source) for each in two.questions] == [("p-17", "b")]


@pytest.mark.parametrize(
    ("id_", "source", "code"),
    [
        ("p-17", None, "source-required"),
        (patient_identifier("c", "p-17"), None, "unknown-source"),
        (patient_identifier("b", "p-17"), "a", "source-mismatch"),
        (patient_identifier("b", "a/b"), None, "patient-not-found"),
    ],
)
async def test_what_cannot_be_is_null_with_an_error_and_the_rest_is_answered(
    id_: str, source: str | None, code: str
) -> None:
    query = "query P($id: ID!, $source: ID) { patient(id: $id, source: $source) { id } modules { id } }"
    two = FakeEngine(sources=("a", "b"))
    answer = await ask(query, two, {"id": id_, "source": source})
    assert error_codes(answer) == [code]
    assert answer["errors"][0]["path"] == ["patient"]
    assert answer["data"]["patient"] is None
    assert answer["data"]["modules"]
    assert two.questions == []

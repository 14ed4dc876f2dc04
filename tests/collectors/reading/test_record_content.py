"""Whether what came is the record that was asked for, whose it is, and what it refers to."""

from typing import Any

import pytest

from collectors.errors import SourceAnswerError, VersionGoneError
from collectors.reading.readout import PatientContext
from collectors.reading.record_content import RecordContent, is_of_patient, may_be_shared, read_content, refers_to
from collectors.reading.supplied import encode_resource
from collectors.settings import Source
from ontology.resources import RecordRef

SOURCE = Source(id="ehr", base_url="https://ehr.example/fhir", aliases=("https://inside.example/r4",))
CONTEXT = PatientContext.for_patient(SOURCE, "p1")
MINE, OTHER = {"reference": "Patient/p1"}, {"reference": "Patient/p2"}


def ref(kind: str = "Observation", id_: str = "o1", version: str | None = "2") -> RecordRef:
    return RecordRef("ehr", SOURCE.base_url, kind, id_, version)


def content(kind: str, **elements: Any) -> RecordContent:
    record = {"resourceType": kind, "id": "o1", **elements}
    return read_content(encode_resource(record), ref(kind, "o1", None), SOURCE)


def test_the_body_is_kept_as_it_came() -> None:
    body = b'{ "resourceType":"Observation","id":"o1", "meta":{"versionId":"2","lastUpdated":"2026-06-01T09:00:00Z"},'
    body += b'"valueQuantity":{"value":1.10},"x":1E+2}'
    found = read_content(body, ref(), SOURCE)
    assert (found.body, found.ref, found.last_updated) == (body, ref(), "2026-06-01T09:00:00Z")
    assert found.media_type == "application/fhir+json"
    assert str(found.values["valueQuantity"]["value"]) == "1.10"
    # Nothing of the patient is shown by accident.
    assert "1.10" not in repr(found)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'"o1"',
        b'{"resourceType":"Observation","id":"o1","meta":{"versionId":"2"}} {}',
        b'{"resourceType":"Observation","id":"o1","meta":{"versionId":"2"},"x":NaN}',
        b'{"resourceType":"Observation","id":"o1","meta":{"versionId":"2"},"x":"\\ud800"}',
        b'{"resourceType":"Observation","id":"o1","meta":{"versionId":"2"},"x":"\xff"}',
        b'\xef\xbb\xbf{"resourceType":"Observation","id":"o1","meta":{"versionId":"2"}}',
        # Parsers differ in which of two equal names counts.
        b'{"resourceType":"Observation","id":"o1","meta":{"versionId":"2"},"subject":1,"subject":2}',
        b'{"resourceType":"Observation","id":"o1","meta":{"versionId":"2"},"x":' + b"[" * 101 + b"]" * 101 + b"}",
        b'{"resourceType":"OperationOutcome"}',
        b'{"resourceType":"Observation","id":"o2","meta":{"versionId":"2"}}',
        b'{"resourceType":"Condition","id":"o1","meta":{"versionId":"2"}}',
        b'{"resourceType":"Observation","meta":{"versionId":"2"}}',
    ],
)
def test_what_is_not_the_record_is_refused_without_being_quoted(body: bytes) -> None:
    with pytest.raises(SourceAnswerError) as refused:
        read_content(body, ref(), SOURCE)
    assert not isinstance(refused.value, VersionGoneError)
    assert str(refused.value).startswith("source ehr: ") and "o2" not in str(refused.value)


@pytest.mark.parametrize(
    ("wanted", "has", "gone"),
    [("2", "2", False), ("2", "3", True), ("2", None, True), (None, "3", False), (None, None, False)],
)
def test_another_version_is_not_the_one_that_was_read(wanted: str | None, has: str | None, gone: bool) -> None:
    body = encode_resource({"resourceType": "Observation", "id": "o1", "meta": {"versionId": has} if has else {}})
    if gone:
        with pytest.raises(VersionGoneError):
            read_content(body, ref(version=wanted), SOURCE)
    else:
        assert read_content(body, ref(version=wanted), SOURCE).ref.version == has


@pytest.mark.parametrize(
    ("kind", "elements", "mine"),
    [
        ("Observation", {"subject": MINE}, True),
        ("Observation", {"subject": {"reference": "Patient/p1/_history/3"}}, True),
        ("Observation", {"subject": {"reference": "https://ehr.example/fhir/Patient/p1"}}, True),
        ("Observation", {"subject": {"reference": "https://inside.example/r4/Patient/p1"}}, True),
        ("Observation", {"subject": {"reference": "https://other.example/fhir/Patient/p1"}}, False),
        ("Observation", {"subject": OTHER}, False),
        ("Observation", {"subject": {"reference": "Patient/p10"}}, False),
        ("Observation", {"subject": {"reference": "Group/p1"}}, False),
        ("Observation", {"subject": {"reference": "#p1"}, "contained": [{"resourceType": "Patient"}]}, False),
        ("Observation", {"subject": {"identifier": {"value": "17-A"}}}, False),
        ("Observation", {"subject": {"display": "Patient/p1"}}, False),
        ("Observation", {"subject": "Patient/p1"}, False),
        ("Observation", {"subject": None}, False),
        ("Observation", {}, False),
        # Two elements that contradict each other.
        ("Observation", {"subject": MINE, "patient": OTHER}, False),
        ("Observation", {"subject": MINE, "patient": MINE}, True),
        # Only what says whom it is about counts.
        ("Observation", {"performer": [MINE]}, False),
        ("Observation", {"focus": [MINE], "subject": OTHER}, False),
        ("Observation", {"beneficiary": MINE}, False),
        ("AllergyIntolerance", {"patient": MINE}, True),
        ("Immunization", {"patient": OTHER}, False),
        ("Account", {"subject": [MINE]}, True),
        ("Account", {"subject": [MINE, OTHER]}, False),
        ("Account", {"subject": []}, False),
        ("Coverage", {"beneficiary": MINE}, True),
        ("Coverage", {"beneficiary": OTHER, "subject": MINE}, False),
        ("ResearchSubject", {"individual": MINE}, True),
        ("Task", {"for": MINE}, True),
        ("EnrollmentRequest", {"candidate": MINE}, True),
        ("RelatedPerson", {"patient": MINE}, True),
        ("Medication", {}, False),
        ("Medication", {"subject": MINE}, True),
    ],
)
def test_whose_a_record_is(kind: str, elements: dict[str, Any], mine: bool) -> None:
    assert is_of_patient(content(kind, **elements), CONTEXT) is mine


@pytest.mark.parametrize(("id_", "mine"), [("p1", True), ("p2", False)])
def test_the_patients_own_record(id_: str, mine: bool) -> None:
    body = encode_resource({"resourceType": "Patient", "id": id_, "link": [{"other": MINE}], "subject": MINE})
    assert is_of_patient(read_content(body, ref("Patient", id_, None), SOURCE), CONTEXT) is mine


@pytest.mark.parametrize(
    ("kind", "elements", "shared"),
    [
        ("Medication", {}, True),
        ("Practitioner", {}, True),
        ("Organization", {}, True),
        ("Device", {}, True),
        ("Device", {"patient": OTHER}, False),
        ("Device", {"patient": {"display": "somebody"}}, False),
        # These name other people, or must name whom they are about.
        ("Group", {}, False),
        ("Person", {}, False),
        ("RelatedPerson", {}, False),
        ("Patient", {}, False),
        ("Observation", {}, False),
        ("Encounter", {}, False),
    ],
)
def test_what_is_about_nobody(kind: str, elements: dict[str, Any], shared: bool) -> None:
    assert may_be_shared(content(kind, **elements)) is shared


@pytest.mark.parametrize(
    ("elements", "found"),
    [
        ({"medicationReference": {"reference": "Medication/m1"}}, True),
        ({"medicationReference": {"reference": "Medication/m1/_history/4"}}, True),
        ({"medicationReference": {"reference": "https://ehr.example/fhir/Medication/m1"}}, True),
        ({"medicationReference": {"reference": "https://other.example/fhir/Medication/m1"}}, False),
        ({"medicationReference": {"reference": "Medication/m10"}}, False),
        ({"medicationReference": {"display": "Medication/m1"}}, False),
        ({"note": [{"text": "Medication/m1"}]}, False),
        ({"a": [{"b": [{"c": {"reference": "Medication/m1"}}]}]}, True),
        ({"a": {"reference": 3}}, False),
        ({}, False),
    ],
)
def test_what_a_record_refers_to(elements: dict[str, Any], found: bool) -> None:
    assert refers_to(content("MedicationRequest", **elements), ref("Medication", "m1"), SOURCE) is found

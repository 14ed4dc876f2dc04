"""What was so or was done, asked of a real FHIR server by id: the answer, and its argument for a reader."""

from datetime import UTC, datetime

import pytest

from fixtures.ehr import Ehr
from ontology.concepts import EVENT_ORIGINS, Origin
from server.explain.prov import serialize_result
from server.explain.results import AnswerResult, Status
from server.explain.text import render_argument
from tests.support.engine_questions import shipped
from tests.support.proof_questions import ProofQuestion, ask_over_http, results_by_concept

pytestmark = pytest.mark.ehr
AT = datetime(2026, 6, 30, 12, tzinfo=UTC)
CONCEPTS = tuple(
    sorted(
        each.id
        for each in shipped().concepts.values()
        if each.origin in EVENT_ORIGINS and each.origin is not Origin.CONDITION
    )
)
Answers = dict[str, dict[str, AnswerResult]]


@pytest.fixture(scope="module")
def answered(synthetic_ehr: Ehr) -> Answers:
    questions = [ProofQuestion(patient, patient, AT, CONCEPTS) for patient in ("af-stroke", "healthy")]
    traces = ask_over_http(synthetic_ehr.base_url, questions)
    return {patient: results_by_concept(trace) for patient, trace in traces.items()}


@pytest.mark.parametrize(
    ("patient", "concept", "lines"),
    [
        (
            "af-stroke",
            "oral-anticoagulant",
            [
                "Oral anticoagulant: yes (as of 2025-12-10).",
                "yes (recorded as apixaban) · 2025-12-10 · status order, active · "
                "MedicationRequest/af-stroke-apixaban-request-1 version 1",
                "i Prescribed: whether it was taken is not on this record.",
            ],
        ),
        (
            "af-stroke",
            "penicillin-allergy",
            ["Allergy to penicillin: yes", "AllergyIntolerance/af-stroke-penicillin-1", "i Criticality: high"],
        ),
        ("af-stroke", "cardioversion", ["Electrical cardioversion: yes (as of 2020-12-03)."]),
        ("af-stroke", "metformin", ["not documented (absence not assumed)"]),
        ("healthy", "penicillin-allergy", ["no (recorded as No known allergy) · 2022-06-14"]),
        ("healthy", "influenza-vaccination", ["i Reported: not recorded by whoever gave the vaccine."]),
        ("healthy", "colonoscopy-date", ["Date of colonoscopy: not"]),
    ],
)
def test_the_argument(answered: Answers, patient: str, concept: str, lines: list[str]) -> None:
    text = render_argument(answered[patient][concept])
    assert [line for line in lines if line not in text] == []


def test_each_is_answered_or_says_why_not(answered: Answers) -> None:
    statuses = {
        (patient, concept): result.status
        for patient, results in answered.items()
        for concept, result in results.items()
    }
    assert len(statuses) == 2 * len(CONCEPTS)
    assert {key for key, status in statuses.items() if status is Status.COMPLETE} == {
        ("af-stroke", "oral-anticoagulant"),
        ("af-stroke", "penicillin-allergy"),
        ("af-stroke", "cardioversion"),
        ("healthy", "penicillin-allergy"),
        ("healthy", "influenza-vaccination"),
    }
    assert set(statuses.values()) == {Status.COMPLETE, Status.INSUFFICIENT}


def test_the_argument_as_a_graph_leads_to_the_record(answered: Answers) -> None:
    turtle = serialize_result(answered["af-stroke"]["oral-anticoagulant"])
    assert "MedicationRequest/af-stroke-apixaban-request-1/_history/1" in turtle

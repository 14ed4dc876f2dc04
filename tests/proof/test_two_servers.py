"""The same questions about the same patients, put to two FHIR servers that we did not write: the same answers.

sekmet-fhir keeps what it is sent and answers what it does not know with everything; Medplum's router refuses what it
does not know, names versions by UUIDs, sends no totals, and rewrites decimals.
`tests/fixtures/medplum/test_running.py` and `docs/servers.md` have what else is different between them.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from fixtures.ehr import Ehr
from fixtures.make_patients import INDEX, PATIENTS
from fixtures.medplum.running import Medplum
from ontology.concepts import Origin
from ontology.values import Absent, AbsentReason
from server.executor.engine import Engine
from server.executor.question import Question
from server.executor.trace import Trace
from server.settings import Settings
from tests.support.answer_comparison import differences
from tests.support.engine_questions import evaluated_modules, shipped
from tests.support.proof_questions import ProofQuestion, ask_over_http, every_concept, results_by_concept, with_engine
from tests.support.real_answers import WHY_ABSENT, Answers

pytestmark = pytest.mark.ehr

SYNTHETIC = {each["id"]: datetime.fromisoformat(each["at"]) for each in json.loads((PATIENTS / INDEX).read_text())}

EVENTFUL = "eventful"
AT = datetime(2024, 6, 1, 12, tzinfo=UTC)
SUBJECT = {"reference": f"Patient/{EVENTFUL}"}


def coded(code: str, system: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


SNOMED, RXNORM = "http://snomed.info/sct", "http://www.nlm.nih.gov/research/umls/rxnorm"
CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
EVENTS = [
    {"resourceType": each["resourceType"], "id": f"{EVENTFUL}-{number}", **each}
    for number, each in enumerate[dict[str, Any]](
        [
            {"resourceType": "Patient", "id": EVENTFUL, "gender": "female", "birthDate": "1950-04"},
            {"resourceType": "Medication", "code": coded("11289", RXNORM)},
            {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": SUBJECT,
             "medicationReference": {"reference": f"Medication/{EVENTFUL}-1"}, "authoredOn": "2024-01-10"},
            {"resourceType": "MedicationStatement", "status": "active", "subject": SUBJECT,
             "medicationCodeableConcept": coded("B01AA03", "http://www.whocc.no/atc"),
             "effectivePeriod": {"start": "2024-01-10"}},
            {"resourceType": "AllergyIntolerance", "patient": SUBJECT, "code": coded("91936005", SNOMED),
             "clinicalStatus": coded("active", CLINICAL), "recordedDate": "2010-03-01"},
            {"resourceType": "Procedure", "status": "completed", "subject": SUBJECT,
             "code": coded("415070008", SNOMED), "performedDateTime": "2024-05-20T10:00:00+02:00"},
            {"resourceType": "Encounter", "status": "in-progress", "subject": SUBJECT,
             "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
             "period": {"start": "2024-05-20T10:00:00Z"}},
            {"resourceType": "Immunization", "status": "completed", "patient": SUBJECT,
             "vaccineCode": coded("140", "http://hl7.org/fhir/sid/cvx"), "occurrenceDateTime": "2024-05-20"},
            {"resourceType": "Condition", "subject": SUBJECT, "code": coded("49436004", SNOMED),
             "encounter": {"reference": f"Encounter/{EVENTFUL}-6"}},
        ]
    )
]  # fmt: skip
"""A record of each type; the Medication stands by itself, and only its encounter dates the Condition."""

# What the servers' own ways change in an answer, by patient and concept, with the reason.  There is nothing.
OWN_WAYS: dict[tuple[str, str], str] = {}
# sekmet-fhir has no such resource types, and says so: what is read from them is tested below.
NOT_AT_SEKMET = {
    Origin.FAMILY_HISTORY: "FamilyMemberHistory",
    Origin.LIST: "List",
    Origin.QUESTIONNAIRE: "QuestionnaireResponse",
}


def every_recorded() -> tuple[str, ...]:
    """The ids of all concepts that are read from records, of whatever resource type that both servers have."""
    beside = (Origin.COMPUTED, Origin.SITE, *NOT_AT_SEKMET)
    return tuple(sorted(each.id for each in shipped().concepts.values() if each.origin not in beside))


def check(patient: str, one: Trace, other: Trace, of: tuple[str, ...] | None = None) -> None:
    """Statuses, values, bounds, texts, issues and the whole chains of all concepts are the same."""
    first, second = results_by_concept(one), results_by_concept(other)
    assert list(first) == list(second) == list(of or every_concept())
    for concept, result in first.items():
        found = differences(result, second[concept])
        assert bool(found) == ((patient, concept) in OWN_WAYS), f"{patient}, {concept}: {found}"


def test_other_answers_are_told_apart(synthetic: dict[str, Trace]) -> None:
    one, other = (results_by_concept(synthetic[name])["age"] for name in ("healthy", "sparse"))
    assert {found.partition(":")[0] for found in differences(one, other)} >= {"patient", "value", "text", "chain"}


@pytest.fixture(scope="module")
def at_medplum(shared_medplum: Medplum) -> dict[str, Trace]:
    """The synthetic patients, asked for everything of Medplum."""
    shared_medplum.load_directory(PATIENTS)
    return ask_over_http(shared_medplum.base_url, questions())


def questions() -> Iterator[ProofQuestion]:
    yield from (ProofQuestion(patient, patient, at, every_concept()) for patient, at in SYNTHETIC.items())


@pytest.mark.parametrize("patient", SYNTHETIC)
def test_the_same_answers(synthetic: dict[str, Trace], at_medplum: dict[str, Trace], patient: str) -> None:
    check(patient, synthetic[patient], at_medplum[patient])


def test_the_same_answers_page_by_page(
    synthetic: dict[str, Trace], shared_medplum: Medplum, at_medplum: dict[str, Trace]
) -> None:
    """Seven entries a page: each server links its pages in a way of its own."""
    source = {"id": "ehr", "base_url": shared_medplum.base_url, "page_size": 7}

    async def ask(engine: Engine) -> dict[str, Trace]:
        return {each.key: await engine.ask(Question(each.patient, each.of, each.at)) for each in questions()}

    for patient, trace in with_engine(Settings.model_validate({"sources": [source]}), ask).items():
        check(patient, synthetic[patient], trace)


def test_a_result_had_from_one_server_is_reused_for_the_other(
    synthetic: dict[str, Trace], shared_ehr: Ehr, shared_medplum: Medplum, at_medplum: dict[str, Trace]
) -> None:
    """Fingerprints are over values: the same records in another server change none."""
    sources = [{"id": "one", "base_url": shared_ehr.base_url}, {"id": "other", "base_url": shared_medplum.base_url}]

    async def ask(engine: Engine) -> dict[str, list[str]]:
        found = {}
        for each in questions():
            for source in ("one", "other"):
                trace = await engine.ask(Question(each.patient, each.of, each.at, source))
            found[each.key] = evaluated_modules(trace)
        return found

    assert with_engine(Settings.model_validate({"sources": sources}), ask) == {key: [] for key in SYNTHETIC}


def test_what_is_on_record_of_any_type(synthetic_ehr: Ehr, shared_medplum: Medplum) -> None:
    """All recorded concepts, about a patient with a record of each type, and about those of the fixtures."""
    traces = []
    shared_medplum.load_directory(PATIENTS)
    for server in (synthetic_ehr, shared_medplum):
        server.load(EVENTS)
        asked = [
            ProofQuestion(patient, patient, at, every_recorded())
            for patient, at in (SYNTHETIC | {EVENTFUL: AT}).items()
        ]
        traces.append(ask_over_http(server.base_url, asked))
    for patient, trace in traces[0].items():
        check(patient, trace, traces[1][patient], every_recorded())
    found = {concept for concept, result in results_by_concept(traces[0][EVENTFUL]).items() if result.value is True}
    assert {"oral-anticoagulant", "penicillin-allergy", "influenza-vaccination", "inpatient-stay"} <= found


def test_what_one_server_does_not_have_is_not_said_to_be_missing_on_record(
    shared_ehr: Ehr, shared_medplum: Medplum
) -> None:
    relative = {
        "resourceType": "FamilyMemberHistory",
        "id": f"{EVENTFUL}-mother",
        "date": "2024-01-02",
        "status": "completed",
        "patient": SUBJECT,
        "relationship": coded("MTH", "http://terminology.hl7.org/CodeSystem/v3-RoleCode"),
        "condition": [{"code": coded("22298006", SNOMED)}],
    }
    of = tuple(sorted(each.id for each in shipped().concepts.values() if each.origin in NOT_AT_SEKMET))
    shared_ehr.load(EVENTS)
    shared_medplum.load([*EVENTS, relative])
    here, there = (
        results_by_concept(ask_over_http(server.base_url, [ProofQuestion(EVENTFUL, EVENTFUL, AT, of)])[EVENTFUL])
        for server in (shared_ehr, shared_medplum)
    )
    assert there["infarction-in-family"].value is True
    for concept in of:
        assert here[concept].value == Absent(AbsentReason.NOT_QUERIED)
        texts = {
            code: {i.text for i in here[concept].issues if i.code == code} for code in ("not-offered", "not-queried")
        }
        # A list only adds to what is recorded: its absence is reported where it is asked for only.
        told = {f"The source does not offer {each}." for origin, each in NOT_AT_SEKMET.items() if origin != Origin.LIST}
        assert texts["not-offered"] == told
        own = NOT_AT_SEKMET[shipped().concepts[concept].origin]
        assert f"The source does not offer {own}." in texts["not-offered"] | texts["not-queried"]
        assert "not-offered" not in {issue.code for issue in there[concept].issues}


@pytest.mark.real_data
@pytest.mark.skipif(WHY_ABSENT is not None, reason=WHY_ABSENT or "")
def test_the_same_answers_about_third_party_patients(answers: Answers, shared_medplum: Medplum) -> None:
    known = {each.patient.id: each for found in answers.values() for each in found}
    shared_medplum.load([resource for each in known.values() for resource in each.patient.resources])
    last = {name: each.patient.last_observation for name, each in known.items()}
    asked = [ProofQuestion(name, name, at, every_concept()) for name, at in last.items() if at is not None]
    assert len(asked) == len(known) == 52
    for patient, trace in ask_over_http(shared_medplum.base_url, asked).items():
        check(patient, known[patient].trace, trace)

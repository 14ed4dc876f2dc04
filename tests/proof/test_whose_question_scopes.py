"""What a token's scopes leave out is NOT_PERMITTED, type by type: it is not asked for, and is never a "no"."""

import json
from typing import Any

import pytest

from collectors.auth.authorisations import Caller
from server.access.grant import caller_of
from server.executor.question import Question
from server.executor.trace import Trace
from server.explain.explain import explain
from server.explain.results import Status
from tests.support.charts import condition
from tests.support.engine_questions import AT
from tests.support.granted_questions import (
    GrantedApp,
    SeenRequests,
    codes,
    granted_app,
    kidney,
    make_grant,
    query,
    source,
)
from tests.support.kept_lists import ATC, chart, coded, diagnosis, kept_list, prescription, provenance, visit
from tests.support.proof_questions import every_concept

OFF = {"enabled": False}
CHART = [*kidney("p1", 1.618), condition("49436004", id="c1")]
OF = ("egfr", "serum-creatinine", "atrial-fibrillation")
DENIED = {"reason": "NOT_PERMITTED"}
VALUE, YES = {"value": 1.618}, {"is": True}


OTHERS = "patient/Patient.rs patient/Condition.rs"


@pytest.mark.parametrize(
    ("scope", "creatinine", "fibrillation", "egfr"),
    [
        ("patient/*.rs", VALUE, YES, "COMPLETE"),
        ("user/*.read", VALUE, YES, "COMPLETE"),
        ("system/*.*", VALUE, YES, "COMPLETE"),
        ("patient/*.cruds", VALUE, YES, "COMPLETE"),
        ("patient/Patient.rs patient/Observation.rs", VALUE, DENIED, "WITH_WARNINGS"),
        ("patient/Patient.read patient/Observation.read", VALUE, DENIED, "WITH_WARNINGS"),
        ("patient/Patient.rs user/Condition.rs", DENIED, YES, "INSUFFICIENT"),
        ("patient/Patient.rs", DENIED, DENIED, "INSUFFICIENT"),
        # Without the patient's own record: what is recorded counts, but nothing takes its age or sex from it.
        ("patient/Observation.rs patient/Condition.rs", VALUE, YES, "INSUFFICIENT"),
        # A query, one right of two, or no scope of FHIR.
        (f"{OTHERS} patient/Observation.rs?category=laboratory", DENIED, YES, "INSUFFICIENT"),
        (f"{OTHERS} patient/Observation.r", DENIED, YES, "INSUFFICIENT"),
        (f"{OTHERS} patient/Observation.s", DENIED, YES, "INSUFFICIENT"),
        (f"{OTHERS} patient/Observation.write", DENIED, YES, "INSUFFICIENT"),
        ("", DENIED, DENIED, "INSUFFICIENT"),
        ("openid launch/patient", DENIED, DENIED, "INSUFFICIENT"),
    ],
)  # fmt: skip
async def test_type_by_type(scope: str, creatinine: Any, fibrillation: Any, egfr: str) -> None:
    servers = SeenRequests(ehr=CHART)
    async with granted_app(servers, cache=OFF) as app:
        grant = make_grant(scope=scope)
        rate, recorded, diagnosed = await app.results(grant, query("p1", *OF))
    assert (recorded["value"], diagnosed["value"]) == (creatinine, fibrillation)
    assert rate["status"] in ((egfr,) if egfr != "WITH_WARNINGS" else ("COMPLETE", "WITH_WARNINGS", "PARTIAL"))
    asked = {kind for _, kind, _ in servers.searched()}
    assert {kind for kind in asked if not grant.permissions.may_search(kind)} == set()
    # That conditions are out of reach is no matter of a creatinine.
    for kind, answer in (("Patient", recorded), ("Observation", recorded), ("Condition", diagnosed)):
        said = [each["text"] for each in answer["issues"] if each["code"] == "scope-missing"]
        assert any(kind in text for text in said) is not grant.permissions.may_search(kind)


UNDATED = (diagnosis(encounter=None, recordedDate="2019-01-07"), prescription(authoredOn="2025-11-03"))
BY_REFERENCE = {
    **prescription("m2"),
    "medicationCodeableConcept": None,
    "medicationReference": {"reference": "Medication/drug"},
}
DRUG = {"resourceType": "Medication", "id": "drug", "code": coded(ATC, "C10AA05", "Atorvastatin")}
EVERY_TYPE = chart(
    *UNDATED,
    visit(),
    {name: each for name, each in BY_REFERENCE.items() if each is not None},
    DRUG,
    kept_list("11450-4", None),
    kept_list("10160-0", None),
    provenance("List/l11450-4", "2026-01-12T10:00:00Z"),
    provenance("List/l10160-0", "2026-01-12T10:00:00Z", "v2"),
    condition("49436004", id="c2"),
)
TYPES = (
    "AllergyIntolerance",
    "Condition",
    "DiagnosticReport",
    "Encounter",
    "FamilyMemberHistory",
    "Immunization",
    "List",
    "Medication",
    "MedicationAdministration",
    "MedicationRequest",
    "MedicationStatement",
    "Observation",
    "Patient",
    "Procedure",
    "Provenance",
    "QuestionnaireResponse",
)


RECORDED = ("penicillin-allergy", "infarction-in-family", "influenza-vaccination", "phq9-total-answered")
ON_REQUEST = ["diagnostic-report", "medication-administration"]


async def everything(app: GrantedApp, caller: Caller | None) -> Trace:
    return await app.engine.ask(Question("p1", (*every_concept(), *RECORDED), AT, "ehr", caller=caller))


def asked_types(servers: SeenRequests) -> set[str]:
    return {kind for _, kind, _ in servers.searched()}


async def test_the_chart_needs_every_type() -> None:
    servers = SeenRequests(ehr=EVERY_TYPE)
    async with granted_app(servers, source("ehr", collectors=ON_REQUEST), cache=OFF) as app:
        await everything(app, None)
    assert asked_types(servers) == set(TYPES)


@pytest.mark.parametrize("left_out", TYPES)
async def test_of_a_type_left_out_nothing_is_asked_and_nothing_becomes_no(left_out: str) -> None:
    servers = SeenRequests(ehr=EVERY_TYPE)
    scope = " ".join(f"patient/{kind}.rs" for kind in TYPES if kind != left_out)
    async with granted_app(servers, source("ehr", collectors=ON_REQUEST), cache=OFF) as app:
        full = {each.concept.id: each for each in explain(await everything(app, None))}
        servers.requests.clear()
        caller = caller_of(make_grant(scope=scope), None, app.engine.source("ehr"), "p1")
        trace = await everything(app, caller)
    assert left_out not in asked_types(servers)
    said = [issue for issue in trace.issues if issue.code == "scope-missing"]
    assert said and all(issue.text.startswith(f"{left_out} could not be retrieved: ") for issue in said)
    for result in explain(trace):
        # A definite answer is the one that everything gives: no "no" where something was not looked at.
        if result.value is False or result.value is True:
            assert result.value == full[result.concept.id].value, result.concept.id
        # And whatever is called complete is what everything gives.
        if result.status is Status.COMPLETE:
            assert result.value == full[result.concept.id].value, result.concept.id


async def test_joined_sources_stay_within_the_issuers() -> None:
    mrn = "urn:mrn"
    identifier = [{"system": mrn, "value": "17-A"}]
    servers = SeenRequests(
        ehr=kidney("p1", 1.618, identifier=identifier),
        lab=kidney("x9", 2.718, identifier=identifier),
        # One of the same id as the token's patient, and another person.
        icu=kidney("p1", 3.142, identifier=[{"system": mrn, "value": "18-B"}]),
    )
    sources = [source(name, identifiers=[mrn]) for name in ("ehr", "lab", "icu")]
    asked = query("p1", "serum-creatinine", "atrial-fibrillation", source="ehr")
    async with granted_app(servers, *sources, cache=OFF) as app:
        wide = make_grant(sources=frozenset({"ehr", "lab", "icu"}))
        recorded, _ = await app.results(wide, asked)
        # The issuer speaks for all: the laboratory gave the same patient, the third source nobody.
        assert {each["code"] for each in recorded["issues"]} >= {"not-known-there"}
        assert {(host, who) for host, kind, who in servers.searched() if kind == "Observation"} == {
            ("ehr", "p1"),
            ("lab", "x9"),
        }
        servers.requests.clear()
        recorded, fibrillation = await app.results(make_grant(), asked)
        assert {host for host, _, _ in servers.requests} == {"ehr"}
        assert recorded["value"] == VALUE and "2.718" not in json.dumps(recorded)
        said = {each["text"] for each in recorded["issues"] if each["code"] == "not-joined"}
        assert said == {
            f"Source {name}: it was not asked: the caller's token is not for this source." for name in ("lab", "icu")
        }
        # What those hold is unknown, so nothing is ruled out.
        assert fibrillation["value"] == DENIED


async def test_sources_that_do_not_share_the_patient_are_not_spoken_of() -> None:
    servers = SeenRequests(ehr=CHART, lab=kidney("p1", 2.718))
    async with granted_app(servers, source("ehr"), source("lab"), cache=OFF) as app:
        recorded, _ = await app.results(make_grant(), query("p1", "serum-creatinine", "egfr", source="ehr"))
    assert recorded["issues"] == [] and not [host for host, _, _ in servers.searched() if host == "lab"]


async def test_joined_sources_are_searched_within_the_scopes() -> None:
    mrn = "urn:mrn"
    identifier = [{"system": mrn, "value": "17-A"}]
    servers = SeenRequests(
        ehr=kidney("p1", 1.618, identifier=identifier), lab=kidney("x9", 2.718, identifier=identifier)
    )
    sources = [source(name, identifiers=[mrn]) for name in ("ehr", "lab")]
    both = frozenset({"ehr", "lab"})
    async with granted_app(servers, *sources, cache=OFF) as app:
        grant = make_grant(sources=both, scope="patient/Patient.rs patient/Condition.rs")
        told = await app.ask(grant, query("p1", "serum-creatinine", source="ehr"))
        assert codes(told) == [] and told["data"]["patient"]["results"][0]["value"] == DENIED
        assert ("lab", "Patient") in {each[:2] for each in servers.searched()}
        assert "Observation" not in asked_types(servers)
        servers.requests.clear()
        # Without the patient's own record no other source is looked into.
        grant = make_grant(sources=both, scope="patient/Observation.rs")
        told = await app.ask(grant, query("p1", "serum-creatinine", source="ehr"))
        assert {each[:2] for each in servers.searched()} == {("ehr", "Observation")}
        assert "not-joined" in {each["code"] for each in told["data"]["patient"]["results"][0]["issues"]}


@pytest.mark.parametrize("scope", ["patient/*.rs", "patient/Observation.rs patient/Condition.rs"])
@pytest.mark.parametrize("by", ["identifier", "link"])
async def test_a_source_outside_the_issuers_is_reported_however_it_would_be_joined(by: str, scope: str) -> None:
    mrn = "urn:mrn"
    link = [{"type": "seealso", "other": {"reference": "https://lab.example/fhir/Patient/x9"}}]
    known: dict[str, Any] = {"identifier": [{"system": mrn, "value": "17-A"}]} if by == "identifier" else {"link": link}
    servers = SeenRequests(ehr=kidney("p1", 1.618, **known), lab=kidney("x9", 2.718, **known))
    shared = [mrn] if by == "identifier" else []
    sources = [source(name, identifiers=shared) for name in ("ehr", "lab")]
    async with granted_app(servers, *sources, cache=OFF) as app:
        asked = query("p1", "atrial-fibrillation", source="ehr")
        (result,) = await app.results(make_grant(scope=scope), asked)
        assert {host for host, _, _ in servers.searched()} == {"ehr"}
        said = {each["code"] for each in result["issues"]}
        if by == "identifier" or scope == "patient/*.rs":
            assert result["value"] == DENIED and "not-joined" in said
        else:
            # Of a link nobody knows while the record that holds it may not be read: this is reported, and is no "no".
            assert result["value"] == {"reason": "NOT_FOUND"} and "scope-missing" in said

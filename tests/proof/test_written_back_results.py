"""What we tell, written into the record it came from: servers take it, and it never feeds an answer again."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from fixtures.ehr import Ehr
from fixtures.make_patients import INDEX, PATIENTS
from ontology.values import Absent, AbsentReason, Quantity
from server.catalog.descriptions import Kind
from server.executor.trace import Trace
from server.explain.explain import explain
from server.explain.fhir import bundle
from server.explain.fhir.datatypes import TAGS
from tests.support.charts import creatinine, lab, patient, uacr
from tests.support.engine_questions import open_asker, shipped
from tests.support.proof_questions import ProofQuestion, ask_over_http, results_by_concept, slot_value

Json = dict[str, Any]
AT = {each["id"]: datetime.fromisoformat(each["at"]) for each in json.loads((PATIENTS / INDEX).read_text())}
NOW = datetime(2026, 6, 30, 11, 59, tzinfo=UTC)


def outcome(trace: Trace) -> list[tuple[Any, ...]]:
    """What each execution was of, what filled its slots from which records, and what came of it."""
    return [
        (
            each.description.id,
            each.as_of,
            each.evaluation,
            [(name, given.value, [r.source for r in given.resources]) for name, given in each.inputs.items()],
        )
        for each in trace.executions
    ]


def stored(made: Json, prefix: str) -> list[Json]:
    """The resources of a Bundle as a server would hold them: with ids, and references to each other by these."""
    names = {
        entry["fullUrl"]: f"{entry['resource']['resourceType']}/{prefix}-{number}"
        for number, entry in enumerate(made["entry"])
    }
    text = json.dumps(made)
    for url, name in names.items():
        text = text.replace(f'"reference": "{url}"', f'"reference": "{name}"')
    entries = json.loads(text)["entry"]
    return [each["resource"] | {"id": names[each["fullUrl"]].split("/")[1]} for each in entries]


@pytest.mark.parametrize(
    ("name", "tagged"),
    [("ckd-progressing", True), ("ckd-progressing", False), ("sepsis-ward", False), ("healthy", True),
     ("unknown-sex", True), ("amended-results", False)],
)  # fmt: skip
async def test_no_step_that_was_written_back_feeds_an_answer(name: str, tagged: bool) -> None:
    records = [entry["resource"] for entry in json.loads((PATIENTS / f"{name}.json").read_text())["entry"]]
    # Trained models read the same records, and take seconds to import.
    modules = shipped().modules.values()
    of = sorted(each.produces.id for each in modules if each.kind is not Kind.MODEL)
    async with open_asker(cache={"enabled": False}, server={"deadline": 300}) as ask:
        before = await ask(records, *of, at=AT[name], patient=name)
        ours = stored(bundle(explain(before), NOW), "ours")
        if not tagged:
            # As a server has it that drops tags.
            ours = [{name: value for name, value in each.items() if name != "meta"} for each in ours]
        kinds = {each["resourceType"] for each in ours}
        assert {"Observation", "Provenance", "Device"} <= kinds
        after = await ask([*records, *ours], *of, at=AT[name], patient=name)
        assert outcome(after) == outcome(before)
        assert after.issues == before.issues


def test_of_the_types_that_are_written_only_observations_are_read() -> None:
    # What would read another has to know what we wrote by more than its tag, too.
    written = {"Observation", "RiskAssessment", "Device", "Provenance"}
    assert written & {each.resource_type for each in shipped().collectors.values()} == {"Observation"}


CHART = [
    patient(id="told-back"),
    *(
        creatinine(value, f"{year}-06-01T08:00:00+00:00", id=f"told-back-{year}", of="told-back")
        for year, value in ((2023, 1.6), (2024, 1.8), (2025, 2.0), (2026, 2.3))
    ),
    uacr(300, "2026-06-01T08:00:00+00:00", id="told-back-uacr", of="told-back"),
    lab("29463-7", 70, "kg", "2026-06-01T08:00:00+00:00", id="told-back-kg", of="told-back"),
    lab("8302-2", 170, "cm", "2026-06-01T08:00:00+00:00", id="told-back-cm", of="told-back"),
]
OF = ("egfr", "egfr-slope", "kidney-failure-risk-5y", "gfr-category", "bmi", "qsofa")


def transaction(made: Json) -> Json:
    """The Bundle as docs/fhir.md says to store it."""
    entries = []
    for entry in made["entry"]:
        resource = entry["resource"]
        request = {"method": "POST", "url": resource["resourceType"]}
        # sekmet-fhir knows no search by identifier for the other types.
        if resource["resourceType"] == "Observation":
            name = resource["identifier"][0]
            request["ifNoneExist"] = f"identifier={name['system']}|{name['value']}"
        entries.append({**entry, "request": request})
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


@pytest.mark.ehr
def test_a_server_takes_all_of_it_and_it_is_not_read_back(shared_ehr: Ehr) -> None:
    shared_ehr.load(CHART)
    question = ProofQuestion("q", "told-back", datetime(2026, 6, 30, 12, tzinfo=UTC), OF)
    site = {"north-america": True}
    before = ask_over_http(shared_ehr.base_url, [question], site=site)["q"]
    assert isinstance(results_by_concept(before)["egfr"].value, Quantity)
    made = bundle(explain(before), NOW)
    assert "do-not-store" not in json.dumps(made)
    with httpx.Client(timeout=60, trust_env=False) as client:
        answer = client.post(
            shared_ehr.base_url,
            content=json.dumps(transaction(made)).encode(),
            headers={"Content-Type": "application/fhir+json"},
        )
    assert answer.status_code == 200, answer.text[:500]
    outcomes = [entry["response"]["status"][:3] for entry in answer.json()["entry"]]
    assert outcomes == ["201"] * len(made["entry"])
    held = shared_ehr.get("Observation", patient="told-back", code="http://loinc.org|98979-8", _count="100")
    ours = [entry["resource"] for entry in held["entry"]]
    # The eGFR that was asked for, and those of the slope's points.
    codes = [str(entry["resource"].get("code")) for entry in made["entry"]]
    assert len(ours) == sum("98979-8" in code for code in codes) >= 4
    # The server has put its own names for those within the Bundle.
    assert "urn:uuid" not in json.dumps([each["device"] for each in ours])
    assert all({"system": TAGS, "code": "medtwin-result"} in each["meta"]["tag"] for each in ours)
    assert shared_ehr.get("RiskAssessment", patient="told-back")["entry"]
    after = ask_over_http(shared_ehr.base_url, [question], site=site)["q"]
    assert outcome(after) == outcome(before)
    assert slot_value(after, "egfr", "recorded") == Absent(AbsentReason.NOT_FOUND)

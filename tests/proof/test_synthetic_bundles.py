"""Every synthetic patient, asked for everything that is computed: each answer as FHIR that keeps R4's rules."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pytest

from fixtures.make_patients import INDEX, PATIENTS
from ontology.values import Absent, Quantity
from server.explain.explain import explain
from server.explain.fhir import bundle
from server.explain.results import AnswerResult, Status
from tests.support.engine_questions import Asker, open_asker
from tests.support.fhir_bundles import kind_of, rule_faults
from tests.support.proof_questions import every_concept

PEOPLE = [(each["id"], datetime.fromisoformat(each["at"])) for each in json.loads((PATIENTS / INDEX).read_text())]
READ = ("serum-creatinine", "uacr", "heart-rate", "atrial-fibrillation")
NOW = datetime.fromisoformat("2026-07-01T09:00:00+00:00")
ASSUMED = ("ckd-progressing", "healthy", "unknown-sex")
REGION: dict[str, Any] = {"north-america": True}


@cache
def answers() -> dict[str, tuple[AnswerResult, ...]]:
    """By patient: by the record alone, and with the region assumed."""
    return asyncio.run(_answers())


async def _answers() -> dict[str, tuple[AnswerResult, ...]]:
    found: dict[str, tuple[AnswerResult, ...]] = {}
    # The first question imports what runs trained models, which takes long on a busy machine.
    async with open_asker(cache={"enabled": False}, server={"deadline": 300}) as ask:
        for name, at in PEOPLE:
            found[name] = await _of(ask, name, at)
            if name in ASSUMED:
                found[f"{name} assumed"] = await _of(ask, name, at, assume=REGION)
    return found


async def _of(ask: Asker, name: str, at: datetime, **more: Any) -> tuple[AnswerResult, ...]:
    read = json.loads((PATIENTS / f"{name}.json").read_text())
    records = [entry["resource"] for entry in read["entry"]]
    return explain(await ask(records, *every_concept(), *READ, at=at, patient=name, **more))


def every_answer() -> Iterator[AnswerResult]:
    for found in answers().values():
        yield from found


ASKED = [name + more for name, _ in PEOPLE for more in (("", " assumed") if name in ASSUMED else ("",))]


@pytest.mark.parametrize("name", ASKED)
def test_all_answers_about_a_patient_keep_r4s_rules_in_one_bundle_and_each_in_its_own(name: str) -> None:
    found = answers()[name]
    assert rule_faults(bundle(found, NOW)) == []
    for result in found:
        assert rule_faults(bundle(result, NOW)) == []


def test_the_patients_have_answers_of_every_kind() -> None:
    statuses = Counter(result.status for result in every_answer())
    assert set(statuses) >= {Status.COMPLETE, Status.PARTIAL, Status.INSUFFICIENT, Status.NOT_APPLICABLE}
    told = [result for result in every_answer() if result.risk is not None]
    assert any(result.assumed for result in told)
    assert any(result.step is not None and result.step.module.model is not None for result in told)
    assert any(result.leaf is not None and not isinstance(result.leaf.value, Absent) for result in every_answer())


@pytest.mark.parametrize("name", ASKED)
def test_each_step_has_an_entry_that_names_its_version_its_fingerprint_and_its_records(name: str) -> None:
    made = bundle(answers()[name], NOW)
    here = {entry["fullUrl"]: entry["resource"] for entry in made["entry"]}
    told = [resource for resource in here.values() if resource["resourceType"] == "Provenance"]
    named = {fingerprint(each): each for each in told}
    for result in answers()[name]:
        for step in result.chain:
            provenance = named[step.fingerprint]
            assert provenance["policy"] == [f"{step.module.iri}|{step.module.version}"]
            who = here[provenance["agent"][0]["who"]["reference"]]
            assert who["version"] == [{"value": step.module.version}]
            # Of two steps with one fingerprint either may be found: other times, perhaps other records.
            of_one = [each for each in told if fingerprint(each) == step.fingerprint]
            direct = {f"{r.url}/_history/{r.version}" if r.version else r.url for g in step.grounds for r in g.records}
            assert any(direct <= references(each) for each in of_one)


def fingerprint(provenance: dict[str, Any]) -> str | None:
    found = [
        entity["what"]["identifier"]["value"]
        for entity in provenance.get("entity", ())
        if entity["what"].get("identifier", {}).get("system") == "https://medtwin.example/fingerprints"
    ]
    return found[0] if found else None


def references(provenance: dict[str, Any]) -> set[str]:
    return {e["what"]["reference"] for e in provenance.get("entity", ()) if "reference" in e["what"]}


def test_what_a_value_is_made_from_leads_to_records() -> None:
    """Down from each value over steps to what was read, or to what was assumed."""
    for result in every_answer():
        made = bundle(result, NOW)
        here = {entry["fullUrl"]: entry["resource"] for entry in made["entry"]}
        first = made["entry"][0]["resource"]
        ends = set(_ends(first, here))
        used = {record.url for step in result.chain for ground in step.grounds for record in ground.records}
        assert ends <= used | {record.url for record in result.records}
        if isinstance(result.value, Quantity) and result.effective is not None and used:
            of_kind = [
                url for url in used if first["resourceType"] != "Observation" or kind_of(url, {}) == "Observation"
            ]
            assert ends or not of_kind or result.concept.id == "age", result.text


def _ends(resource: dict[str, Any], here: dict[str, dict[str, Any]]) -> Iterator[str]:
    for each in (*resource.get("derivedFrom", ()), *resource.get("basis", ())):
        if each["reference"] in here:
            yield from _ends(here[each["reference"]], here)
        else:
            yield each["reference"]


def test_a_value_is_told_as_it_is_and_its_absence_with_a_reason() -> None:
    for result in every_answer():
        first = bundle(result, NOW)["entry"][0]["resource"]
        if isinstance(result.value, Absent):
            assert first["resourceType"] == "Observation"
            assert first["dataAbsentReason"]["coding"][0]["code"]
            assert not [key for key in first if key.startswith("value")]
        elif result.risk is not None:
            (prediction,) = first["prediction"]
            assert prediction["probabilityDecimal"] == pytest.approx(float(result.risk.probability) * 100, abs=0.051)
        elif isinstance(result.value, Quantity):
            assert first["valueQuantity"]["value"] == pytest.approx(float(result.value.value), rel=1e-14)
            assert first["valueQuantity"]["code"] == result.value.unit


def test_what_rests_on_an_assumption_or_a_model_of_trial_says_not_to_store_it() -> None:
    for result in every_answer():
        made = bundle(result, NOW)
        first = made["entry"][0]["resource"]
        tags = {tag["code"] for tag in first["meta"]["tag"]}
        model = result.step.module.model if result.step is not None else None
        trial = model is not None and model.maturity != "clinical"
        assert ("do-not-store" in tags) == (result.assumed or trial)
        assert ("assumption" in tags) == result.assumed
        if "do-not-store" in tags and result.status is not Status.FAILED:
            assert first["status"] == "preliminary"
            assert "Not to be written into a record" in first["note"][1]["text"]
            assert "Not to be written into a record" in first["text"]["div"]
        if trial and model is not None:
            assert model.maturity in tags


def test_names_are_the_same_for_the_same_answer_and_no_others() -> None:
    owners: dict[str, tuple[str, str]] = {}
    for name, found in answers().items():
        patient = name.removesuffix(" assumed")
        again = bundle(found, NOW + timedelta(days=1))
        made = bundle(found, NOW)
        assert [entry["fullUrl"] for entry in made["entry"]] == [entry["fullUrl"] for entry in again["entry"]]
        for entry in made["entry"]:
            kind = entry["resource"]["resourceType"]
            owner = (kind, "" if kind == "Device" else patient)
            assert owners.setdefault(entry["fullUrl"], owner) == owner


def test_when_it_was_told_is_the_clocks_and_what_it_holds_for_the_records() -> None:
    for result in every_answer():
        for entry in bundle(result, NOW)["entry"]:
            resource = entry["resource"]
            if resource["resourceType"] == "Provenance":
                assert resource["recorded"] == NOW.isoformat()
                assert datetime.fromisoformat(resource["occurredDateTime"]) <= result.at
            if resource["resourceType"] == "Observation":
                assert resource["issued"] == NOW.isoformat()
        first = bundle(result, NOW)["entry"][0]["resource"]
        if result.effective is not None and first["resourceType"] == "Observation":
            told = datetime.fromisoformat(first["effectiveDateTime"])
            # What is dated to the day leaves as the day.
            assert told.date() == result.effective.date()
            assert abs(told.replace(tzinfo=None) - result.effective.replace(tzinfo=None)) <= timedelta(days=1)
            assert len(first["effectiveDateTime"]) == 10 or told == result.effective
        spans = [each["valuePeriod"] for each in first.get("extension", ()) if each["url"].endswith("/grounds")]
        if result.grounds_from is not None and result.effective is not None:
            days = (result.grounds_from.date(), result.effective.date())
            nothing = isinstance(result.value, Absent) and result.bounds is None
            assert nothing != bool(spans) or days[0] == days[1]
            assert not spans or spans[0]["start"] == result.grounds_from.isoformat()

"""What if: a concept that is read or computed is assumed, what is impossible is refused, the record is not touched."""

from typing import Any

import pytest

from server.executor.engine import Engine
from server.graphql.endpoint import GraphQL
from server.settings import Settings
from tests.support.charts import creatinine, patient, uacr
from tests.support.engine_questions import shipped
from tests.support.fake_fhir_servers import BASE, FakeFhir

Json = dict[str, Any]
CODES = "https://medtwin.example/codes"
CHART = (patient(), creatinine(1.9, "2026-06-20T08:00:00Z"), uacr(410, "2026-06-20T08:00:00Z"))
QUERY = """query Q($of: [ID!]!, $assume: [Assumption!]) { patient(id: "p1") {
  results(of: $of, at: "2026-06-30T12:00:00Z", assume: $assume) {
    status text issues { code text severity } chain { module { id } grounds { slot assumed records { id } } } } } }"""


async def asked(of: str, *assume: Json) -> tuple[Json, list[str], FakeFhir]:
    fake = FakeFhir(CHART)
    settings = Settings.model_validate(
        {"sources": [{"id": "ehr", "base_url": BASE}], "site": {"north_america": True}, "cache": {"enabled": False}}
    )
    async with await Engine.open(settings, shipped(), fake.client()) as engine:
        told, _ = await GraphQL(engine, settings.server).run(QUERY, {"of": [of], "assume": list(assume)})
    codes = [error["extensions"]["code"] for error in told.get("errors", [])]
    return (told["data"]["patient"]["results"][0] if not codes else {}), codes, fake


def quantity(concept: str, value: float, unit: str) -> Json:
    return {"concept": concept, "quantity": {"value": value, "unit": unit}}


def coding(concept: str, code: str) -> Json:
    return {"concept": concept, "coding": {"system": CODES, "code": code}}


EGFR = "mL/min/{1.73_m2}"


@pytest.mark.parametrize(
    ("of", "assume", "slot"),
    [
        ("egfr", quantity("serum-creatinine", 1.0, "mg/dL"), "creatinine"),
        ("egfr", quantity("age", 40, "a"), "age"),
        ("kidney-failure-risk-5y", quantity("egfr", 50, EGFR), "egfr"),
    ],
)
async def test_what_is_assumed_is_marked_in_the_chain_and_in_the_claim(of: str, assume: Json, slot: str) -> None:
    result, codes, _ = await asked(of, assume)
    assert codes == []
    marked = [ground for step in result["chain"] for ground in step["grounds"] if ground["assumed"]]
    assert slot in {ground["slot"] for ground in marked}
    assert not [ground["records"] for ground in marked if ground["records"]]
    assert "not the expected effect of treatment" in result["text"]


@pytest.mark.parametrize(
    ("assume", "code"),
    [
        (quantity("egfr", 400, EGFR), "assumption-range"),
        (quantity("age", 180, "a"), "assumption-range"),
        (quantity("serum-creatinine", 500, "mg/dL"), "assumption-range"),
        (quantity("egfr", 50, "mL/min"), "assumption-unit"),
        (coding("albuminuria-category", "A9"), "assumption-code"),
    ],
)
async def test_what_cannot_be_is_refused_before_anything_is_fetched(assume: Json, code: str) -> None:
    _, codes, fake = await asked("gfr-category", assume)
    assert codes == [code]
    assert not [request for request in fake.requests if not request.url.path.endswith("/metadata")]


async def test_a_code_that_the_rule_can_give_is_taken() -> None:
    result, codes, _ = await asked("gfr-category", coding("albuminuria-category", "A2"))
    assert codes == []
    assert result["status"] in ("COMPLETE", "PARTIAL")


async def test_the_record_is_only_read() -> None:
    _, _, fake = await asked("egfr", quantity("serum-creatinine", 1.0, "mg/dL"))
    assert {request.method for request in fake.requests} == {"GET"}
    again, _, _ = await asked("egfr")
    assert "assumption" not in again["text"]


UNUSED = "The assumption for heart rate has no effect on these answers."


@pytest.mark.parametrize(
    ("of", "assume", "told"),
    [
        ("egfr", quantity("heart-rate", 90, "/min"), [UNUSED]),
        # Read as it is, it may be assumed; computed, what it rests on may be.
        ("heart-rate", quantity("heart-rate", 90, "/min"), []),
        ("gfr-category", quantity("serum-creatinine", 1.0, "mg/dL"), []),
        ("gfr-category", quantity("egfr", 50, EGFR), []),
        ("egfr-slope", quantity("serum-creatinine", 1.0, "mg/dL"), []),
    ],
)
async def test_an_assumption_that_nothing_uses_is_told(of: str, assume: Json, told: list[str]) -> None:
    result, _, _ = await asked(of, assume)
    issues = [issue for issue in result["issues"] if issue["code"] == "assumption-unused"]
    assert [issue["text"] for issue in issues] == told
    assert all(issue["severity"] == "WARNING" for issue in issues)

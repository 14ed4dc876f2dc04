"""Attribution over GraphQL: what moved a result, in words and numbers of the whole chain, and in its provenance."""

from decimal import Decimal
from math import log
from typing import Any

import pytest
from rdflib import Graph

from server.explain.prov.constraints import constraint_violations
from server.explain.prov.read_export import read_export
from tests.support.attribution_queries import (
    AT,
    CHART,
    EARLIER,
    EGFR_UNIT,
    SINCE,
    VALUE,
    Json,
    attributed_result,
    attribution_query,
    open_endpoint,
)
from tests.support.charts import creatinine


def odds(value: Json) -> float:
    return log(value["value"] / (100 - value["value"]))


def amounts(told: Json) -> dict[str, float]:
    return {item["concept"]["id"]: item["amount"] for item in told["items"] if item["amount"]}


async def test_a_risk_against_an_earlier_time() -> None:
    told = (await attributed_result(attribution_query(EARLIER, "kidney-failure-risk-5y")))["told"]
    assert told["scale"] == "LOG_ODDS"
    assert told["base"] == pytest.approx(odds(told["baseValue"]), abs=1e-12)
    assert told["output"] == pytest.approx(odds(told["outputValue"]), abs=1e-12)
    assert set(amounts(told)) == {"serum-creatinine", "recorded-uacr", "age"}
    assert sum(amounts(told).values()) == pytest.approx(told["output"] - told["base"], abs=1e-9)
    assert abs(told["residual"]) < 1e-9
    assert told["text"].startswith("Risk of kidney failure within 5 years is now 22.5 %, it was 3.5 % on 2026-03-03")
    assert "What moved the estimate: serum creatinine 1.4 → 1.9 mg/dL most (up)" in told["text"]
    assert "albumin-creatinine ratio 120 → 410 mg/g less so (up)" in told["text"]
    assert "age 65.9 → 66.2 years hardly" in told["text"]
    assert "because" not in told["text"]
    assert told["stayed"] == []
    assert {way["concept"]["id"] for way in told["between"]} == {"egfr", "uacr"}
    way = next(way for way in told["between"] if way["concept"]["id"] == "egfr")
    assert (way["concept"]["id"], round(way["from"]["value"]), round(way["to"]["value"])) == ("egfr", 42, 29)
    assert "On the way: estimated GFR 42 → 29 mL/min/1.73 m²" in told["text"]
    first = told["items"][0]
    assert first["recordsBefore"] == [{"id": "cr-1", "version": "1"}]
    assert first["records"] == [{"id": "cr-2", "version": "1"}]
    assert (first["effectiveBefore"], first["effective"]) == ("2026-02-20T08:00:00+00:00", "2026-06-20T08:00:00+00:00")


async def test_it_was_then_what_the_question_tells_then() -> None:
    async with open_endpoint(cache={"enabled": False}) as (endpoint, _):
        then = attribution_query(EARLIER, "kidney-failure-risk-5y").replace(AT, SINCE).replace(EARLIER, "attribution")
        told, _ = await endpoint.run(then.replace("chain", f"value {VALUE} chain"))
        now, _ = await endpoint.run(attribution_query(EARLIER, "kidney-failure-risk-5y"))
    (earlier,), (answer,) = (each["data"]["patient"]["results"] for each in (told, now))
    assert answer["told"]["baseValue"] == earlier["value"]


async def test_against_usual_values() -> None:
    told = (await attributed_result(attribution_query("attribution", "egfr")))["told"]
    assert told["scale"] == EGFR_UNIT
    assert {s["concept"]["id"]: s["why"] for s in told["stayed"]} == {
        "birth-date": "no reference value",
        "sex": "no reference value",
    }
    assert list(amounts(told)) == ["serum-creatinine"]
    (item,) = (i for i in told["items"] if i["amount"])
    assert item["from"] == {"__typename": "Quantity", "value": 0.9, "unit": "mg/dL"}
    assert item["recordsBefore"] == []
    assert item["usual"] == "usual in an adult"
    assert told["baseline"] == "usual values, where the inputs have one"
    assert told["text"].endswith("Unchanged: age and sex for clinical use (no usual value).")


async def test_what_decides_whether_it_applies_stays() -> None:
    """No risk of kidney failure is told at a usual creatinine: the rest is compared."""
    told = (await attributed_result(attribution_query("attribution", "kidney-failure-risk-5y")))["told"]
    assert list(amounts(told)) == ["recorded-uacr"]
    assert {s["concept"]["id"]: s["why"] for s in told["stayed"]}["serum-creatinine"] == (
        "the result would not apply at the usual value"
    )
    assert "; with usual values of the other inputs it would be " in told["text"]
    assert "serum creatinine (the result would not apply at the usual value)" in told["text"]
    assert abs(told["residual"]) < 1e-9


async def test_a_what_if_against_the_record() -> None:
    given = '{ concept: "serum-creatinine", quantity: { value: 1.0, unit: "mg/dL" } }'
    told = (await attributed_result(attribution_query("attribution(baseline: ACTUAL)", "egfr", given)))["told"]
    (item,) = (i for i in told["items"] if i["amount"])
    assert item["assumed"]
    assert item["recordsBefore"] == [{"id": "cr-2", "version": "1"}]
    assert item["records"] == []
    assert told["text"].startswith(
        "Estimated GFR is 62 mL/min/1.73 m² on the assumption, 29 mL/min/1.73 m² by the record"
    )
    assert told["text"].endswith("the formula's output for these inputs, not the expected effect of treatment.")


async def test_a_what_if_of_a_computed_input_is_compared_with_what_is_computed_from_the_record() -> None:
    given = f'{{ concept: "egfr", quantity: {{ value: 50, unit: "{EGFR_UNIT}" }} }}'
    told = (
        await attributed_result(attribution_query("attribution(baseline: ACTUAL)", "kidney-failure-risk-5y", given))
    )["told"]
    assert list(amounts(told)) == ["egfr"]
    (item,) = (i for i in told["items"] if i["amount"])
    assert round(item["from"]["value"]) == 29
    assert (item["to"]["value"], item["assumed"]) == (50, True)


async def test_a_code_is_told_by_what_it_hangs_on_and_what_flipped() -> None:
    told = (await attributed_result(attribution_query(EARLIER, "gfr-category")))["told"]
    assert (told["scale"], told["base"], told["output"], told["residual"]) == ("CODE", 0, 0, 0)
    assert (told["baseValue"]["code"], told["outputValue"]["code"]) == ("G3b", "G4")
    assert [(i["concept"]["id"], i["alone"], i["needed"]) for i in told["items"]] == [("serum-creatinine", True, True)]
    assert told["flipped"] == ["GFR category: eGFR 15 to below 30, instead of eGFR 30 to below 45"]


async def test_what_was_missing_then_stays_and_is_named() -> None:
    records = [record for record in CHART if record["id"] != "u-1"]
    told = (await attributed_result(attribution_query(EARLIER, "kidney-failure-risk-5y"), records))["told"]
    assert set(amounts(told)) == {"serum-creatinine", "age"}
    assert [(s["concept"]["id"], s["why"]) for s in told["stayed"]] == [("recorded-uacr", "missing at the baseline")]
    assert "it had no value on 2026-03-03" in told["text"]
    assert "taken as it is now" in told["text"]


async def test_what_was_not_issued_then_was_not_known_then() -> None:
    records = [*CHART, creatinine(3.0, "2026-03-01T08:00:00Z", id="cr-late", issued="2026-03-09T08:00:00Z")]
    told = (await attributed_result(attribution_query(EARLIER, "egfr"), records))["told"]
    (item,) = (i for i in told["items"] if i["concept"]["id"] == "serum-creatinine" and i["amount"])
    assert item["from"]["value"] == 1.4


async def told(selection: str) -> dict[str, Any]:
    query = f'{{ patient(id: "p1") {{ results(of: ["kidney-failure-risk-5y"], at: "{AT}") {{ {selection} }} }} }}'
    async with open_endpoint() as (graphql, _):
        answer, _ = await graphql.run(query, {})
    found: dict[str, Any] = answer["data"]["patient"]["results"][0]
    return found


@pytest.mark.parametrize(("form", "name"), [("TURTLE", "turtle"), ("JSON_LD", "json-ld")])
async def test_what_was_asked_is_in_it(form: str, name: str) -> None:
    result = await told(f"provenance(format: {form}) usual: attribution {{ base }} then: {EARLIER} {{ base output }}")
    (said,) = read_export(result["provenance"], name)
    usual, then = said.attributions
    assert (usual.since, float(usual.base)) == (None, result["usual"]["base"])
    assert then.since is not None
    assert (float(then.base), float(then.output)) == (result["then"]["base"], result["then"]["output"])
    moved = sum((item.amount for item in then.items), Decimal(0))
    assert abs(moved - (then.output - then.base)) < Decimal("1e-9")


async def test_what_was_not_asked_is_not() -> None:
    assert read_export((await told("provenance"))["provenance"], "turtle")[0].attributions == ()


async def test_it_is_valid_with_them() -> None:
    text = (await told(f"provenance usual: attribution {{ base }} then: {EARLIER} {{ base }}"))["provenance"]
    assert constraint_violations(Graph().parse(data=text, format="turtle")) == []

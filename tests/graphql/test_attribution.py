"""Attribution over GraphQL: what moved a result, in the words and numbers of the whole chain."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from math import log
from typing import Any

import pytest

from server.executor.engine import Engine
from server.graphql.endpoint import GraphQL
from server.graphql.limits import Limits
from server.settings import Settings
from tests.support.asking import shipped
from tests.support.charts import creatinine, patient, uacr
from tests.support.fhir_server import BASE, FakeFhir

Json = dict[str, Any]
AT, SINCE = "2026-06-30T12:00:00Z", "2026-03-03T12:00:00Z"
CHART = (
    patient(),
    creatinine(1.4, "2026-02-20T08:00:00Z", id="cr-1"),
    creatinine(1.9, "2026-06-20T08:00:00Z", id="cr-2"),
    uacr(120, "2026-02-20T08:00:00Z", id="u-1"),
    uacr(410, "2026-06-20T08:00:00Z", id="u-2"),
)
BETTER_THEN = (*CHART[:1], creatinine(0.8, "2026-02-20T08:00:00Z", id="cr-1"), *CHART[2:])
"""An eGFR at which the risk did not hold then."""
VALUE = (
    "{ __typename ... on Quantity { value unit } ... on Coding { code } ... on Flag { is } ... on Absent { reason } }"
)
WHOLE = f"""
  scale baseline base output residual text flipped
  baseValue {VALUE} outputValue {VALUE}
  items {{ concept {{ id }} slot from {VALUE} to {VALUE} amount error effective effectiveBefore
    assumed alone needed usual records {{ id version }} recordsBefore {{ id version }} }}
  stayed {{ concept {{ id }} slot why value {VALUE} }}
  groups {{ text amount error items {{ slot amount }} }}
  between {{ concept {{ id }} from {VALUE} to {VALUE} }}
"""
EARLIER = f'attribution(baseline: EARLIER, since: "{SINCE}")'
EGFR_UNIT = "mL/min/{1.73_m2}"


def query(field: str, of: str, assume: str = "", selection: str = WHOLE) -> str:
    given = f", assume: [{assume}]" if assume else ""
    return (
        f'query {{ patient(id: "p1") {{ results(of: ["{of}"], at: "{AT}"{given}) {{'
        f" status text issues {{ code text }} chain {{ reason module {{ id }} }}"
        f" told: {field} {{ {selection} }} }} }} }}"
    )


@asynccontextmanager
async def served(records: Iterable[Json] = CHART, **settings: Any) -> AsyncIterator[tuple[GraphQL, FakeFhir]]:
    fake = FakeFhir(records)
    given = {"sources": [{"id": "ehr", "base_url": BASE}], "site": {"north_america": True}, **settings}
    loaded = Settings.model_validate(given)
    async with await Engine.open(loaded, shipped(), fake.client()) as engine:
        yield GraphQL(engine, loaded.server), fake


async def result(text: str, records: Iterable[Json] = CHART) -> Json:
    async with served(records, cache={"enabled": False}) as (endpoint, _):
        told, status = await endpoint.run(text)
    assert (told.get("errors"), status) == (None, 200)
    (found,) = told["data"]["patient"]["results"]
    return dict(found)


def odds(value: Json) -> float:
    return log(value["value"] / (100 - value["value"]))


def amounts(told: Json) -> dict[str, float]:
    return {item["concept"]["id"]: item["amount"] for item in told["items"] if item["amount"]}


async def test_a_risk_against_an_earlier_time() -> None:
    told = (await result(query(EARLIER, "kidney-failure-risk-5y")))["told"]
    assert told["scale"] == "LOG_ODDS"
    assert told["base"] == pytest.approx(odds(told["baseValue"]), abs=1e-12)
    assert told["output"] == pytest.approx(odds(told["outputValue"]), abs=1e-12)
    assert set(amounts(told)) == {"serum-creatinine", "uacr", "age"}
    assert sum(amounts(told).values()) == pytest.approx(told["output"] - told["base"], abs=1e-9)
    assert abs(told["residual"]) < 1e-9
    assert told["text"].startswith("Risk of kidney failure within 5 years is now 22.5 %, it was 3.5 % on 2026-03-03")
    assert "What moved the estimate: serum creatinine 1.4 → 1.9 mg/dL most (up)" in told["text"]
    assert "urine albumin-creatinine ratio 120 → 410 mg/g less (up)" in told["text"]
    assert "age 66.0 → 66.3 years hardly" in told["text"]
    assert "because" not in told["text"]
    assert told["stayed"] == []
    (way,) = told["between"]
    assert (way["concept"]["id"], round(way["from"]["value"]), round(way["to"]["value"])) == ("egfr", 42, 29)
    assert "On the way: estimated GFR 42 → 29 mL/min/1.73 m²." in told["text"]
    first = told["items"][0]
    assert first["recordsBefore"] == [{"id": "cr-1", "version": "1"}]
    assert first["records"] == [{"id": "cr-2", "version": "1"}]
    assert (first["effectiveBefore"], first["effective"]) == ("2026-02-20T08:00:00+00:00", "2026-06-20T08:00:00+00:00")


async def test_it_was_then_what_the_question_tells_then() -> None:
    async with served(cache={"enabled": False}) as (endpoint, _):
        then = query(EARLIER, "kidney-failure-risk-5y").replace(AT, SINCE).replace(EARLIER, "attribution")
        told, _ = await endpoint.run(then.replace("chain", f"value {VALUE} chain"))
        now, _ = await endpoint.run(query(EARLIER, "kidney-failure-risk-5y"))
    (earlier,), (answer,) = (each["data"]["patient"]["results"] for each in (told, now))
    assert answer["told"]["baseValue"] == earlier["value"]


async def test_against_usual_values() -> None:
    told = (await result(query("attribution", "egfr")))["told"]
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
    assert told["text"].endswith("Left as they are: age and sex for clinical use (no usual value).")


async def test_what_decides_whether_it_applies_stays() -> None:
    """No risk of kidney failure is told at a usual creatinine: the rest is compared."""
    told = (await result(query("attribution", "kidney-failure-risk-5y")))["told"]
    assert list(amounts(told)) == ["uacr"]
    assert {s["concept"]["id"]: s["why"] for s in told["stayed"]}["serum-creatinine"] == (
        "the result would not apply at the usual value"
    )
    assert "; with usual values of the other inputs it would be " in told["text"]
    assert "serum creatinine (the result would not apply at the usual value)" in told["text"]
    assert abs(told["residual"]) < 1e-9


async def test_a_what_if_against_the_record() -> None:
    given = '{ concept: "serum-creatinine", quantity: { value: 1.0, unit: "mg/dL" } }'
    told = (await result(query("attribution(baseline: ACTUAL)", "egfr", given)))["told"]
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
    told = (await result(query("attribution(baseline: ACTUAL)", "kidney-failure-risk-5y", given)))["told"]
    assert list(amounts(told)) == ["egfr"]
    (item,) = (i for i in told["items"] if i["amount"])
    assert round(item["from"]["value"]) == 29
    assert (item["to"]["value"], item["assumed"]) == (50, True)


async def test_a_code_is_told_by_what_it_hangs_on_and_what_flipped() -> None:
    told = (await result(query(EARLIER, "gfr-category")))["told"]
    assert (told["scale"], told["base"], told["output"], told["residual"]) == ("CODE", 0, 0, 0)
    assert (told["baseValue"]["code"], told["outputValue"]["code"]) == ("G3b", "G4")
    assert [(i["concept"]["id"], i["alone"], i["needed"]) for i in told["items"]] == [("serum-creatinine", True, True)]
    assert told["flipped"] == ["GFR category: eGFR 15 to below 30 (at the baseline: eGFR 30 to below 45)"]


async def test_what_was_missing_then_stays_and_is_named() -> None:
    records = [record for record in CHART if record["id"] != "u-1"]
    told = (await result(query(EARLIER, "kidney-failure-risk-5y"), records))["told"]
    assert set(amounts(told)) == {"serum-creatinine", "age"}
    assert [(s["concept"]["id"], s["why"]) for s in told["stayed"]] == [("uacr", "missing at the baseline")]
    assert "it had no value on 2026-03-03" in told["text"]
    assert "taken as it is now" in told["text"]


async def test_what_was_not_issued_then_was_not_known_then() -> None:
    records = [*CHART, creatinine(3.0, "2026-03-01T08:00:00Z", id="cr-late", issued="2026-03-09T08:00:00Z")]
    told = (await result(query(EARLIER, "egfr"), records))["told"]
    (item,) = (i for i in told["items"] if i["concept"]["id"] == "serum-creatinine" and i["amount"])
    assert item["from"]["value"] == 1.4


@pytest.mark.parametrize(
    ("of", "field", "records", "status", "why"),
    [
        ("kidney-failure-risk-5y", EARLIER, BETTER_THEN, "COMPLETE", "no value at the baseline"),
        ("age", "attribution", CHART, "COMPLETE", "none of its inputs has a usual value"),
        ("egfr", EARLIER, CHART[:1], "INSUFFICIENT", "has no value"),
        ("egfr", EARLIER, (patient("2015-01-01"), *CHART[1:]), "NOT_APPLICABLE", "has no value"),
        ("serum-creatinine", EARLIER, CHART, "COMPLETE", "is read, not computed"),
        ("egfr", "attribution(baseline: ACTUAL)", CHART, "COMPLETE", "nothing was assumed"),
    ],
)
async def test_where_it_cannot_be_told_an_issue_says_why(
    of: str, field: str, records: tuple[Json, ...], status: str, why: str
) -> None:
    found = await result(query(field, of), records)
    assert found["told"] is None
    assert found["status"] == status
    (issue,) = (each for each in found["issues"] if each["code"] == "not-attributed")
    assert why in issue["text"]


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("attribution(baseline: EARLIER)", "since-required"),
        (f'attribution(since: "{SINCE}")', "since-unwanted"),
        (f'attribution(baseline: EARLIER, since: "{AT}")', "since-not-earlier"),
        ('attribution(baseline: EARLIER, since: "1700-01-01T00:00:00Z")', "since-not-earlier"),
        ('attribution(baseline: EARLIER, since: "2026-01-01T00:00:00")', None),
        (" ".join(f"{{ text }} a{d}: {EARLIER.replace('-03-03', f'-03-0{d}')}" for d in range(4, 9)), None),
    ],
)
async def test_comparisons_that_cannot_be_made_are_refused(field: str, code: str | None) -> None:
    if " a4: " in field:
        code, field = "too-many-comparisons", f"attribution {field}"
    async with served(cache={"enabled": False}) as (endpoint, fake):
        before = len(fake.requests)
        told, _ = await endpoint.run(query(field, "egfr", selection="text"))
        assert not [r for r in fake.requests[before:] if "metadata" not in r.url.path]
    assert told["errors"]
    if code is not None:
        assert [each["extensions"]["code"] for each in told["errors"]] == [code]


async def test_the_comparison_is_found_in_fragments_and_by_variables() -> None:
    text = """
      query Q($since: DateTime, $b: Baseline) { patient(id: "p1") { results(of: ["egfr"], at: "%s") { ...f } } }
      fragment f on Result { ... on Result { one: attribution(baseline: $b, since: $since) { base } } }
    """
    async with served(cache={"enabled": False}) as (endpoint, _):
        told, status = await endpoint.run(text % AT, {"since": SINCE, "b": "EARLIER"})
    assert status == 200
    assert told["data"]["patient"]["results"][0]["one"]["base"] == pytest.approx(41.5, abs=1)


@pytest.mark.parametrize(
    ("left", "there"), [("@include(if: $no)", 0), ("@skip(if: $yes)", 0), ("@include(if: $yes)", 1), ("", 1)]
)
async def test_a_comparison_that_directives_leave_out_is_not_asked_for(left: str, there: int) -> None:
    text = query(f"attribution(baseline: EARLIER, since: $since) {left}", "egfr", selection="base")
    declared = ", ".join(f"${name}: Boolean!" for name in ("no", "yes") if f"${name}" in left)
    text = text.replace("query {", f"query({declared} $since: DateTime) {{", 1)
    variables = {"no": False, "yes": True, "since": SINCE if there else None}
    async with served(cache={"enabled": False}) as (endpoint, _):
        told, status = await endpoint.run(text, variables)
    assert status == 200, told
    (result,) = told["data"]["patient"]["results"]
    assert ("told" in result) is bool(there)


async def test_it_is_answered_from_the_same_records_read_as_far_back_as_needed() -> None:
    def searches(fake: FakeFhir) -> list[Any]:
        return [r.url for r in fake.requests if r.url.path.endswith("/Observation")]

    async with served(cache={"enabled": False}) as (endpoint, fake):
        await endpoint.run(query(EARLIER, "egfr"))
        (found,) = searches(fake)
    since = [value.removeprefix("ge")[:10] for value in found.params.get_list("date") if value.startswith("ge")]
    assert since
    assert since[0] <= "2025-12-03"


async def test_a_comparison_leaves_nothing_to_compare_with_later() -> None:
    async with served() as (endpoint, _):
        for _ in range(2):
            told, _ = await endpoint.run(query(EARLIER, "egfr"))
        (found,) = told["data"]["patient"]["results"]
        assert {step["reason"] for step in found["chain"]} == {"reused"}
        plain = query(EARLIER, "egfr").replace("told: " + EARLIER + " { " + WHOLE + " }", "")
        again, _ = await endpoint.run(plain)
        assert {step["reason"] for step in again["data"]["patient"]["results"][0]["chain"]} == {"reused"}


async def test_it_counts_as_many_fields() -> None:
    text = query("attribution", "egfr", selection="text")
    async with served(cache={"enabled": False}) as (endpoint, _):
        endpoint.documents.limits = Limits(depth=20, complexity=40, aliases=10)
        told, status = await endpoint.run(text)
    assert status == 400
    assert told["errors"][0]["extensions"]["code"] == "query-too-complex"

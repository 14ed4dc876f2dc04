"""With what a query may have a result compared: refused, left out, found in fragments, and from which records."""

from typing import Any

import pytest

from server.graphql.limits import Limits
from tests.support.attribution_queries import (
    AT,
    BETTER_THEN,
    CHART,
    EARLIER,
    FULL_SELECTION,
    SINCE,
    Json,
    attributed_result,
    attribution_query,
    open_endpoint,
)
from tests.support.charts import patient
from tests.support.fake_fhir_servers import FakeFhir


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
    found = await attributed_result(attribution_query(field, of), records)
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
    async with open_endpoint(cache={"enabled": False}) as (endpoint, fake):
        before = len(fake.requests)
        told, _ = await endpoint.run(attribution_query(field, "egfr", selection="text"))
        assert not [r for r in fake.requests[before:] if "metadata" not in r.url.path]
    assert told["errors"]
    if code is not None:
        assert [each["extensions"]["code"] for each in told["errors"]] == [code]


async def test_the_comparison_is_found_in_fragments_and_by_variables() -> None:
    text = """
      query Q($since: DateTime, $b: Baseline) { patient(id: "p1") { results(of: ["egfr"], at: "%s") { ...f } } }
      fragment f on Result { ... on Result { one: attribution(baseline: $b, since: $since) { base } } }
    """
    async with open_endpoint(cache={"enabled": False}) as (endpoint, _):
        told, status = await endpoint.run(text % AT, {"since": SINCE, "b": "EARLIER"})
    assert status == 200
    assert told["data"]["patient"]["results"][0]["one"]["base"] == pytest.approx(41.5, abs=1)


@pytest.mark.parametrize(
    ("left", "there"), [("@include(if: $no)", 0), ("@skip(if: $yes)", 0), ("@include(if: $yes)", 1), ("", 1)]
)
async def test_a_comparison_that_directives_leave_out_is_not_asked_for(left: str, there: int) -> None:
    text = attribution_query(f"attribution(baseline: EARLIER, since: $since) {left}", "egfr", selection="base")
    declared = ", ".join(f"${name}: Boolean!" for name in ("no", "yes") if f"${name}" in left)
    text = text.replace("query {", f"query({declared} $since: DateTime) {{", 1)
    variables = {"no": False, "yes": True, "since": SINCE if there else None}
    async with open_endpoint(cache={"enabled": False}) as (endpoint, _):
        told, status = await endpoint.run(text, variables)
    assert status == 200, told
    (result,) = told["data"]["patient"]["results"]
    assert ("told" in result) is bool(there)


async def test_it_is_answered_from_the_same_records_read_as_far_back_as_needed() -> None:
    def searches(fake: FakeFhir) -> list[Any]:
        return [r.url for r in fake.requests if r.url.path.endswith("/Observation")]

    async with open_endpoint(cache={"enabled": False}) as (endpoint, fake):
        await endpoint.run(attribution_query(EARLIER, "egfr"))
        (found,) = searches(fake)
    since = [value.removeprefix("ge")[:10] for value in found.params.get_list("date") if value.startswith("ge")]
    assert since
    assert since[0] <= "2025-12-03"


async def test_a_comparison_leaves_nothing_to_compare_with_later() -> None:
    async with open_endpoint() as (endpoint, _):
        for _ in range(2):
            told, _ = await endpoint.run(attribution_query(EARLIER, "egfr"))
        (found,) = told["data"]["patient"]["results"]
        assert {step["reason"] for step in found["chain"]} == {"reused"}
        plain = attribution_query(EARLIER, "egfr").replace("told: " + EARLIER + " { " + FULL_SELECTION + " }", "")
        again, _ = await endpoint.run(plain)
        assert {step["reason"] for step in again["data"]["patient"]["results"][0]["chain"]} == {"reused"}


async def test_it_counts_as_many_fields() -> None:
    text = attribution_query("attribution", "egfr", selection="text")
    async with open_endpoint(cache={"enabled": False}) as (endpoint, _):
        endpoint.documents.limits = Limits(depth=20, complexity=40, aliases=10)
        told, status = await endpoint.run(text)
    assert status == 400
    assert told["errors"][0]["extensions"]["code"] == "query-too-complex"

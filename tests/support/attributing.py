"""Questions over GraphQL about what moved a result, answered from a chart with two times."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from server.executor.engine import Engine
from server.graphql.endpoint import GraphQL
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

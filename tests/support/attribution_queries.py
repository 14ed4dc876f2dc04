"""GraphQL queries about what moved a result, and an endpoint over a chart with two times that answers them."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from server.executor.engine import Engine
from server.graphql.endpoint import GraphQL
from server.settings import Settings
from tests.support.charts import creatinine, patient, uacr
from tests.support.engine_questions import shipped
from tests.support.fake_fhir_servers import BASE, FakeFhir

Json = dict[str, Any]
AT, SINCE = "2026-06-30T12:00:00Z", "2026-03-03T12:00:00Z"
CHART = (
    patient(),
    creatinine(1.4, "2026-02-20T08:00:00Z", id="cr-1"),
    creatinine(1.9, "2026-06-20T08:00:00Z", id="cr-2"),
    uacr(120, "2026-02-20T08:00:00Z", id="u-1"),
    uacr(410, "2026-06-20T08:00:00Z", id="u-2"),
)
BETTER_THEN = (
    CHART[0],
    creatinine(1.0, "2026-02-20T08:00:00Z", id="cr-1"),
    creatinine(1.4, "2026-06-20T08:00:00Z", id="cr-2"),
    *CHART[3:],
)
"""An eGFR at which the risk did not hold then, and no acute rise since."""
VALUE = (
    "{ __typename ... on Quantity { value unit } ... on Coding { code } ... on Flag { is } ... on Absent { reason } }"
)
FULL_SELECTION = f"""
  scale baseline base output residual text flipped
  baseValue {VALUE} outputValue {VALUE}
  items {{ concept {{ id }} slot from {VALUE} to {VALUE} amount error effective effectiveBefore
    assumed alone needed usual records {{ id: logicalId version }} recordsBefore {{ id: logicalId version }} }}
  stayed {{ concept {{ id }} slot why value {VALUE} }}
  groups {{ text amount error items {{ slot amount }} }}
  between {{ concept {{ id }} from {VALUE} to {VALUE} }}
"""
EARLIER = f'attribution(baseline: EARLIER, since: "{SINCE}")'
EGFR_UNIT = "mL/min/{1.73_m2}"


def attribution_query(field: str, of: str, assume: str = "", selection: str = FULL_SELECTION) -> str:
    given = f", assume: [{assume}]" if assume else ""
    return (
        f'query {{ patient(id: "p1") {{ results(of: ["{of}"], at: "{AT}"{given}) {{'
        f" status text issues {{ code text }} chain {{ reason module {{ id }} }}"
        f" told: {field} {{ {selection} }} }} }} }}"
    )


@asynccontextmanager
async def open_endpoint(records: Iterable[Json] = CHART, **settings: Any) -> AsyncIterator[tuple[GraphQL, FakeFhir]]:
    fake = FakeFhir(records)
    given = {"sources": [{"id": "ehr", "base_url": BASE}], "site": {"north_america": True}, **settings}
    loaded = Settings.model_validate(given)
    async with await Engine.open(loaded, shipped(), fake.client()) as engine:
        yield GraphQL(engine, loaded.server), fake


async def attributed_result(text: str, records: Iterable[Json] = CHART) -> Json:
    async with open_endpoint(records, cache={"enabled": False}) as (endpoint, _):
        told, status = await endpoint.run(text)
    assert (told.get("errors"), status) == (None, 200)
    (found,) = told["data"]["patient"]["results"]
    return dict(found)

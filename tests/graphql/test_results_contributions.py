"""Contributions of a step: each slot with its points, and with the value that the step's ground has."""

from server.executor.engine import Engine
from server.graphql.endpoint import GraphQL
from server.settings import Settings
from tests.support.charts import lab, patient
from tests.support.engine_questions import shipped
from tests.support.fake_fhir_servers import BASE, FakeFhir

NOW = "2026-06-30T11:50:00Z"
VALUE = "value { ... on Quantity { value unit } ... on Flag { is } ... on Coding { code } ... on Absent { reason } }"
QUERY = f"""{{ patient(id: "p1") {{ results(of: ["news2"], at: "2026-06-30T12:00:00Z") {{ chain {{
  grounds {{ slot {VALUE} }}
  contributions {{ scale base output residual background items {{ slot amount {VALUE} }} }} }} }} }} }}"""


async def test_each_contribution_has_the_value_of_its_slot() -> None:
    records = [patient(), lab("9279-1", 26, "/min", NOW), lab("59408-5", 93, "%", NOW), lab("8867-4", 80, "/min", NOW)]
    settings = Settings.model_validate({"sources": [{"id": "ehr", "base_url": BASE}], "cache": {"enabled": False}})
    async with await Engine.open(settings, shipped(), FakeFhir(records).client()) as engine:
        answer, status = await GraphQL(engine, settings.server).run(QUERY, {})
    assert (answer.get("errors"), status) == (None, 200)
    (result,) = answer["data"]["patient"]["results"]
    step = result["chain"][-1]
    found = step["contributions"]
    assert (found["scale"], found["base"], found["background"]) == ("POINTS", 0, "no points")
    points = {item["slot"]: item["amount"] for item in found["items"]}
    assert points["respiratory_rate"] == 3
    assert found["output"] == sum(points.values()) + found["residual"]
    values = {ground["slot"]: ground["value"] for ground in step["grounds"]}
    assert {item["slot"]: item["value"] for item in found["items"]} == {slot: values[slot] for slot in points}
    assert values["respiratory_rate"] == {"value": 26, "unit": "/min"}

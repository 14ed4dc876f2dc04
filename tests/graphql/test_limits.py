"""What all questions of one request may cost together."""

from datetime import timedelta
from typing import Any

import pytest

from server.graphql.endpoint import GraphQL
from tests.support.charts import creatinine, patient
from tests.support.engine_questions import AT
from tests.support.fake_fhir_servers import FaultyFhir, engine_over

EGFR = 'results(of: ["egfr"]) { text }'
SERUM = 'results(of: ["serum-creatinine"]) { text value { ... on Absent { reason } } }'
EARLIER, NOW = (AT - timedelta(days=60)).isoformat(), AT.isoformat()
COURSE = f'timeline(of: "egfr", from: "{EARLIER}", to: "{NOW}") {{ ran }}'


def chart(count: int) -> list[dict[str, Any]]:
    days = ((AT - timedelta(days=1 + number)).isoformat() for number in range(count))
    return [patient(), *(creatinine(1.0 + number / 100, day, id=f"o{number}") for number, day in enumerate(days))]


async def told(fields: str, times: int = 1, **settings: int) -> list[dict[str, Any]]:
    async with engine_over(FaultyFhir(chart(9)), cache={"enabled": False}, server=settings) as engine:
        endpoint = GraphQL(engine, engine.settings.server)
        return [(await endpoint.run(f'{{ patient(id: "p1") {{ {fields} }} }}'))[0] for _ in range(times)]


@pytest.mark.parametrize(
    ("fields", "limit", "code"),
    [
        (f"a: {EGFR} b: {EGFR}", 7, "too-many-executions"),
        (f"a: {EGFR} b: {EGFR}", 8, None),
        (COURSE, 20, "too-many-executions"),
        (COURSE, 200, None),
    ],
)
async def test_aliases_and_times_of_a_request_count_together(fields: str, limit: int, code: str | None) -> None:
    # Each request has a budget of its own: the second fares as the first did.
    for answer in await told(fields, times=2, max_executions=limit):
        assert [error["extensions"]["code"] for error in answer.get("errors", [])] == ([code] if code else [])


@pytest.mark.parametrize(("limit", "reasons"), [(15, [None, "UNREACHABLE"]), (20, [None, None])])
async def test_all_questions_of_a_request_read_from_one_allowance(limit: int, reasons: list[str | None]) -> None:
    (answer,) = await told(f"a: {SERUM} b: {SERUM}", max_records=limit)
    found = [result["value"].get("reason") for each in answer["data"]["patient"].values() for result in each]
    assert sorted(found, key=str) == reasons

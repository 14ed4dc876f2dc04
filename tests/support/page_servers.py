"""The pages as they are served over a chart: searches and single records of one FHIR server that is not there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from server.graphql.full_query import FULL_QUERY_WITH_ATTRIBUTION
from tests.support.fake_fhir_servers import FHIR, FakeFhir
from tests.support.served_application import serving
from tests.support.synthetic_answers import LONG_DEADLINE, synthetic_charts

AT, SINCE = "2026-06-30T12:00:00+00:00", "2025-06-30T12:00:00+00:00"
Json = dict[str, Any]
_TIMELINE = """query Course($patient: ID!, $of: ID!, $from: DateTime!, $to: DateTime!) {
  patient(id: $patient) { banner { born { start end } } timeline(of: $of, from: $from, to: $to, atMost: 24) { points {
    at status text value { __typename ... on Quantity { value unit display } } } } } }"""


class ChartServer(FakeFhir):
    """As its base; and gives a single record by its type and id. ``gone``: paths that are answered with 404."""

    def __init__(self, records: Iterable[Mapping[str, Any]], gone: Iterable[str] = ()) -> None:
        super().__init__(records)
        self.gone = frozenset(gone)

    def answer(self, request: httpx.Request) -> httpx.Response:
        kind, _, named = request.url.path.removeprefix("/fhir/").partition("/")
        name, _, version = named.partition("/_history/")
        if not name or self.down:
            return super().answer(request)
        self.requests.append(request)
        found = [each for each in self.records if (each["resourceType"], each["id"]) == (kind, name)]
        if f"{kind}/{name}" in self.gone or version not in ("", "1") or not found:
            return httpx.Response(404, json={"resourceType": "OperationOutcome"})
        return httpx.Response(200, json={"meta": {"versionId": "1"}, **found[0]}, headers=FHIR)


@asynccontextmanager
async def serving_chart(
    chart: str | Iterable[Mapping[str, Any]], fhir: ChartServer | None = None, **settings: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application over the records of a synthetic patient (by name), or over these."""
    records = synthetic_charts()[chart] if isinstance(chart, str) else chart
    settings = {"site": {"north-america": True}, "server": LONG_DEADLINE, **settings}
    async with serving(fhir or ChartServer(records), **settings) as client:
        yield client


def answer_path(patient: str, concept: str, since: str | None = SINCE) -> str:
    """The path of an argument page."""
    query = httpx.QueryParams({"at": AT} if since is None else {"at": AT, "since": since})
    return f"/patients/ehr/{patient}/answer/{concept}?{query}"


async def graphql_answers(client: httpx.AsyncClient, patient: str, concept: str, since: str = SINCE) -> list[Json]:
    """All that GraphQL says of an answer: attributed to an earlier time and to usual values, and over time."""
    found = []
    asked: Json = {"patient": patient, "of": [concept], "at": AT}
    for more in ({"baseline": "EARLIER", "since": since}, {"baseline": "REFERENCE"}):
        found.append(await _post(client, FULL_QUERY_WITH_ATTRIBUTION, asked | more))
    course = {"patient": patient, "of": concept, "from": "2023-07-01T12:00:00Z", "to": AT}
    return [*found, await _post(client, _TIMELINE, course)]


async def _post(client: httpx.AsyncClient, query: str, variables: Json) -> Json:
    response = await client.post("/graphql", json={"query": query, "variables": variables})
    content: Json = response.json()
    assert "errors" not in content, content
    return content

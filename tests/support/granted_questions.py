"""Questions of callers with checked tokens, put to the GraphQL endpoint over FHIR servers that are functions."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx

from server.access.grant import Grant
from server.executor.engine import Engine
from server.graphql.endpoint import GraphQL
from tests.support.charts import creatinine, patient
from tests.support.engine_questions import shipped
from tests.support.multi_source_servers import Servers
from tests.support.settings import make_settings

Json = dict[str, Any]
OURS = "https://cds.example/graphql"
DAY = "2026-06-02T12:00:00Z"
WHEN = "2026-06-01T08:30:00Z"
KEPT = {"patient": 300, "observation": 300, "condition": 300}
TOKEN = "header.payload.signature"


def make_grant(patient: str | None = "p1", **changes: Any) -> Grant:
    """A token of the issuer of ``ehr``, for one patient and everything of theirs, to be used here.

    With other sources, too, the patient is one of ``ehr`` if that is among them.
    """
    audience = frozenset({OURS})
    sources = changes.get("sources", frozenset({"ehr"}))
    made = Grant(
        issuer="as",
        subject="user-1",
        client="app",
        sources=sources,
        patient=patient,
        patient_source="ehr" if "ehr" in sources else next(iter(sources), ""),
        any_patient=False,
        scope="patient/*.rs",
        audience=audience,
        own_audience=audience,
        expires=4e9,
        token=TOKEN,
    )
    return replace(made, **changes)


def source(id: str, **more: Any) -> Json:  # noqa: A002
    """The settings of a source, whose host has its id."""
    return {"id": id, "base_url": f"https://{id}.example/fhir", **more}


def kidney(of: str, value: float, **more: Any) -> list[Json]:
    """A patient with one creatinine."""
    return [patient(id=of, **more), creatinine(value, WHEN, id=f"o-{of}", of=of)]


def query(of: str = "p1", *concepts: str, source: str | None = None) -> str:
    """A query for concepts, with whatever an answer can show."""
    named = f', source: "{source}"' if source else ""
    wanted = json.dumps(concepts or ("egfr", "serum-creatinine"))
    return (
        f"{{ patient(id: {json.dumps(of)}{named}) {{ reference results(of: {wanted}, at: {json.dumps(DAY)}) {{"
        " status text value { ... on Absent { reason } ... on Flag { is } ... on Quantity { value } }"
        " chain { module { id } reused reason } records { id } issues { code text } } } }"
    )


class SeenRequests(Servers):
    """Keeps the Authorization headers as well: by host, of all requests that carried one."""

    def __init__(self, **records: Iterable[Mapping[str, Any]]) -> None:
        super().__init__(**records)
        self.tokens: list[tuple[str, str]] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if (sent := request.headers.get("authorization")) is not None:
            self.tokens.append((request.url.host.split(".")[0], sent))
        return await super().__call__(request)

    def searched(self) -> list[tuple[str, str, str]]:
        """Host, type and patient of each search for records (what a server can do is nobody's record)."""
        return [
            (host, kind, given.get("patient") or given.get("subject") or given.get("_id", ""))
            for host, kind, given in self.requests
            if kind not in ("metadata", "smart-configuration")
        ]


class GrantedApp:
    """The endpoint over one engine; each question is asked with a grant of its own (None: no issuers)."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._endpoint = GraphQL(engine, engine.settings.server)

    async def ask(self, grant: Grant | None, query: str, variables: Json | None = None) -> Json:
        """The response, which has HTTP status 200."""
        response, status = await self._endpoint.run(query, variables, grant=grant)
        assert status == 200, response
        return response

    async def results(self, grant: Grant | None, query: str) -> list[Json]:
        """The results of the one patient that is asked about."""
        response = await self.ask(grant, query)
        assert "errors" not in response, response
        found: list[Json] = response["data"]["patient"]["results"]
        return found


def codes(response: Json) -> list[str]:
    """The codes of the errors of a response."""
    return [error["extensions"]["code"] for error in response.get("errors", ())]


@asynccontextmanager
async def granted_app(servers: Servers, *sources: Json, **settings: Any) -> AsyncIterator[GrantedApp]:
    """The endpoint over an engine that asks these sources; ``ehr`` alone where none is named."""
    made = make_settings(sources=list(sources) or [source("ehr")], **settings)
    http = httpx.AsyncClient(transport=httpx.MockTransport(servers))
    async with await Engine.open(made, shipped(), http) as engine:
        yield GrantedApp(engine)

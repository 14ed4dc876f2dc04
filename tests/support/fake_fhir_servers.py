"""FHIR servers that are functions: one answers, one fails by type, one knows its callers' rights; engines over them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.app import create_app
from server.catalog.catalog import Catalog
from server.executor.cache import open_store as cache_opening
from server.executor.cache.embedded_server import EmbeddedServer, start_embedded
from server.executor.engine import Engine
from tests.support.engine_questions import shipped, with_module
from tests.support.settings import make_settings

BASE = "https://ehr.example/fhir"


FHIR = {"content-type": "application/fhir+json"}


class FakeFhir:
    """Hands out the records of the type asked for, and version 1 of each; keeps the requests.

    ``down`` lets it be unreachable.
    """

    def __init__(self, records: Iterable[Mapping[str, Any]]) -> None:
        self.records = tuple(records)
        self.down = False
        self.requests: list[httpx.Request] = []

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self.answer))

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.down:
            raise httpx.ConnectError("refused", request=request)
        kind = request.url.path.rsplit("/", 1)[-1]
        if kind == "metadata":
            return httpx.Response(200, json={"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"})
        versions = [{"meta": {"versionId": "1"}, **each} for each in self.records]
        for each in versions:
            if request.url.path.endswith(f"/{each['resourceType']}/{each['id']}/_history/1"):
                return httpx.Response(200, json=each, headers=FHIR)
        entry = [
            {"fullUrl": f"{BASE}/{kind}/{each['id']}", "resource": each}
            for each in versions
            if each["resourceType"] == kind
        ]
        return httpx.Response(200, json={"resourceType": "Bundle", "type": "searchset", "entry": entry})


Fault = Callable[[httpx.Request], httpx.Response | Awaitable[httpx.Response]]


class FaultyFhir(FakeFhir):
    """Answers as told for the types in ``faults``, and from the records for the others."""

    def __init__(self, records: Iterable[Mapping[str, Any]], **faults: Fault) -> None:
        super().__init__(records)
        self.faults = faults

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self._misbehave))

    async def _misbehave(self, request: httpx.Request) -> httpx.Response:
        fault = self.faults.get(request.url.path.rsplit("/", 1)[-1])
        if fault is None:
            return self.answer(request)
        self.requests.append(request)
        answer = fault(request)
        return answer if isinstance(answer, httpx.Response) else await answer


def refusing(status: int) -> Fault:
    return lambda _: httpx.Response(status, json={"resourceType": "OperationOutcome"})


def html(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, html="<html><body>Please log in</body></html>")


def html_as_json(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=b"<html>", headers=FHIR)


def page_loop(request: httpx.Request) -> httpx.Response:
    link = [{"relation": "next", "url": str(request.url)}]
    return httpx.Response(200, json={"resourceType": "Bundle", "type": "searchset", "link": link, "entry": []})


def unreachable(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


async def never_answering(_: httpx.Request) -> httpx.Response:
    await asyncio.sleep(60)
    raise AssertionError("nobody waits for so long")


@asynccontextmanager
async def engine_over(
    fhir: FakeFhir | None = None, catalog: Catalog | None = None, base_url: str = BASE, **settings: Any
) -> AsyncIterator[Engine]:
    """An engine with the source ``ehr``: the fake one, or (None) a real address."""
    made = make_settings(sources=[{"id": "ehr", "base_url": base_url}], **settings)
    engine = await Engine.open(made, catalog or shipped(), fhir.client() if fhir is not None else None)
    try:
        yield engine
    finally:
        await engine.close()


@asynccontextmanager
async def application_client(engine: Engine) -> AsyncIterator[httpx.AsyncClient]:
    """The whole application over an engine, reached by HTTP.  The engine is closed with it."""

    async def opened() -> Engine:
        return engine

    app = create_app(engine.settings, opened)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        yield client


def raising_egfr(folder: Path) -> Catalog:
    """The shipped catalog, but for an eGFR that raises with its inputs in the message."""
    folder.mkdir()
    (folder / "evaluate.py").write_text(
        "from decimal import Decimal\n"
        "from ontology.evaluation import Evaluation\n"
        "from ontology.values import Absent, Coding\n\n"
        "def evaluate(creatinine: Decimal, age: Decimal, sex: Coding, recorded: Decimal | Absent) -> Evaluation:\n"
        "    raise ValueError(f'creatinine {creatinine}, {age} years')\n",
        encoding="utf-8",
    )
    egfr = replace(shipped().modules["egfr"], folder=folder, digest="raising", code_digest="raising")
    return with_module(shipped(), egfr)


def watch_embedded(monkeypatch: pytest.MonkeyPatch) -> list[EmbeddedServer]:
    """The embedded cache servers that engines start from now on, oldest first."""
    started: list[EmbeddedServer] = []

    async def start(parents: list[Path] | None = None) -> EmbeddedServer:
        started.append(await start_embedded(parents))
        return started[-1]

    monkeypatch.setattr(cache_opening, "start_embedded", start)
    return started


EVERYTHING = "everything"


class GuardedFhir(FakeFhir):
    """``rights``: the resource types that a token may read (or EVERYTHING); other types are answered 403, a token that
    is not there 401.  What needs no token: ``metadata``."""

    def __init__(self, records: Iterable[Mapping[str, Any]], **rights: tuple[str, ...] | str) -> None:
        super().__init__(records)
        self.rights = rights

    def answer(self, request: httpx.Request) -> httpx.Response:
        kind = request.url.path.rsplit("/", 1)[-1]
        if kind in ("metadata", "smart-configuration"):
            return httpx.Response(404, json={"resourceType": "OperationOutcome"})
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        rights = self.rights.get(token)
        if rights is None or (rights != EVERYTHING and kind not in rights):
            self.requests.append(request)
            return httpx.Response(401 if rights is None else 403, json={"resourceType": "OperationOutcome"})
        return super().answer(request)

    def searched_with(self, token: str) -> list[str]:
        """The types that were searched with a token."""
        sent = [r for r in self.requests if r.headers.get("authorization") == f"Bearer {token}"]
        return [request.url.path.rsplit("/", 1)[-1] for request in sent]


@asynccontextmanager
async def guarded_engine(
    fhir: FakeFhir, source: Mapping[str, Any] | None = None, **settings: Any
) -> AsyncIterator[Engine]:
    """An engine that passes its callers' tokens on to the source ``ehr``."""
    made = make_settings(sources=[{"id": "ehr", "base_url": BASE, "auth": "caller", **(source or {})}], **settings)
    engine = await Engine.open(made, shipped(), fhir.client())
    try:
        yield engine
    finally:
        await engine.close()

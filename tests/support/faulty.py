"""A FHIR server whose searches go wrong, one resource type at a time, and engines that talk to it."""

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
from server.settings import Settings
from tests.support.asking import shipped, with_module
from tests.support.fhir_server import BASE, FakeFhir

Fault = Callable[[httpx.Request], httpx.Response | Awaitable[httpx.Response]]
FHIR = {"content-type": "application/fhir+json"}


class Faulty(FakeFhir):
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


def down(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


async def slow(_: httpx.Request) -> httpx.Response:
    await asyncio.sleep(60)
    raise AssertionError("nobody waits for so long")


@asynccontextmanager
async def engine_over(
    fhir: FakeFhir | None = None, catalog: Catalog | None = None, base_url: str = BASE, **settings: Any
) -> AsyncIterator[Engine]:
    """An engine with the source ``ehr``: the fake one, or (None) a real address."""
    made = Settings(sources=[{"id": "ehr", "base_url": base_url}], **settings)
    engine = await Engine.open(made, catalog or shipped(), fhir.client() if fhir is not None else None)
    try:
        yield engine
    finally:
        await engine.close()


@asynccontextmanager
async def serving(engine: Engine) -> AsyncIterator[httpx.AsyncClient]:
    """The whole application over an engine, reached by HTTP.  The engine is closed with it."""

    async def opened() -> Engine:
        return engine

    app = create_app(engine.settings, opened)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://medtwin") as client,
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

"""The whole application, served in this process over a FHIR server that is not there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from server.app import create_app
from server.executor.engine import Engine
from tests.support.engine_questions import shipped
from tests.support.fake_fhir_servers import BASE, FakeFhir
from tests.support.settings import make_settings


@asynccontextmanager
async def serving(fhir: FakeFhir, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application that asks this one source; `settings` are those of a site."""
    made = make_settings(sources=[{"id": "ehr", "base_url": BASE}], **settings)

    async def opened() -> Engine:
        return await Engine.open(made, shipped(), fhir.client())

    app = create_app(made, opened)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        yield client

"""A FHIR server that knows its callers by their tokens, and gives each what is theirs to see."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from server.executor.engine import Engine
from server.settings import Settings
from tests.support.asking import shipped
from tests.support.fhir_server import BASE, FakeFhir

EVERYTHING = "everything"


class Guarded(FakeFhir):
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

    def asked_by(self, token: str) -> list[str]:
        """The types that were searched with a token."""
        sent = [r for r in self.requests if r.headers.get("authorization") == f"Bearer {token}"]
        return [request.url.path.rsplit("/", 1)[-1] for request in sent]


@asynccontextmanager
async def guarded_engine(
    fhir: FakeFhir, source: Mapping[str, Any] | None = None, **settings: Any
) -> AsyncIterator[Engine]:
    """An engine that passes its callers' tokens on to the source ``ehr``."""
    made = Settings(sources=[{"id": "ehr", "base_url": BASE, "auth": "caller", **(source or {})}], **settings)
    engine = await Engine.open(made, shipped(), fhir.client())
    try:
        yield engine
    finally:
        await engine.close()

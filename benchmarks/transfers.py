"""The cost of a question for the source: requests and bytes, at a real FHIR server that filters by code and date."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime

import httpx

from benchmarks.catalogs import shipped
from benchmarks.charts import SIX
from benchmarks.measure import Sizes, Spread
from benchmarks.questions import engine
from benchmarks.report import Part, Row, Table, amount
from fixtures.ehr import running_ehr
from fixtures.make_patients import INDEX, PATIENTS
from server.compiler.compilation import compile_plan
from server.executor.engine import Engine
from server.executor.question import Question

PATIENT, OTHER = "ckd-progressing", "healthy"
_HEAD = ("question", "resource types", "requests", "kB received", "of it bodies", "kB sent")


class _Body(httpx.AsyncByteStream):
    """Passes a body on and counts it."""

    def __init__(self, body: httpx.AsyncByteStream, counted: Counted) -> None:
        self._body = body
        self._counted = counted

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._body:
            self._counted.bodies += len(part)
            yield part

    async def aclose(self) -> None:
        await self._body.aclose()


class Counted(httpx.AsyncBaseTransport):
    """Counts requests and bytes transferred: lines and headers as in HTTP/1.1, bodies as received."""

    def __init__(self) -> None:
        self._inner = httpx.AsyncHTTPTransport()
        self.clear()

    def clear(self) -> None:
        """Resets the counts."""
        self.requests = self.bodies = self.heads = self.sent = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends it, counted."""
        response = await self._inner.handle_async_request(request)
        self.requests += 1
        self.sent += (
            _lines(request.headers) + len(request.method) + len(request.url.raw_path) + 12 + len(request.content)
        )
        self.heads += _lines(response.headers) + 19
        body = response.stream
        if isinstance(body, httpx.AsyncByteStream):
            response.stream = _Body(body, self)
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


def _lines(headers: httpx.Headers) -> int:
    return sum(len(name) + len(value) + 4 for name, value in headers.raw) + 2


async def run(sizes: Sizes) -> Part:
    """Each concept alone, those of the cold rows, and all; the source's capability is cached before."""
    every = tuple(sorted(module.produces.id for module in shipped().modules.values()))
    questions = {f"`{concept}`": (concept,) for concept in every} | {"the six of the cold rows": SIX, "all": every}
    at = {each["id"]: datetime.fromisoformat(each["at"]) for each in json.loads((PATIENTS / INDEX).read_text())}
    lines: list[tuple[str, ...]] = []
    counts: dict[str, tuple[int, int, float]] = {}
    with running_ehr() as ehr:
        ehr.load_directory(PATIENTS)
        counted = Counted()
        async with httpx.AsyncClient(transport=counted) as http, engine(shipped(), ehr.base_url, http) as asked:
            await asked.ask(Question(OTHER, SIX, at[OTHER], "ehr"))
            for name, of in questions.items():
                counts[name] = await _ask(asked, counted, of, at[PATIENT])
                types, requests, received = counts[name]
                cells = (amount(received, ""), amount(counted.bodies / 1e3, ""), amount(counted.sent / 1e3, ""))
                lines.append((name, str(types), str(requests), *cells))
    types, requests, received = counts["all"]
    note = f"all {len(every)} concepts of `{PATIENT}`"
    return Part(
        (
            Row("requests for one question to a real server", Spread.of([requests]), "", types, note),
            Row("received for one question", Spread.of([received]), "kB", note=note),
        ),
        (Table(f"Requests and bytes of a question about `{PATIENT}`", _HEAD, tuple(lines)),),
    )


async def _ask(asked: Engine, counted: Counted, of: tuple[str, ...], at: datetime) -> tuple[int, int, float]:
    """Number of resource types in the plan, requests, and kilobytes received, headers included."""
    counted.clear()
    await asked.ask(Question(PATIENT, of, at, "ehr"))
    types = len({search.description.resource_type for search in compile_plan(shipped(), of).searches} | {"Patient"})
    return types, counted.requests, (counted.bodies + counted.heads) / 1e3

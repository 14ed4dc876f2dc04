"""What others wait for: a small request beside the dearest legal ones, and provenance compared with a sentence."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from itertools import count

import httpx
from graphql import parse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.catalogs import shipped
from benchmarks.charts import AT, SIX, kidney
from benchmarks.graphql_answer import SuppliedGatherer
from benchmarks.measure import Sizes, Spread, gc_frozen, paired, ratios
from benchmarks.questions import engine
from benchmarks.report import Part, Row
from collectors.reading.supplied import encode_resource
from server.cli.serve import SWITCH_INTERVAL
from server.graphql.endpoint import GraphQL
from server.graphql.full_query import FULL_QUERY
from server.graphql.limits import Limits, cost_of
from server.settings.model import ServerSettings

SMALL = f'{{ patient(id: "p1") {{ results(of: ["egfr"], at: "{AT.isoformat()}") {{ text }} }} }}'
RISK = "kidney-failure-risk-5y"
PAUSE = 0.005
"""Seconds between two small requests."""
WAIT = "longest wait of a small request beside the dearest legal one"


async def run(sizes: Sizes) -> Part:
    """The small request asks for an eGFR that is in the cache, as a page that is open somewhere else would."""
    many = 50 if sizes.repeats > 1 else 2
    rows = []
    async with _client() as client:
        for selection in ("provenance", "provenance(format: JSON_LD)", "fhir", "issues { text }"):
            rows.append(await _longest_wait(client, selection, _aliased(selection, many)))
        rows.append(await _longest_wait(client, "everything", FULL_QUERY, {"of": [RISK] * many}))
        pairs = []
        for concept in SIX:
            asked = [_query(selection, [concept]) for selection in ("provenance", "text")]
            calls = [partial(_post, client, text) for text in asked]
            pairs.append(ratios(*await paired(calls, sizes.few, warm=2)))
        together = [_query(selection, [RISK] * many) for selection in ("provenance", "text")]
        of_many = await paired([partial(_post, client, text) for text in together], sizes.few)
    name = "`provenance` ÷ `text` of one result"
    each = [ratio for pair in pairs for ratio in pair]
    rows.append(Row(name, Spread.of(each), "×", 3.0, "questions of one concept each, everything cached"))
    took = Spread.of(of_many[0]).times(1e3 / many)
    rows.append(Row("`provenance` of one more result", took, "ms", None, f"{many} results of a kidney failure risk"))
    return Part(tuple(rows))


@asynccontextmanager
async def _client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as http, engine(shipped()) as opened:
        opened.gatherer = SuppliedGatherer(http, [encode_resource(record) for record in kidney("p1")])
        opened.gatherer.anew = False
        endpoint = GraphQL(opened, ServerSettings())

        async def answer(request: Request) -> Response:
            return await endpoint(request)

        app = Starlette(routes=[Route("/graphql", answer, methods=["POST"])])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bench") as client:
            yield client


async def _longest_wait(
    client: httpx.AsyncClient, what: str, dear: str, variables: dict[str, object] | None = None
) -> Row:
    given = {"patient": "p1", "at": AT.isoformat(), **variables} if variables else None
    waits: list[float] = []
    await _post(client, dear, given)
    await _post(client, SMALL)
    with gc_frozen(), _switching():
        alone = []
        for _ in range(5):
            alone.append(await _timed(client))
        start = time.perf_counter()
        running = asyncio.create_task(_post(client, dear, given))
        while not running.done():
            await asyncio.sleep(PAUSE)
            waits.append(await _timed(client))
        await running
        took = time.perf_counter() - start
    note = f"{what}, which takes {took:.1f} s; {Spread.of(alone).middle * 1e3:.0f} ms alone, {len(waits)} asked"
    return Row(WAIT, Spread.of([max(waits) * 1e3]), "ms", 50.0, note)


@contextmanager
def _switching() -> Iterator[None]:
    """Threads share the interpreter as they do in the server."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _aliased(selection: str, many: int) -> str:
    """As often as the limits allow."""
    limits = ServerSettings()
    if many < 50:
        return _query(selection, [RISK] * many)
    text = ""
    for number in count(1):
        longer = _query(selection, [RISK] * many, number)
        if number > limits.max_aliases or _cost(longer) > limits.max_complexity:
            return text or longer
        text = longer
    raise AssertionError("no end")


def _cost(text: str) -> int:
    return cost_of(parse(text), Limits(100, 10**9, 10**6))[None].fields


def _query(selection: str, of: list[str], times: int = 1) -> str:
    concepts = ", ".join(f'"{each}"' for each in of)
    fields = " ".join(
        f'a{number}: results(of: [{concepts}], at: "{AT.isoformat()}") {{ {selection} }}' for number in range(times)
    )
    return f'{{ patient(id: "p1") {{ {fields} }} }}'


async def _timed(client: httpx.AsyncClient) -> float:
    start = time.perf_counter()
    await _post(client, SMALL)
    return time.perf_counter() - start


async def _post(client: httpx.AsyncClient, query: str, variables: dict[str, object] | None = None) -> None:
    answer = await client.post("/graphql", json={"query": query, "variables": variables})
    if answer.status_code != 200 or b'"errors"' in answer.content[:200]:
        raise AssertionError(f"the query failed: {answer.text[:300]}")

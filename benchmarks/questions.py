"""Questions to the real engine: over HTTP to the sandbox server, or about supplied records."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx
import msgspec

from benchmarks.charts import AT
from collectors.fetching.query import Parameters, patient_query, search_queries
from collectors.search import Search
from collectors.settings import Source
from server.catalog.catalog import Catalog
from server.compiler.compilation import compile_plan
from server.executor.cache.encryption import Keyring
from server.executor.engine import Engine
from server.executor.memory import Memory
from server.executor.question import Question
from server.settings import Settings
from server.settings.endpoints import SourceSettings

SUPPLIED_FROM = "https://ehr.example/fhir"
"""The base URL of supplied records, which no server has."""


@asynccontextmanager
async def engine(
    catalog: Catalog, base_url: str = SUPPLIED_FROM, http: httpx.AsyncClient | None = None
) -> AsyncIterator[Engine]:
    """An engine with the embedded cache and one source, in North America (else kidney risks are only bounds).

    ``http``: the client for the source; None: the engine's own.
    """
    source = SourceSettings(id="ehr", base_url=base_url)
    settings = Settings(sources=(source,), site={"north-america": True})
    async with await Engine.open(settings, catalog, http) as opened:
        yield opened


def question(patient: str, of: Sequence[str]) -> Question:
    """A question as of the charts' evaluation time."""
    return Question(patient, tuple(of), AT, "ehr")


async def empty_cache(opened: Engine) -> None:
    """Makes all cached results unreachable, since fingerprints use a new key.  Connections stay open.

    Pending writes of the last answer are flushed first, so that the next sample does not include them.
    """
    old = opened.memory
    await old.store.flush()
    opened.memory = Memory(old.store, Keyring.from_secret(None), old.environment, old.zone, old.ttl)


class BareFetch:
    """The engine's requests for a question, with no processing of the responses but following pages."""

    def __init__(self, http: httpx.AsyncClient, source: Source, patient: str, catalog: Catalog, of: Sequence[str]):
        plan = compile_plan(catalog, tuple(of))
        self._http = http
        self._addresses = [url for search in plan.searches for url in _addresses(search, source, patient)]

    async def fetch(self) -> int:
        """Fetches all searches concurrently, page after page; returns the number of requests."""
        return sum(await asyncio.gather(*(self._follow(address) for address in self._addresses)))

    async def slowest(self) -> float:
        """Fetches all searches concurrently; returns the seconds of the slowest."""

        async def timed(address: str) -> float:
            start = time.perf_counter()
            await self._follow(address)
            return time.perf_counter() - start

        return max(await asyncio.gather(*(timed(address) for address in self._addresses)))

    async def _follow(self, address: str | None) -> int:
        requests = 0
        while address is not None:
            answer = await self._http.get(address, headers={"Accept": "application/fhir+json"})
            requests += 1
            address = _next(answer.content)
        return requests


class _Link(msgspec.Struct):
    relation: str
    url: str


class _Links(msgspec.Struct):
    link: list[_Link] = []


_LINKS = msgspec.json.Decoder(_Links)


def _next(body: bytes) -> str | None:
    # A page without a link needs no parsing to say so.
    if b'"relation":"next"' not in body[-400:]:
        return None
    return next((link.url for link in _LINKS.decode(body).link if link.relation == "next"), None)


def _addresses(search: Search, source: Source, patient: str) -> list[str]:
    kind = search.description.resource_type
    if kind == "Patient":
        sent: tuple[Parameters, ...] = (patient_query(source, patient, search.description.patient_parameter),)
    else:
        sent = search_queries(search, source, patient, AT)
    return [str(httpx.URL(f"{source.base_url}/{kind}", params=list(parameters))) for parameters in sent]

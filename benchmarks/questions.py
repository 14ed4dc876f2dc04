"""Questions put to the real engine: over HTTP to the sandbox server, or about records that are handed in."""

from __future__ import annotations

import asyncio
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
"""Where records are said to be from that no server holds."""


@asynccontextmanager
async def engine(
    catalog: Catalog, base_url: str = SUPPLIED_FROM, http: httpx.AsyncClient | None = None
) -> AsyncIterator[Engine]:
    """An engine over the embedded cache, with one source, in North America (or the kidney risks stay bounds).

    ``http``: a client of one's own for the source.
    """
    source = SourceSettings(id="ehr", base_url=base_url)
    settings = Settings(sources=(source,), site={"north-america": True})
    async with await Engine.open(settings, catalog, http) as opened:
        yield opened


def question(patient: str, of: Sequence[str]) -> Question:
    """As of the day of the charts."""
    return Question(patient, tuple(of), AT, "ehr")


async def empty_cache(opened: Engine) -> None:
    """Nothing that the cache holds is found any more: fingerprints take another key.  Connections stay.

    What the last answer left to be written is written first, so that the next sample does not pay for it.
    """
    old = opened.memory
    await old.store.flush()
    opened.memory = Memory(old.store, Keyring.from_secret(None), old.environment, old.zone, old.ttl)


class BareFetch:
    """The same requests as the engine's for a question, with nothing done about the answers but following pages."""

    def __init__(self, http: httpx.AsyncClient, source: Source, patient: str, catalog: Catalog, of: Sequence[str]):
        plan = compile_plan(catalog, tuple(of))
        self._http = http
        self._addresses = [url for search in plan.searches for url in _addresses(search, source, patient)]

    async def fetch(self) -> int:
        """Fetches all at once, page after page; how many requests that took."""
        return sum(await asyncio.gather(*(self._follow(address) for address in self._addresses)))

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

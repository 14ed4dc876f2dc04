"""A question about a patient of whom nothing is known yet, over HTTP: against the bare requests, and their number."""

from __future__ import annotations

import httpx

from benchmarks.catalogs import shipped
from benchmarks.charts import SIX, Json, kidney, ward
from benchmarks.measure import Sizes, Spread, paired, ratios
from benchmarks.questions import BareFetch, empty_cache, engine, question
from benchmarks.report import Part, Row
from benchmarks.sandbox import PAGE, sandbox

_PAGES = 3
_BUDGET = 1.25
_RATIO = "cold `ask` of 6 concepts ÷ bare concurrent fetch"


async def run(sizes: Sizes) -> Part:
    """The budget is for one latency; at others the same is told, since what it costs does not shrink with them."""
    held = {"p1": kidney("p1"), "p2": ward("p2", PAGE * _PAGES - PAGE // 2)}
    rows = await _overhead(sizes, held, sizes.latency, _BUDGET)
    for latency in sizes.others:
        rows += await _overhead(sizes, held, latency, None)
    return Part((*rows, *await _counted(held)))


async def _overhead(sizes: Sizes, held: dict[str, list[Json]], latency: float, budget: float | None) -> list[Row]:
    """Asked and fetched in turn over the same client, so that both meet open connections and the same load."""
    catalog = shipped()
    with sandbox(held, latency) as base_url:
        async with httpx.AsyncClient(trust_env=False) as http, engine(catalog, base_url) as asked:
            bare = BareFetch(http, asked.source(None), "p1", catalog, SIX)
            asking, fetching = await paired(
                [lambda: asked.ask(question("p1", SIX)), bare.fetch],
                sizes.repeats,
                warm=3,
                before=lambda: empty_cache(asked),
            )
    beyond = [ask - fetch for ask, fetch in zip(asking, fetching, strict=True)]
    latency_told = f"{latency * 1e3:.0f} ms latency"
    note = f"{latency_told}; fetch {Spread.of(fetching).middle * 1e3:.1f} ms"
    return [
        Row(_RATIO, Spread.of(ratios(asking, fetching)), "×", budget, note),
        Row("cold `ask` − bare fetch", Spread.of(beyond).times(1e3), "ms", note=latency_told),
    ]


async def _counted(held: dict[str, list[Json]]) -> list[Row]:
    """Counted by the server: for a patient on one page, and for one with further pages."""
    counts = []
    with sandbox(held, 0) as base_url:
        async with httpx.AsyncClient(trust_env=False) as http, engine(shipped(), base_url) as asked:
            for patient in held:
                await http.get(f"{base_url}/count")
                await asked.ask(question(patient, SIX))
                counts.append((await http.get(f"{base_url}/count")).json())
    types = len(counts[0])
    pages = sum(max(0, -(-sum(r["resourceType"] == kind for r in held["p2"]) // PAGE) - 1) for kind in counts[1])
    name = "FHIR requests for one question"
    return [
        Row(name, Spread.of([sum(counts[0].values())]), "", types, ", ".join(sorted(counts[0]))),
        Row(name, Spread.of([sum(counts[1].values())]), "", types + pages, f"{types} types, {pages} further pages"),
    ]

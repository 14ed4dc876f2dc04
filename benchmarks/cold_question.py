"""A question about a patient without cached data, over HTTP: compared with the bare requests, and their number."""

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
    """The budget applies to one latency; others are only reported, since our own cost does not depend on them."""
    patients = {"p1": kidney("p1"), "p2": ward("p2", PAGE * _PAGES - PAGE // 2)}
    rows = await _overhead(sizes, patients, sizes.latency, _BUDGET)
    for latency in sizes.others:
        rows += await _overhead(sizes, patients, latency, None)
    return Part((*rows, *await _counted(patients)))


async def _overhead(sizes: Sizes, patients: dict[str, list[Json]], latency: float, budget: float | None) -> list[Row]:
    """Asks and fetches alternately over the same client, so that both have open connections and the same load."""
    catalog = shipped()
    with sandbox(patients, latency) as base_url:
        async with httpx.AsyncClient(trust_env=False) as http, engine(catalog, base_url) as asked:
            bare = BareFetch(http, asked.source(None), "p1", catalog, SIX)
            asking, fetching = await paired(
                [lambda: asked.ask(question("p1", SIX)), bare.fetch],
                sizes.repeats,
                warm=3,
                before=lambda: empty_cache(asked),
            )
    beyond = [ask - fetch for ask, fetch in zip(asking, fetching, strict=True)]
    latency_text = f"{latency * 1e3:.0f} ms latency"
    note = f"{latency_text}; fetch {Spread.of(fetching).middle * 1e3:.1f} ms"
    return [
        Row(_RATIO, Spread.of(ratios(asking, fetching)), "×", budget, note),
        Row("cold `ask` − bare fetch", Spread.of(beyond).times(1e3), "ms", note=latency_text),
    ]


async def _counted(patients: dict[str, list[Json]]) -> list[Row]:
    """Requests counted by the server: for a patient on one page, and for one with further pages."""
    counts = []
    with sandbox(patients, 0) as base_url:
        async with httpx.AsyncClient(trust_env=False) as http, engine(shipped(), base_url) as asked:
            for patient in patients:
                await http.get(f"{base_url}/count")
                await asked.ask(question(patient, SIX))
                counts.append((await http.get(f"{base_url}/count")).json())
    types = len(counts[0])
    pages = sum(max(0, -(-sum(r["resourceType"] == kind for r in patients["p2"]) // PAGE) - 1) for kind in counts[1])
    name = "FHIR requests for one question"
    return [
        Row(name, Spread.of([sum(counts[0].values())]), "", types, ", ".join(sorted(counts[0]))),
        Row(name, Spread.of([sum(counts[1].values())]), "", types + pages, f"{types} types, {pages} further pages"),
    ]

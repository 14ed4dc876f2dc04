"""A question about a patient of whom nothing is known yet, over HTTP: against the bare requests, and their number."""

from __future__ import annotations

import httpx

from benchmarks.asking import Bare, engine, forget, question
from benchmarks.catalogs import shipped
from benchmarks.charts import SIX, kidney, ward
from benchmarks.measure import Spread, paired, ratios
from benchmarks.report import Part, Row
from benchmarks.sandbox import PAGE, sandbox
from benchmarks.sizes import Sizes

_PAGES = 3


async def run(sizes: Sizes) -> Part:
    """Asked and fetched in turn over the same client, so that both meet open connections and the same load."""
    catalog = shipped()
    held = {"p1": kidney("p1"), "p2": ward("p2", PAGE * _PAGES - PAGE // 2)}
    with sandbox(held, sizes.latency) as base_url:
        async with httpx.AsyncClient(trust_env=False) as http, engine(catalog, base_url) as asked:
            bare = Bare(http, asked.source(None), "p1", catalog, SIX)
            asking, fetching = await paired(
                [lambda: asked.ask(question("p1", SIX)), bare.fetch],
                sizes.repeats,
                warm=3,
                before=lambda: forget(asked),
            )
            counts = []
            for patient in held:
                await http.get(f"{base_url}/count")
                await asked.ask(question(patient, SIX))
                counts.append((await http.get(f"{base_url}/count")).json())
    types = len(counts[0])
    pages = sum(max(0, -(-sum(r["resourceType"] == kind for r in held["p2"]) // PAGE) - 1) for kind in counts[1])
    beyond = [ask - fetch for ask, fetch in zip(asking, fetching, strict=True)]
    fetched = f"{sizes.latency * 1e3:.0f} ms latency; fetch {Spread.of(fetching).middle * 1e3:.1f} ms"
    name = "FHIR requests for one question"
    return Part(
        (
            Row(
                "cold `ask` of 6 concepts ÷ bare concurrent fetch",
                Spread.of(ratios(asking, fetching)),
                "×",
                1.25,
                fetched,
            ),
            Row("cold `ask` − bare fetch", Spread.of(beyond).times(1e3), "ms"),
            Row(name, Spread.of([sum(counts[0].values())]), "", types, ", ".join(sorted(counts[0]))),
            Row(name, Spread.of([sum(counts[1].values())]), "", types + pages, f"{types} types, {pages} further pages"),
        )
    )

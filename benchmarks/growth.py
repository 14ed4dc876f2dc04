"""Growth of the cold time with the modules of a plan and with the observations of a patient."""

from __future__ import annotations

from collections.abc import Sequence

import httpx

from benchmarks.catalogs import copies, shipped
from benchmarks.charts import Json, creatinines, kidney, ward
from benchmarks.measure import Sizes, Spread, paired
from benchmarks.questions import BareFetch, empty_cache, engine, question
from benchmarks.report import Part, Table, amount
from benchmarks.sandbox import sandbox
from server.catalog.catalog import Catalog

_LATEST = ("egfr", "bmi", "news2", "qsofa")
_SERIES = ("egfr-slope",)
_HEAD = ("ask, ms", "bare fetch, ms", "beyond the fetch, ms", "executions")


async def run(sizes: Sizes) -> Part:
    """Each compared with the bare fetch of the same pages, from the same server with the same latency."""
    wards = {f"ward-{n}": ward(f"ward-{n}", n) for n in sizes.patients}
    series = {f"series-{n}": creatinines(f"series-{n}", n) for n in sizes.patients if n <= 1_000}
    patients_by_id = {"p1": kidney("p1"), **wards, **series}
    with sandbox(patients_by_id, sizes.latency) as base_url:
        modules = []
        for number in sizes.modules:
            catalog, ids = copies("egfr", number)
            modules.append((f"{number:,}", *await _cold(sizes, base_url, catalog, "p1", ids)))
        tables = [Table("Cold time by modules", ("modules in the plan", *_HEAD), tuple(modules))]
        for title, patients, of in (
            ("Cold time by observations, the latest of each asked for", wards, _LATEST),
            ("Cold time by observations, all of them in a series", series, _SERIES),
        ):
            lines = [
                (f"{_observations(records):,}", *await _cold(sizes, base_url, shipped(), patient, of))
                for patient, records in patients.items()
            ]
            tables.append(Table(f"{title} (`{'`, `'.join(of)}`)", ("observations", *_HEAD), tuple(lines)))
    return Part(tables=tuple(tables))


async def _cold(sizes: Sizes, base_url: str, catalog: Catalog, patient: str, of: Sequence[str]) -> tuple[str, ...]:
    asked = question(patient, of)
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http, engine(catalog, base_url) as opened:
        bare = BareFetch(http, opened.source(None), patient, catalog, of)
        executions = len((await opened.ask(asked)).executions)
        asking, fetching = await paired(
            [lambda: opened.ask(asked), bare.fetch], sizes.few, warm=0, before=lambda: empty_cache(opened)
        )
    beyond = Spread.of([ask - fetch for ask, fetch in zip(asking, fetching, strict=True)])
    times = (Spread.of(asking), Spread.of(fetching), beyond)
    return (*(amount(spread.middle * 1e3, "") for spread in times), f"{executions:,}")


def _observations(records: Sequence[Json]) -> int:
    return sum(record["resourceType"] == "Observation" for record in records)

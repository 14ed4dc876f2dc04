"""From the bytes of a page's entry to facts that can be selected from."""

from __future__ import annotations

from benchmarks.catalogs import shipped
from benchmarks.charts import kidney
from benchmarks.measure import Spread, seconds
from benchmarks.report import Part, Row
from benchmarks.sizes import Sizes
from collectors.assemble import encode, facts_from_resources
from collectors.settings import Source
from server.compiler.compile import compile_plan

SOURCE = Source(id="ehr", base_url="https://ehr.example/fhir")


async def run(sizes: Sizes) -> Part:
    """All Observations are of codes that the question asks for: each becomes a fact."""
    records = kidney("p1", max(2, sizes.observations * 3 // 4))
    raws = [encode(record) for record in records]
    observed = sum(record["resourceType"] == "Observation" for record in records)
    searches = compile_plan(shipped(), ("egfr-slope", "albuminuria-category")).searches
    found = facts_from_resources(SOURCE, "p1", searches, raws).gathered.resources
    read = sum(len(facts) for concept, facts in found.items() if concept in ("serum-creatinine", "uacr"))
    if read != observed:
        raise AssertionError(f"{read} of {observed} observations were read")
    samples = seconds(lambda: facts_from_resources(SOURCE, "p1", searches, raws), sizes.few)
    return Part((Row("reading one Observation up to selection", Spread.of(samples).times(1e6 / observed), "µs", 25,
                     f"{observed:,} of one patient"),))  # fmt: skip

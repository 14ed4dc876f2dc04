"""From the bytes of a page's entry to facts that can be selected from."""

from __future__ import annotations

from benchmarks.catalogs import shipped
from benchmarks.charts import Json, kidney, ward
from benchmarks.measure import Spread, seconds
from benchmarks.report import Part, Row
from benchmarks.sizes import Sizes
from collectors.assemble import facts_from_resources
from collectors.reading.whole import encode
from collectors.settings import Source
from server.compiler.compile import compile_plan

SOURCE = Source(id="ehr", base_url="https://ehr.example/fhir")


KIDNEY = ("egfr-slope", "albuminuria-category")
WARD = ("news2", "bmi", "egfr", "albuminuria-category")


async def run(sizes: Sizes) -> Part:
    """All Observations are of codes that the question asks for: single values, and a ward's, some with components."""
    return Part(
        (
            _row(kidney("p1", max(2, sizes.observations * 3 // 4)), KIDNEY, "creatinines and UACRs", sizes),
            _row(ward("p1", sizes.observations), WARD, "sets of vital signs, some with components", sizes),
        )
    )


def _row(records: list[Json], of: tuple[str, ...], kind: str, sizes: Sizes) -> Row:
    raws = [encode(record) for record in records]
    observed = {record["id"] for record in records if record["resourceType"] == "Observation"}
    searches = compile_plan(shipped(), of).searches
    found = facts_from_resources(SOURCE, "p1", searches, raws).gathered.resources
    read = {each.source.id for facts in found.values() for each in facts if each.source is not None} & observed
    if read != observed:
        raise AssertionError(f"{len(read)} of {len(observed)} observations were read")
    samples = seconds(lambda: facts_from_resources(SOURCE, "p1", searches, raws), sizes.few)
    note = f"{len(observed):,} of one patient, {kind}"
    return Row("reading one Observation up to selection", Spread.of(samples).times(1e6 / len(observed)), "µs", 25, note)

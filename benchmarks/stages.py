"""Single stages of a question: reading records, compiling a plan, and an execution whose result is cached."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.catalogs import copies, layered, renewed, shipped
from benchmarks.charts import AT, Json, creatinines, kidney, ward
from benchmarks.measure import Sizes, Spread, seconds, seconds_async
from benchmarks.questions import engine, question
from benchmarks.report import Part, Row
from collectors.assembly import facts_from_resources
from collectors.reading.supplied import encode_resource
from collectors.settings import Source
from server.catalog.catalog import Catalog
from server.compiler.compilation import compile_plan

SOURCE = Source(id="ehr", base_url="https://ehr.example/fhir")


KIDNEY = ("egfr-slope", "albuminuria-category")
WARD = ("news2", "bmi", "egfr", "albuminuria-category")


async def run_reading(sizes: Sizes) -> Part:
    """Reading of Observations, all with codes of the question: single values, and a ward's, some with components."""
    return Part(
        (
            _reading_row(kidney("p1", max(2, sizes.observations * 3 // 4)), KIDNEY, "creatinines and UACRs", sizes),
            _reading_row(ward("p1", sizes.observations), WARD, "sets of vital signs, some with components", sizes),
        )
    )


def _reading_row(records: list[Json], of: tuple[str, ...], kind: str, sizes: Sizes) -> Row:
    raws = [encode_resource(record) for record in records]
    observed = {record["id"] for record in records if record["resourceType"] == "Observation"}
    searches = compile_plan(shipped(), of).searches
    found = facts_from_resources(SOURCE, "p1", searches, raws).gathered_facts.resources
    read = {each.source.id for facts in found.values() for each in facts if each.source is not None} & observed
    if read != observed:
        raise AssertionError(f"{len(read)} of {len(observed)} observations were read")
    samples = seconds(lambda: facts_from_resources(SOURCE, "p1", searches, raws), sizes.few)
    note = f"{len(observed):,} of one patient, {kind}"
    return Row("reading one Observation up to selection", Spread.of(samples).times(1e6 / len(observed)), "µs", 25, note)


_LOOPS = 1_000


async def run_compiling(sizes: Sizes) -> Part:
    """Compiling: first the largest question, whose plan has every module of the catalog."""
    catalog, top = layered(sizes.catalog)
    few = top[:6]
    name = f"compile, {sizes.catalog:,}-module catalog"
    plan = compile_plan(catalog, top)
    narrow = compile_plan(catalog, few)

    def compile_cached() -> None:
        for _ in range(_LOOPS):
            compile_plan(catalog, top)

    all_cold = seconds(lambda: compile_plan(renewed(catalog), top), sizes.repeats)
    six = seconds(lambda: compile_plan(renewed(catalog), few), sizes.repeats)
    cached = seconds(compile_cached, sizes.repeats)
    return Part(
        (
            Row(f"{name}, cold", Spread.of(all_cold).times(1e3), "ms", 20, f"all {len(plan.calls):,} in the plan"),
            Row(f"{name}, cold, 6 goals", Spread.of(six).times(1e3), "ms", 20, f"{len(narrow.calls):,} in the plan"),
            Row(f"{name}, cached", Spread.of(cached).times(1e3 / _LOOPS), "ms", 0.1),
        )
    )


async def run_cached_execution(sizes: Sizes) -> Part:
    """Cached executions: many modules in one wave, and a series (one execution for each point)."""
    many, ids = copies("egfr", sizes.executions)
    rows = [
        await _cached_execution_row(sizes, many, ids, kidney("p1"), f"{sizes.executions} modules in one wave"),
        await _cached_execution_row(
            sizes,
            shipped(),
            ("egfr-slope",),
            creatinines("p1", sizes.executions),
            f"series of {sizes.executions} points",
        ),
    ]
    return Part(tuple(rows))


async def _cached_execution_row(
    sizes: Sizes, catalog: Catalog, of: Sequence[str], records: Sequence[Json], note: str
) -> Row:
    asked = question("p1", of)
    plan = compile_plan(catalog, tuple(of))
    async with engine(catalog) as opened:
        source = opened.source(None)
        facts = facts_from_resources(source, "p1", plan.searches, records)
        await opened.answer(asked, plan, AT, facts, source)
        trace = await opened.answer(asked, plan, AT, facts, source)
        if not all(execution.reused for execution in trace.executions):
            raise AssertionError("an execution ran that should have been reused")
        samples = await seconds_async(lambda: opened.answer(asked, plan, AT, facts, source), sizes.repeats)
    each = Spread.of(samples).times(1e6 / len(trace.executions))
    return Row("overhead per cached execution", each, "µs", 100, note)

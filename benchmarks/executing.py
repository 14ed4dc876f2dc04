"""What one execution costs whose result is known: slots filled, fingerprint, its share of the look-up, the reason."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.asking import engine, question
from benchmarks.catalogs import copies, shipped
from benchmarks.charts import AT, Json, creatinines, kidney
from benchmarks.measure import Spread, seconds_async
from benchmarks.report import Part, Row
from benchmarks.sizes import Sizes
from collectors.assemble import facts_from_resources
from server.catalog.load import Catalog
from server.compiler.compile import compile_plan


async def run(sizes: Sizes) -> Part:
    """Side by side (many modules of eight slots in one wave), and along a series (one for each point)."""
    many, ids = copies("egfr", sizes.executions)
    rows = [
        await _measured(sizes, many, ids, kidney("p1"), f"{sizes.executions} modules in one wave"),
        await _measured(
            sizes,
            shipped(),
            ("egfr-slope",),
            creatinines("p1", sizes.executions),
            f"series of {sizes.executions} points",
        ),
    ]
    return Part(tuple(rows))


async def _measured(sizes: Sizes, catalog: Catalog, of: Sequence[str], records: Sequence[Json], note: str) -> Row:
    asked = question("p1", of)
    plan = compile_plan(catalog, tuple(of))
    async with engine(catalog) as opened:
        source = opened.source(None)
        facts = facts_from_resources(source, "p1", plan.searches, records)
        await opened.answer(asked, plan, AT, facts, source)
        trace = await opened.answer(asked, plan, AT, facts, source)
        if not all(execution.reused for execution in trace.executions):
            raise AssertionError("an execution ran that was to be reused")
        samples = await seconds_async(lambda: opened.answer(asked, plan, AT, facts, source), sizes.repeats)
    each = Spread.of(samples).times(1e6 / len(trace.executions))
    return Row("overhead per cached execution", each, "µs", 100, note)

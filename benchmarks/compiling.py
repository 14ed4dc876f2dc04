"""From a question to its plan: cold, and once it is known."""

from __future__ import annotations

from benchmarks.catalogs import layered, renewed
from benchmarks.measure import Spread, seconds
from benchmarks.report import Part, Row
from benchmarks.sizes import Sizes
from server.compiler.compile import compile_plan

_LOOPS = 1_000


async def run(sizes: Sizes) -> Part:
    """The hardest question first: one whose plan has every module of the catalog."""
    catalog, top = layered(sizes.catalog)
    few = top[:6]
    name = f"compile, {sizes.catalog:,}-module catalog"
    plan = compile_plan(catalog, top)
    narrow = compile_plan(catalog, few)

    def known() -> None:
        for _ in range(_LOOPS):
            compile_plan(catalog, top)

    whole = seconds(lambda: compile_plan(renewed(catalog), top), sizes.repeats)
    six = seconds(lambda: compile_plan(renewed(catalog), few), sizes.repeats)
    cached = seconds(known, sizes.repeats)
    return Part(
        (
            Row(f"{name}, cold", Spread.of(whole).times(1e3), "ms", 20, f"all {len(plan.calls):,} in the plan"),
            Row(f"{name}, cold, 6 goals", Spread.of(six).times(1e3), "ms", 20, f"{len(narrow.calls):,} in the plan"),
            Row(f"{name}, cached", Spread.of(cached).times(1e3 / _LOOPS), "ms", 0.1),
        )
    )

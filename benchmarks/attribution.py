"""Attribution of a deep plan, and a timeline over a year of daily vital signs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import httpx

from benchmarks.catalogs import shipped
from benchmarks.charts import AT, daily, worse
from benchmarks.graphql_answer import SuppliedGatherer
from benchmarks.measure import Sizes, Spread, seconds, seconds_async
from benchmarks.questions import empty_cache, engine, question
from benchmarks.report import Part, Row
from collectors.assembly import facts_from_resources
from collectors.reading.supplied import encode_resource
from ontology.concepts import Concept, Origin, ValueType
from ontology.slots import Select, Slot
from server.attribution.attribute import attribute
from server.attribution.game import snapshot_of
from server.attribution.result import Attribution
from server.catalog.catalog import Catalog
from server.catalog.criteria import Band, Compare, ScoreCriterion
from server.compiler.compilation import compile_plan
from server.executor.timeline import ConceptTimeline

_LEAVES = 8


async def run(sizes: Sizes) -> Part:
    """Both benchmarks, on facts already read or supplied: no network."""
    return Part((await _attributed(sizes), *await _over_time(sizes)))


def _deep() -> tuple[Catalog, str]:
    """The shipped catalog with a score over NEWS2 and a creatinine: three calls deep, with the oxygen under NEWS2."""
    catalog = shipped()
    like = catalog.modules["news2"]
    concepts = [catalog.concepts[each] for each in ("news2", "serum-creatinine")]
    produces = Concept("urn:c:deep", "deep", "deep", Origin.COMPUTED, ValueType.QUANTITY, unit="{score}")
    slots = tuple(Slot(c.id.replace("-", "_"), c, Select.LATEST, required=True, unit=c.unit) for c in concepts)
    criteria = tuple(
        ScoreCriterion(
            slot.name,
            slot.name,
            tuple(Band(Compare(slot.name, below=Decimal(n)), Decimal(n), str(n)) for n in range(1, 20)),
        )
        for slot in slots
    )
    deep = replace(
        like,
        iri="urn:m:deep",
        id="deep",
        produces=produces,
        slots=slots,
        criteria=criteria,
        within=None,
        applicability=(),
        remarks=(),
        outcomes=(),
        digest="deep",
    )
    modules = {**catalog.modules, "deep": deep}
    by_iri = {each.iri: each for each in modules.values()}
    known = {**catalog.concepts, "deep": produces}
    return replace(catalog, modules=modules, by_iri=by_iri, concepts=known, digest="deep"), "deep"


async def _attributed(sizes: Sizes) -> Row:
    catalog, goal = _deep()
    plan = compile_plan(catalog, (goal,))
    then = AT - timedelta(days=1)
    async with engine(catalog) as opened:
        source = opened.source(None)
        facts = facts_from_resources(source, "p1", plan.searches, worse("p1", then))
        trace = await opened.answer(replace(question("p1", (goal,)), earlier_times=(then,)), plan, AT, facts, source)
    before, after = snapshot_of(trace.earlier_traces[then], goal), snapshot_of(trace, goal)
    if before is None or after is None:
        raise AssertionError("the goal was not computed")

    def once() -> None:
        result = attribute(plan, plan.goals[0], before, after, trace.zone)
        if not isinstance(result, Attribution) or len(result.items) != _LEAVES:
            raise AssertionError("unexpected number of differing leaves")

    each = Spread.of(seconds(once, sizes.repeats, warm=2)).times(1e3)
    return Row("attribution of a 3-deep plan with 8 leaves", each, "ms", 50, "exact: 256 coalitions")


async def _over_time(sizes: Sizes) -> list[Row]:
    days = sizes.days
    compared = replace(question("p1", ("news2",)), earlier_times=(AT - timedelta(days=days),))
    async with httpx.AsyncClient() as http, engine(shipped()) as opened:
        given = opened.gatherer = SuppliedGatherer(http, [encode_resource(each) for each in daily("p1", days)])
        given.anew = False
        timelines: list[ConceptTimeline] = []

        async def once() -> None:
            timelines.append(await opened.timeline(compared, 1_000))

        cold = await seconds_async(once, sizes.few, before=lambda: empty_cache(opened))
        first = timelines[-1]
        warm = await seconds_async(once, sizes.few)
    name = f"timeline of {days} days of vital signs"
    return [
        Row(f"{name}, cold", Spread.of(cold).times(1e3), "ms", None, _timeline_row(first)),
        Row(f"{name}, warm", Spread.of(warm).times(1e3), "ms", None, _timeline_row(timelines[-1])),
    ]


def _timeline_row(course: ConceptTimeline) -> str:
    return f"{len(course.traces)} points; {course.ran} executions run, {course.reused} reused"

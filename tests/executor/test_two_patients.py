"""Two patients with equal inputs share a cached value, and each answer names only its own records."""

from tests.support.asking import asking, ran
from tests.support.charts import creatinine, patient

FIRST = [patient(id="p1"), creatinine(1.6, "2026-05-01T08:00:00+00:00", id="first-cr")]
SECOND = [patient(id="p2"), creatinine(1.6, "2026-05-01T08:00:00+00:00", id="second-cr", of="p2")]


async def test_equal_inputs_share_the_value_and_not_the_records() -> None:
    async with asking() as ask:
        first = await ask(FIRST, "egfr", patient="p1")
        second = await ask(SECOND, "egfr", patient="p2")
    assert ran(second) == []
    for trace, mine, other in ((first, "first-cr", "second-cr"), (second, "second-cr", "first-cr")):
        named = {r.source.id for e in trace.executions for i in e.inputs.values() for r in i.resources if r.source}
        assert mine in named and other not in named
        assert other not in repr(trace.executions)
    assert first.executions[-1].evaluation == second.executions[-1].evaluation

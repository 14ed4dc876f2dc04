"""Many urines: each record is read once, and only the newest specimen is looked for."""

from datetime import timedelta
from time import perf_counter

from tests.support.charts import lab, patient
from tests.support.engine_questions import AT, open_asker

DAYS = 200


async def test_a_long_course_is_answered_from_the_newest_specimen() -> None:
    records = [patient()]
    for ago in range(DAYS):
        when = (AT - timedelta(days=ago, hours=1)).isoformat()
        records += [lab("14957-5", 60 + ago, "mg/L", when), lab("2161-8", 100, "mg/dL", when)]
    async with open_asker(cache={"enabled": False}) as ask:
        begun = perf_counter()
        trace = await ask(records, "albuminuria-category")
    assert perf_counter() - begun < 10
    points = [e for e in trace.executions if e.description.id == "uacr" and e.as_of != AT]
    assert len(points) == DAYS
    values = {str(e.evaluation.value.value) for e in points if hasattr(e.evaluation.value, "value")}
    assert len(values) == DAYS

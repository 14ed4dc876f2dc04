"""Points of a series at the very time of the question: they are there, and the answer of now is asked for all."""

from collections.abc import Iterable
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from ontology.values import AbsentReason, Series
from server.executor.question import Question
from server.executor.trace import Execution, Trace
from server.explain.explain import explain
from tests.support.charts import creatinine, patient
from tests.support.engine_questions import AT
from tests.support.fake_fhir_servers import FaultyFhir, engine_over

DAY = AT.date().isoformat()


def course(last: int) -> list[dict[str, Any]]:
    """Creatinines every ninety days, rising the further back they lie, the last of them so many steps ago."""
    times = ((number, (AT - timedelta(days=90 * number)).isoformat()) for number in range(last, 8))
    return [patient(), *(creatinine(1 + number / 10, when, id=f"o{number}") for number, when in times)]


def of_today(value: float = 3.0, updated: str = AT.isoformat()) -> dict[str, Any]:
    return creatinine(value, DAY, id="today", meta={"versionId": "1", "lastUpdated": updated})


async def asked(records: Iterable[Any], of: tuple[str, ...]) -> Trace:
    async with engine_over(FaultyFhir(records), cache={"enabled": False}) as engine:
        return await engine.ask(Question("p1", of, AT))


def answering(trace: Trace, concept: str) -> Execution:
    (position,) = [each.execution for each in trace.answers if each.goal.concept.id == concept]
    assert position is not None
    return trace.executions[position]


@pytest.mark.parametrize("of", list(permutations(("egfr", "egfr-slope", "gfr-category"))))
async def test_an_answer_at_the_time_of_a_point_does_not_depend_on_what_is_asked_beside_it(of: tuple[str, ...]) -> None:
    together = await asked(course(0), of)
    for concept in of:
        alone = answering(await asked(course(0), (concept,)), concept)
        beside = answering(together, concept)
        assert {name: given.value for name, given in beside.inputs.items()} == {
            name: given.value for name, given in alone.inputs.items()
        }
    stage = answering(together, "egfr").inputs["aki_stage"].value
    assert getattr(stage, "reason", None) is not AbsentReason.NOT_QUERIED


@pytest.mark.parametrize(("updated", "there"), [(AT.isoformat(), True), ((AT + timedelta(hours=1)).isoformat(), False)])
async def test_a_computed_series_has_the_value_of_today_or_tells_why_not(updated: str, there: bool) -> None:
    trace = await asked([*course(1), of_today(updated=updated)], ("egfr-slope",))
    given = answering(trace, "egfr-slope").inputs["egfr"]
    assert isinstance(given.value, Series)
    assert (given.value.points[-1][0] == AT) is there
    (answer,) = explain(trace)
    assert any(issue.code == "time-imprecise" for issue in answer.issues) is not there

"""Exactly which executions run again, and why; two patients with equal inputs share a value and no record."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from server.executor.trace import Trace
from tests.support.charts import condition, creatinine, lab, patient, uacr
from tests.support.engine_questions import (
    AT,
    Asker,
    evaluated_modules,
    open_asker,
    reused_modules,
    shipped,
    with_module,
)

RENAL = ("egfr", "albuminuria-category", "kidney-failure-risk-5y")
CHART = [
    patient(birth="1960-03-15"),
    creatinine(1.6, "2026-05-01T08:00:00+00:00", id="cr1"),
    uacr(120, "2026-05-01T08:00:00+00:00", id="ur1"),
]
NEW = "2026-06-15T08:00:00+00:00"


@pytest.fixture
async def ask() -> AsyncIterator[Asker]:
    async with open_asker(site={"north-america": True}) as asker:
        yield asker


def reasons(trace: Trace) -> dict[str, str]:
    return {e.description.id: e.reason for e in trace.executions if e.as_of == trace.at}


async def test_first_time_everything_runs_once_inputs_first(ask: Asker) -> None:
    trace = await ask(CHART, *RENAL)
    of_today = ["age", "aki-episode", "aki-stage", "egfr", "uacr", "albuminuria-persistence", "albuminuria-category"]
    of_the_series = ["age@2026-05-01", "egfr@2026-05-01", "ckd-chronicity"]
    assert evaluated_modules(trace) == [*of_today, *of_the_series, "kidney-failure-risk-5y"]
    # The ratio of that day is the latest, too.
    assert reused_modules(trace) == ["uacr@2026-05-01"]
    assert set(reasons(trace).values()) == {"first seen"}


async def test_the_same_question_twice_runs_nothing(ask: Asker) -> None:
    first, second = await ask(CHART, *RENAL), await ask(CHART, *RENAL)
    assert evaluated_modules(second) == []
    assert [e.fingerprint for e in first.executions] == [e.fingerprint for e in second.executions]
    assert [e.evaluation for e in first.executions] == [e.evaluation for e in second.executions]
    assert set(reasons(second).values()) == {"reused"}


async def test_a_new_creatinine_runs_what_rests_on_it(ask: Asker) -> None:
    await ask(CHART, *RENAL)
    trace = await ask([*CHART, creatinine(1.9, NEW)], *RENAL)
    of_the_series = ["age@2026-06-15", "egfr@2026-06-15", "ckd-chronicity"]
    of_today = ["aki-episode", "aki-stage", "egfr"]
    assert evaluated_modules(trace) == [*of_today, *of_the_series, "kidney-failure-risk-5y"]
    of_before = ["age@2026-05-01", "egfr@2026-05-01", "uacr@2026-05-01"]
    albuminuria = ["uacr", "albuminuria-persistence", "albuminuria-category"]
    assert sorted(reused_modules(trace)) == sorted(["age", *albuminuria, *of_before])
    assert "slot `creatinine` changed from 1.6 mg/dL to 1.9 mg/dL" in reasons(trace)["egfr"]


async def test_a_new_creatinine_with_the_same_value_runs_what_reads_the_series_and_stops_there(ask: Asker) -> None:
    chart = [*CHART, creatinine(1.6, "2026-03-01T08:00:00+00:00", id="cr0")]
    await ask(chart, "egfr")
    trace = await ask([*chart, creatinine(1.60, NEW, id="cr2")], "egfr")
    assert evaluated_modules(trace) == ["aki-episode", "aki-stage"], "they say the same: what rests on them is not run"
    egfr = next(e for e in trace.executions if e.description.id == "egfr")
    assert [r.source.id for r in egfr.inputs["creatinine"].resources if r.source] == ["cr2"]


async def test_the_same_value_in_another_unit_is_the_same_value(ask: Asker) -> None:
    await ask([CHART[0], creatinine(1.2, "2026-05-01T08:00:00+00:00")], "egfr")
    trace = await ask([CHART[0], creatinine(12, "2026-05-01T08:00:00+00:00", "mg/L")], "egfr")
    assert evaluated_modules(trace) == []


async def test_a_module_version_raised_runs_that_module_and_stops_there(ask: Asker) -> None:
    await ask(CHART, *RENAL)
    raised = replace(shipped().modules["egfr"], version="1.1.0", digest="another")
    newer = Asker(ask.engine)
    newer.engine.catalog = with_module(shipped(), raised)
    trace = await newer(CHART, *RENAL)
    assert evaluated_modules(trace) == ["egfr", "egfr@2026-05-01"], "its values are the same: early cutoff"
    assert "1.0.3 → 1.1.0" in reasons(trace)["egfr"]


async def test_an_unrelated_observation_runs_nothing(ask: Asker) -> None:
    await ask(CHART, *RENAL)
    trace = await ask([*CHART, lab("8867-4", 80, "/min", NEW), lab("718-7", 13.2, "g/dL", NEW)], *RENAL)
    assert evaluated_modules(trace) == []


async def test_a_condition_read_for_applicability_runs_what_reads_it(ask: Asker) -> None:
    await ask(CHART, *RENAL)
    trace = await ask([*CHART, condition("77386006", onset="2026-01-01")], *RENAL)
    assert "egfr" in evaluated_modules(trace) and "age" not in evaluated_modules(trace)


async def test_evaluation_time_moved_by_a_minute_runs_nothing(ask: Asker) -> None:
    await ask(CHART, *RENAL)
    assert evaluated_modules(await ask(CHART, *RENAL, at=AT + timedelta(minutes=1))) == []


async def test_evaluation_time_moved_by_a_year_runs_age_and_what_rests_on_it(ask: Asker) -> None:
    chart = [CHART[0], creatinine(1.6, "2026-06-30T08:00:00+00:00")]
    await ask(chart, "egfr")
    trace = await ask(chart, "egfr", at=AT + timedelta(days=60))
    assert evaluated_modules(trace) == ["age", "aki-episode", "aki-stage", "egfr"]
    assert "evaluation time" in reasons(trace)["age"]
    later = await ask(chart, "egfr", at=AT + timedelta(days=365))
    assert evaluated_modules(later) == ["age", "aki-episode", "aki-stage", "egfr"], "a year on the creatinine is stale"
    assert "creatinine" in reasons(later)["egfr"]


async def test_a_new_point_of_a_series_runs_only_that_point(ask: Asker) -> None:
    points = [creatinine(1.2 + i / 10, f"2025-{m:02}-01T08:00:00+00:00") for i, m in enumerate((1, 4, 7, 10))]
    await ask([CHART[0], *points], "egfr-slope")
    trace = await ask([CHART[0], *points, creatinine(1.7, "2026-02-01T08:00:00+00:00")], "egfr-slope")
    assert evaluated_modules(trace) == ["age@2026-02-01", "egfr@2026-02-01", "egfr-slope"]


async def test_order_ids_and_meta_of_records_do_not_matter(ask: Asker) -> None:
    await ask(CHART, *RENAL)
    renamed = [CHART[0], *({**r, "id": f"x{r['id']}", "meta": {"versionId": "7"}} for r in reversed(CHART[1:]))]
    assert evaluated_modules(await ask(renamed, *RENAL)) == []


async def test_one_caller_is_not_told_what_another_was(ask: Asker) -> None:
    await ask(CHART, "egfr", scope="first")
    changed = [CHART[0], creatinine(1.9, NEW)]
    trace = await ask(changed, "egfr", scope="second")
    assert reasons(trace)["egfr"] == "first seen"


async def test_without_a_cache_everything_runs_each_time_and_says_so() -> None:
    async with open_asker(cache={"enabled": False}, site={"north-america": True}) as ask:
        await ask(CHART, *RENAL)
        trace = await ask(CHART, *RENAL)
    assert reused_modules(trace) == ["uacr@2026-05-01"]
    assert set(reasons(trace).values()) == {"no cache"}


FIRST = [patient(id="p1"), creatinine(1.6, "2026-05-01T08:00:00+00:00", id="first-cr")]
SECOND = [patient(id="p2"), creatinine(1.6, "2026-05-01T08:00:00+00:00", id="second-cr", of="p2")]


async def test_equal_inputs_share_the_value_and_not_the_records() -> None:
    async with open_asker() as ask:
        first = await ask(FIRST, "egfr", patient="p1")
        second = await ask(SECOND, "egfr", patient="p2")
    assert evaluated_modules(second) == []
    for trace, mine, other in ((first, "first-cr", "second-cr"), (second, "second-cr", "first-cr")):
        named = {r.source.id for e in trace.executions for i in e.inputs.values() for r in i.resources if r.source}
        assert mine in named and other not in named
        assert other not in repr(trace.executions)
    assert first.executions[-1].evaluation == second.executions[-1].evaluation

"""Answers of which a module failed, and what a model alone gives, computed again: no fixture has a failure."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from functools import cache

from collectors.gatherer import facts_from_resources
from ontology.evaluation import Interval
from ontology.values import Absent, AbsentReason, Quantity
from server.catalog.catalog import ROOT, Catalog
from server.compiler.compilation import compile_plan
from server.executor.question import Question
from server.explain.explain import explain
from server.explain.prov import argument_graph, serialize_graphs
from server.explain.prov.exported import ExportedAnswer
from server.explain.prov.read_export import read_export
from server.explain.results import Status
from tests.support.engine_questions import SOURCE, open_asker, shipped, with_module
from tests.support.synthetic_answers import (
    AT,
    KEY,
    LONG_DEADLINE,
    exported_argument,
    finding_kinds,
    findings_text,
    synthetic_charts,
    verify_again,
)

PATIENT, OF = "ckd-progressing", ("egfr", "gfr-category")
MODELLED = ("prevention", "hba1c-defined-diabetes")
FAILED = Absent(AbsentReason.FAILED)


def broken() -> Catalog:
    """The catalog with the code of one module gone."""
    return with_module(shipped(), replace(shipped().modules["egfr"], folder=ROOT / "nowhere"))


@cache
def failed() -> dict[str, ExportedAnswer]:
    """What was exported of answers whose module failed, read back, by the ids of their concepts."""

    async def go() -> dict[str, ExportedAnswer]:
        async with open_asker(cache={"enabled": False, "key": KEY}, server=LONG_DEADLINE) as ask:
            # The start would refuse it: it broke since.
            plan = compile_plan(broken(), OF)
            facts = facts_from_resources(SOURCE, PATIENT, plan.searches, list(synthetic_charts()[PATIENT]))
            trace = await ask.engine.answer(Question(PATIENT, OF, AT, "ehr"), plan, AT, facts, SOURCE)
        results = {each.concept.id: each for each in explain(trace)}
        assert results["egfr"].status is Status.FAILED
        return {
            name: read_export(serialize_graphs([argument_graph(each)], "turtle"), "turtle")[0]
            for name, each in results.items()
        }

    return asyncio.run(go())


def test_a_failure_is_exported_as_one_and_the_same_comes_out() -> None:
    said = failed()["egfr"]
    assert (said.value, said.status) == (FAILED, "FAILED")
    for each in failed().values():
        replayed = verify_again(each, broken())
        assert replayed.matches, findings_text(replayed)


def test_a_failure_there_that_is_a_value_here_is_told() -> None:
    said = failed()["egfr"]
    replayed = verify_again(said)
    assert {("value", None), ("status", None)} <= set(finding_kinds(replayed))
    evaluation = replayed.steps[-1].evaluation
    assert evaluation is not None and isinstance(evaluation.value, Quantity)
    above = verify_again(failed()["gfr-category"])
    assert ("input", "egfr") in finding_kinds(above)


def test_a_failure_cannot_pass_for_something_that_is_only_missing() -> None:
    said = failed()["egfr"]
    assert ("status", None) in finding_kinds(verify_again(replace(said, status="INSUFFICIENT"), broken()))
    last = replace(said.steps[-1], value=Absent(AbsentReason.NOT_FOUND))
    other = replace(said, value=last.value, steps=(*said.steps[:-1], last))
    assert ("failed", None) in finding_kinds(verify_again(other, broken()))


def test_an_uncertainty_that_is_not_the_modules_is_told() -> None:
    said = exported_argument(*MODELLED)
    assert said.interval is not None
    lower = replace(said, interval=replace(said.interval, low=said.interval.low - 1))
    level = replace(said, interval=replace(said.interval, level=Decimal("0.5")))
    for changed in (lower, level, replace(said, interval=None)):
        assert finding_kinds(verify_again(changed)) == [("interval", None)]
    made_up = replace(failed()["egfr"], interval=Interval(Decimal(1), Decimal(2), "%", "made up"))
    assert ("interval", None) in finding_kinds(verify_again(made_up, broken()))


def test_a_group_that_moved_it_by_something_else_is_told() -> None:
    said = exported_argument(*MODELLED)
    place = next(place for place, told in enumerate(said.attributions) if told.groups)
    told = said.attributions[place]
    first = replace(told.groups[0], amount=told.groups[0].amount + 1)
    changed = replace(told, groups=(first, *told.groups[1:]))
    attributions = (*said.attributions[:place], changed, *said.attributions[place + 1 :])
    assert finding_kinds(verify_again(replace(said, attributions=attributions))) == [("attribution", None)]

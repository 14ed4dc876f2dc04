"""Answers about the synthetic patients, asked once for everything, without a server and without a cache."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache

from collectors.gatherer import facts_from_resources
from fixtures.make_patients import PATIENTS
from fixtures.transactions import bundles_in, resources_of
from ontology.values import Value
from server.compiler.compilation import compile_plan
from server.executor.question import Question
from server.explain.attribution import with_attributions
from server.explain.comparisons import Baseline, Comparison
from server.explain.explain import explain
from server.explain.results import AnswerResult
from tests.support.asking import SOURCE, Record, asking
from tests.support.proving import every_concept

AT = datetime(2026, 6, 30, 12, tzinfo=UTC)
KEY = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I="
PATIENTLY = {"deadline": 300}
"""Seconds: what is loaded by the first question takes its time on a busy machine."""
SINCE = AT - timedelta(days=150)


@cache
def charts() -> Mapping[str, tuple[Record, ...]]:
    """The synthetic patients as records; of each the last version."""
    found = {}
    for bundle in bundles_in(PATIENTS):
        last = {(each["resourceType"], each["id"]): each for each in resources_of(bundle)}
        found[bundle["id"]] = tuple(last.values())
    return found


@cache
def answers(key: str | None = KEY) -> Mapping[tuple[str, str], AnswerResult]:
    """Every computed concept of every synthetic patient, attributed, by patient and concept."""
    return asyncio.run(_all(key))


async def _all(key: str | None) -> Mapping[tuple[str, str], AnswerResult]:
    told = {}
    async with asking(cache={"enabled": False, "key": key}, site={"north-america": True}, server=PATIENTLY) as ask:
        plan = compile_plan(ask.engine.catalog, every_concept())
        for name, records in charts().items():
            question = Question(name, every_concept(), AT, "ehr", {}, earlier_times=(SINCE,))
            facts = facts_from_resources(SOURCE, name, plan.searches, list(records))
            trace = await ask.engine.answer(question, plan, AT, facts, SOURCE)
            against = (Comparison(Baseline.REFERENCE), Comparison(Baseline.EARLIER, SINCE))
            for result in with_attributions(trace, explain(trace), against):
                told[name, result.concept.id] = result
    return told


def assumed(patient: str, concept: str, assume: Mapping[str, Value]) -> AnswerResult:
    """A what-if about a synthetic patient, with what it moved against the record."""

    async def go() -> AnswerResult:
        async with asking(cache={"enabled": False, "key": KEY}, server=PATIENTLY) as ask:
            question = Question(patient, (concept,), AT, "ehr", assume, compare_without_assumptions=True)
            plan = compile_plan(ask.engine.catalog, (concept,), frozenset(assume))
            without = compile_plan(ask.engine.catalog, (concept,))
            facts = facts_from_resources(SOURCE, patient, without.searches, list(charts()[patient]))
            trace = await ask.engine.answer(question, plan, AT, facts, SOURCE)
            return with_attributions(trace, explain(trace), (Comparison(Baseline.ACTUAL),))[0]

    return asyncio.run(go())

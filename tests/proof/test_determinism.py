"""What must not change an answer: asking again, no cache, other questions at the same time, the order of records."""

import asyncio
import random
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from fixtures.ehr import Ehr
from fixtures.make_patients import PATIENTS
from fixtures.transactions import bundles_in, resources_of
from server.executor.engine import Engine
from server.executor.question import Question
from server.executor.trace import Trace
from server.explain.results import AnswerResult
from tests.support.engine_questions import Asker, evaluated_modules, open_asker, shipped
from tests.support.proof_questions import every_concept, results_by_concept, settings_for

AT = datetime(2026, 6, 30, 12, tzinfo=UTC)


def say(trace: Trace) -> list[tuple[Any, ...]]:
    """All that a reader is told, but for what was reused and why."""
    return [_said(result) for result in results_by_concept(trace).values()]


def _said(result: AnswerResult) -> tuple[Any, ...]:
    chain = [(s.module.id, s.value, s.claim, s.warrant, s.qualifier, s.rebuttals, s.grounds) for s in result.chain]
    head = (result.concept.id, result.status, result.value, result.bounds, result.text, result.interpretation)
    return (*head, result.effective, result.grounds_from, result.issues, result.fingerprint and chain)


def charts() -> dict[str, list[dict[str, Any]]]:
    """The synthetic patients as records; of each the last version."""
    found: dict[str, list[dict[str, Any]]] = {}
    for bundle in bundles_in(PATIENTS):
        last = {(each["resourceType"], each["id"]): each for each in resources_of(bundle)}
        found[bundle["id"]] = list(last.values())
    return found


def records_of(trace: Trace) -> set[str]:
    return {
        resource.source.id
        for execution in trace.executions
        for given in execution.inputs.values()
        for resource in given.resources
        if resource.source is not None
    }


@pytest.mark.ehr
async def test_asked_again_and_all_at_once(synthetic: dict[str, Trace], shared_ehr: Ehr) -> None:
    """Cold one after the other, cold all at once, warm all at once, and without a cache: the same answers."""

    async def all_at_once(engine: Engine) -> dict[str, Trace]:
        questions = [Question(name, every_concept(), AT) for name in synthetic]
        return dict(zip(synthetic, await asyncio.gather(*(engine.ask(each) for each in questions)), strict=True))

    settings = settings_for(shared_ehr.base_url)
    async with await Engine.open(settings, shipped()) as engine:
        cold, warm = await all_at_once(engine), await all_at_once(engine)
    async with await Engine.open(settings_for(shared_ehr.base_url, cache={"enabled": False}), shipped()) as engine:
        without = await all_at_once(engine)
    for name, trace in synthetic.items():
        assert evaluated_modules(warm[name]) == []
        assert say(cold[name]) == say(warm[name]) == say(without[name]) == say(trace)
        # Every record's id begins with its patient's.
        assert all(record.startswith(name) for record in records_of(warm[name]))


@pytest.mark.parametrize("name", sorted(charts()))
async def test_the_order_of_records_changes_nothing(name: str) -> None:
    records = charts()[name]
    async with open_asker(cache={"enabled": False}) as ask:
        expected = say(await ordered(ask, name, records))
        for seed in range(3):
            shuffled = random.Random(seed).sample(records, len(records))  # noqa: S311 - not for secrecy
            assert say(await ordered(ask, name, shuffled)) == expected


async def ordered(ask: Asker, name: str, records: Iterable[dict[str, Any]]) -> Trace:
    return await ask(records, *every_concept(), at=AT, patient=name)

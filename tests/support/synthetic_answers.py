"""Answers about the synthetic patients, asked once without a server, and their exported arguments verified again."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache

from collectors.gatherer import facts_from_resources
from fixtures.make_patients import PATIENTS
from fixtures.transactions import bundles_in, resources_of
from ontology.values import Value
from server.catalog.catalog import Catalog
from server.compiler.compilation import compile_plan
from server.executor.cache.encryption import Keyring
from server.executor.fingerprint import Environment
from server.executor.question import Question
from server.explain.attribution import with_attributions
from server.explain.comparisons import Baseline, Comparison
from server.explain.explain import explain
from server.explain.prov.exported import ExportedAnswer
from server.explain.results import AnswerResult
from server.settings.model import CacheSettings
from server.verify.findings import RecomputedAnswer
from server.verify.verify import recompute_answer
from tests.support.engine_questions import SOURCE, Record, open_asker, shipped
from tests.support.exported_arguments import exported_answer
from tests.support.proof_questions import every_concept

AT = datetime(2026, 6, 30, 12, tzinfo=UTC)
KEY = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I="
LONG_DEADLINE = {"deadline": 300}
"""Seconds: what is loaded by the first question takes its time on a busy machine."""
SINCE = AT - timedelta(days=150)


@cache
def synthetic_charts() -> Mapping[str, tuple[Record, ...]]:
    """The synthetic patients as records; of each the last version."""
    found = {}
    for bundle in bundles_in(PATIENTS):
        last = {(each["resourceType"], each["id"]): each for each in resources_of(bundle)}
        found[bundle["id"]] = tuple(last.values())
    return found


@cache
def synthetic_answers(key: str | None = KEY) -> Mapping[tuple[str, str], AnswerResult]:
    """Every computed concept of every synthetic patient, attributed, by patient and concept."""
    return asyncio.run(_ask_all(key))


async def _ask_all(key: str | None) -> Mapping[tuple[str, str], AnswerResult]:
    told = {}
    async with open_asker(
        cache={"enabled": False, "key": key}, site={"north-america": True}, server=LONG_DEADLINE
    ) as ask:
        plan = compile_plan(ask.engine.catalog, every_concept())
        for name, records in synthetic_charts().items():
            question = Question(name, every_concept(), AT, "ehr", {}, earlier_times=(SINCE,))
            facts = facts_from_resources(SOURCE, name, plan.searches, list(records))
            trace = await ask.engine.answer(question, plan, AT, facts, SOURCE)
            against = (Comparison(Baseline.REFERENCE), Comparison(Baseline.EARLIER, SINCE))
            for result in with_attributions(trace, explain(trace), against):
                told[name, result.concept.id] = result
    return told


def what_if_answer(patient: str, concept: str, assume: Mapping[str, Value]) -> AnswerResult:
    """A what-if about a synthetic patient, with what it moved against the record."""

    async def go() -> AnswerResult:
        async with open_asker(cache={"enabled": False, "key": KEY}, server=LONG_DEADLINE) as ask:
            question = Question(patient, (concept,), AT, "ehr", assume, compare_without_assumptions=True)
            plan = compile_plan(ask.engine.catalog, (concept,), frozenset(assume))
            without = compile_plan(ask.engine.catalog, (concept,))
            facts = facts_from_resources(SOURCE, patient, without.searches, list(synthetic_charts()[patient]))
            trace = await ask.engine.answer(question, plan, AT, facts, SOURCE)
            return with_attributions(trace, explain(trace), (Comparison(Baseline.ACTUAL),))[0]

    return asyncio.run(go())


RISK, SLOPE, NEWS2 = "kidney-failure-risk-5y", "egfr-slope", "news2"
KEYS = Keyring.from_secret(CacheSettings.model_validate({"key": KEY}).key_bytes())


@cache
def current_environment() -> Environment:
    """What the answers were made with."""
    return next(iter(synthetic_answers().values())).circumstances.environment


def verify_again(
    answer: ExportedAnswer, catalog: Catalog | None = None, keys: Keyring | None = KEYS
) -> RecomputedAnswer:
    """The argument computed again, by the shipped catalog unless another is given."""
    return recompute_answer(answer, catalog or shipped(), current_environment(), keys)


@cache
def exported_argument(patient: str = "ckd-progressing", concept: str = RISK) -> ExportedAnswer:
    """What the argument of one answer says."""
    return exported_answer(synthetic_answers()[patient, concept])


def finding_kinds(replayed: RecomputedAnswer) -> list[tuple[str, str | None]]:
    """The findings by kind and slot."""
    return [(finding.kind.value, finding.slot) for finding in replayed.all_findings()]


def findings_text(replayed: RecomputedAnswer) -> str:
    """What the findings say."""
    return "\n".join(finding.text for finding in replayed.all_findings())

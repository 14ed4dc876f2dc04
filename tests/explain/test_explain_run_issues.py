"""That a type of records failed is said of the answers that read some of it, and of no other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from collectors.gatherer import facts_from_resources
from ontology.evaluation import Issue, Severity
from server.compiler.compilation import compile_plan
from server.compiler.plan import Plan
from server.executor.question import Question
from server.explain.explain import explain
from server.explain.results import AnswerResult
from tests.support.engine_questions import SOURCE, open_asker, shipped
from tests.support.proof_questions import every_concept
from tests.support.synthetic_answers import AT, LONG_DEADLINE, synthetic_charts

CHARTS = ("af-stroke", "ckd-progressing", "infarction", "liver-day-3", "prevention", "sepsis-ward")
SETTINGS: dict[str, Any] = {"cache": {"enabled": False}, "site": {"north-america": True}, "server": LONG_DEADLINE}


def plan() -> Plan:
    return compile_plan(shipped(), every_concept())


@cache
def types() -> tuple[str, ...]:
    """The types of which records are searched, but for the Patient's."""
    return tuple(sorted({each.description.resource_type for each in plan().searches} - {"Patient"}))


async def answered(
    chart: str, without: str | None, code: str = "source-unreachable", *, remove: bool = True
) -> Mapping[str, AnswerResult]:
    """The answers by concept id where a type has no records, with the issue that it could not be retrieved."""
    records = [each for each in synthetic_charts()[chart] if not remove or each["resourceType"] != without]
    async with open_asker(**SETTINGS) as ask:
        asked = plan()
        facts = facts_from_resources(SOURCE, chart, asked.searches, records)
        trace = await ask.engine.answer(Question(chart, every_concept(), AT, "ehr", {}), asked, AT, facts, SOURCE)
        if without is not None:
            issue = Issue(Severity.WARNING, code, f"{without} could not be retrieved: source ehr: down.")
            trace = replace(trace, issues=(*trace.issues, issue))
        return {each.concept.id: each for each in explain(trace)}


def says_so(answer: AnswerResult) -> bool:
    return any(issue.text.endswith("source ehr: down.") for issue in answer.issues)


@pytest.mark.parametrize(
    ("without", "of", "silent"),
    [
        ("Condition", ("cha2ds2-vasc", "kidney-failure-risk-5y", "aki-stage"), ("age", "uacr", "supplemental-oxygen")),
        ("Observation", ("egfr", "news2", "bmi"), ("age",)),
        # They date what has no date of its own, and show that a list is looked after.
        ("Encounter", ("cha2ds2-vasc", "aki-stage", "prevent-10y-total-cvd"), ("age", "uacr", "supplemental-oxygen")),
    ],
)
async def test_it_is_said_of_what_reads_such_records(
    without: str, of: tuple[str, ...], silent: tuple[str, ...]
) -> None:
    found = await answered("af-stroke", without)
    assert all(says_so(found[each]) for each in of) and not any(says_so(found[each]) for each in silent)


async def test_that_the_patients_own_record_failed_is_said_of_all() -> None:
    """Nobody knows then whether they are alive."""
    found = await answered("af-stroke", "Patient", remove=False)
    assert all(map(says_so, found.values()))


async def test_an_issue_that_is_of_no_type_is_said_of_all() -> None:
    found = await answered("af-stroke", "Condition", "source-version")
    assert all(map(says_so, found.values()))


@pytest.mark.parametrize("chart", CHARTS)
async def test_where_it_is_not_said_the_records_change_nothing(chart: str) -> None:
    """All records of a type are taken away: an answer that does not say so is the same as with them."""
    usual = await answered(chart, None)
    silent = 0
    for each in types():
        for concept, answer in (await answered(chart, each)).items():
            if not says_so(answer):
                silent += 1
                assert (answer.status, answer.value, answer.bounds, answer.text, answer.issues) == (
                    usual[concept].status,
                    usual[concept].value,
                    usual[concept].bounds,
                    usual[concept].text,
                    usual[concept].issues,
                ), (concept, each)
    assert silent > 50

"""The published cases of ``shared/vectors``, through FHIR JSON: handed in, and over a real FHIR server.

A few of them also stand, with their citation, in the ``cases.json`` of the modules, which are tested everywhere.
"""

import asyncio
from collections import Counter

import pytest

from fixtures.ehr import Ehr
from ontology.values import Quantity
from server.executor.trace import Trace
from server.explain.results import Status
from tests.support.engine_questions import open_asker
from tests.support.proof_questions import ProofQuestion, ask_over_http, results_by_concept
from tests.support.published_cases import AT, WHY_ABSENT, Case, cases

CASES = cases()
pytestmark = [pytest.mark.real_data, pytest.mark.skipif(WHY_ABSENT is not None, reason=WHY_ABSENT or "")]
each_case = pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])


@pytest.fixture(scope="module")
def handed_in() -> dict[str, Trace]:
    async def ask_all() -> dict[str, Trace]:
        async with open_asker(cache={"enabled": False}) as ask:
            return {c.id: await ask(c.records, c.concept, at=AT, patient=c.id, assume=c.assume) for c in CASES}

    return asyncio.run(ask_all())


@pytest.fixture(scope="module")
def fetched(shared_ehr: Ehr) -> dict[str, Trace]:
    shared_ehr.load([record for case in CASES for record in case.records])
    return ask_over_http(shared_ehr.base_url, [ProofQuestion(c.id, c.id, AT, (c.concept,), c.assume) for c in CASES])


def test_every_published_case_is_there() -> None:
    # Three of the NEWS2 cases are of patients who are alert; the other four are tried in four levels each.
    assert Counter(case.id.rsplit("-", 1)[0] if case.concept != "news2" else "news2" for case in CASES) == {
        "ckd-epi": 20,
        "kfre": 6,
        "news2": 3 + 4 * 4,
    }


@each_case
def test_handed_in(case: Case, handed_in: dict[str, Trace]) -> None:
    check(case, handed_in[case.id])


@pytest.mark.ehr
@each_case
def test_over_a_fhir_server(case: Case, fetched: dict[str, Trace]) -> None:
    check(case, fetched[case.id])


@pytest.mark.parametrize("north_america", [True, False])
async def test_region_by_the_site(north_america: bool) -> None:
    """The region as a setting gives what it gives as an assumption."""
    of_region = [c for c in CASES if c.assume.get("north-america") is north_america]
    assert of_region
    async with open_asker(cache={"enabled": False}, site={"north-america": north_america}) as ask:
        for case in of_region:
            assume = {name: value for name, value in case.assume.items() if name != "north-america"}
            check(case, await ask(case.records, case.concept, at=AT, patient=case.id, assume=assume))


def check(case: Case, trace: Trace) -> None:
    result = results_by_concept(trace)[case.concept]
    assert result.status is Status.COMPLETE
    assert isinstance(result.value, Quantity)
    assert abs(result.value.value - case.expected) <= case.tolerance, (result.value.value, case.expected)

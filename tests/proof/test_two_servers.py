"""The same questions about the same patients, put to two FHIR servers that we did not write: the same answers.

sekmet-fhir keeps what it is sent and answers what it does not know with everything; Medplum's router refuses what it
does not know, names versions by UUIDs, sends no totals, and rewrites decimals.  `tests/fixtures/test_medplum.py` and
`docs/servers.md` have what else is different between them.
"""

import json
from collections.abc import Iterator
from datetime import datetime

import pytest

from fixtures.ehr import Ehr
from fixtures.make_patients import INDEX, PATIENTS
from fixtures.medplum.running import Medplum
from server.executor.engine import Engine
from server.executor.question import Question
from server.executor.trace import Trace
from server.settings import Settings
from tests.support.asking import ran
from tests.support.comparing import differences
from tests.support.proving import Asked, asked_over_http, every_concept, told, with_engine
from tests.support.real_answers import WHY_ABSENT, Answers

pytestmark = pytest.mark.ehr

SYNTHETIC = {each["id"]: datetime.fromisoformat(each["at"]) for each in json.loads((PATIENTS / INDEX).read_text())}

# What the servers' own ways change in an answer, by patient and concept, with the reason.  There is nothing.
OWN_WAYS: dict[tuple[str, str], str] = {}


def check(patient: str, one: Trace, other: Trace) -> None:
    """Statuses, values, bounds, texts, issues and the whole chains of all concepts are the same."""
    first, second = told(one), told(other)
    assert list(first) == list(second) == list(every_concept())
    for concept, result in first.items():
        found = differences(result, second[concept])
        assert bool(found) == ((patient, concept) in OWN_WAYS), f"{patient}, {concept}: {found}"


def test_other_answers_are_told_apart(synthetic: dict[str, Trace]) -> None:
    one, other = (told(synthetic[name])["age"] for name in ("healthy", "sparse"))
    assert {found.partition(":")[0] for found in differences(one, other)} >= {"patient", "value", "text", "chain"}


@pytest.fixture(scope="module")
def at_medplum(shared_medplum: Medplum) -> dict[str, Trace]:
    """The synthetic patients, asked for everything of Medplum."""
    shared_medplum.load_directory(PATIENTS)
    return asked_over_http(shared_medplum.base_url, questions())


def questions() -> Iterator[Asked]:
    yield from (Asked(patient, patient, at, every_concept()) for patient, at in SYNTHETIC.items())


@pytest.mark.parametrize("patient", SYNTHETIC)
def test_the_same_answers(synthetic: dict[str, Trace], at_medplum: dict[str, Trace], patient: str) -> None:
    check(patient, synthetic[patient], at_medplum[patient])


def test_the_same_answers_page_by_page(
    synthetic: dict[str, Trace], shared_medplum: Medplum, at_medplum: dict[str, Trace]
) -> None:
    """Seven entries a page: each server links its pages in a way of its own."""
    source = {"id": "ehr", "base_url": shared_medplum.base_url, "page_size": 7}

    async def ask(engine: Engine) -> dict[str, Trace]:
        return {each.key: await engine.ask(Question(each.patient, each.of, each.at)) for each in questions()}

    for patient, trace in with_engine(Settings.model_validate({"sources": [source]}), ask).items():
        check(patient, synthetic[patient], trace)


def test_a_result_had_from_one_server_is_reused_for_the_other(
    synthetic: dict[str, Trace], shared_ehr: Ehr, shared_medplum: Medplum, at_medplum: dict[str, Trace]
) -> None:
    """Fingerprints are over values: the same records in another server change none."""
    sources = [{"id": "one", "base_url": shared_ehr.base_url}, {"id": "other", "base_url": shared_medplum.base_url}]

    async def ask(engine: Engine) -> dict[str, list[str]]:
        found = {}
        for each in questions():
            for source in ("one", "other"):
                trace = await engine.ask(Question(each.patient, each.of, each.at, source))
            found[each.key] = ran(trace)
        return found

    assert with_engine(Settings.model_validate({"sources": sources}), ask) == {key: [] for key in SYNTHETIC}


@pytest.mark.real_data
@pytest.mark.skipif(WHY_ABSENT is not None, reason=WHY_ABSENT or "")
def test_the_same_answers_about_third_party_patients(answers: Answers, shared_medplum: Medplum) -> None:
    known = {each.patient.id: each for found in answers.values() for each in found}
    shared_medplum.load([resource for each in known.values() for resource in each.patient.resources])
    last = {name: each.patient.last_observation for name, each in known.items()}
    asked = [Asked(name, name, at, every_concept()) for name, at in last.items() if at is not None]
    assert len(asked) == len(known) == 52
    for patient, trace in asked_over_http(shared_medplum.base_url, asked).items():
        check(patient, known[patient].trace, trace)

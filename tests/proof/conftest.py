"""One real FHIR server for all proofs that talk to one."""

import json
from collections.abc import Iterator
from datetime import datetime

import pytest

from fixtures.ehr import Ehr, running_ehr
from fixtures.make_patients import INDEX, PATIENTS
from server.executor.trace import Trace
from tests.support.proving import Asked, asked_over_http, every_concept
from tests.support.real_answers import Answers, ask_of_all


@pytest.fixture(scope="session")
def ehr() -> Iterator[Ehr]:
    with running_ehr() as server:
        yield server


@pytest.fixture(scope="session")
def answers(ehr: Ehr) -> Answers:
    """All third-party patients, asked once for everything."""
    return ask_of_all(ehr)


@pytest.fixture(scope="session")
def synthetic(ehr: Ehr) -> dict[str, Trace]:
    """The synthetic patients, each asked once for everything at the time that their index names."""
    ehr.load_directory(PATIENTS)
    index = json.loads((PATIENTS / INDEX).read_text(encoding="utf-8"))
    questions = [Asked(p["id"], p["id"], datetime.fromisoformat(p["at"]), every_concept()) for p in index]
    return asked_over_http(ehr.base_url, questions)

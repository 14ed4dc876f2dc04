"""One real FHIR server for all tests that only read from one, and what is asked of it; how processes share the tests.

Imports are within the fixtures: most runs need none of this.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from fixtures.ehr import Ehr
    from fixtures.medplum.running import Medplum
    from server.executor.trace import Trace
    from tests.support.real_answers import Answers
    from tests.support.workers import FileScheduling

# No test is timed: where processes share a core, or a machine is busy, an example takes as long as it takes.
settings.register_profile("untimed", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FileScheduling:
    """What a process gets next: a whole file, or a group of files."""
    from tests.support.workers import FileScheduling

    return FileScheduling(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """What ``-n auto`` is, before ``--maxprocesses``."""
    from tests.support.workers import processes

    return processes()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Groups and order of the tests, where several processes share them; one process keeps the order of the files."""
    if hasattr(config, "workerinput"):
        from tests.support.workers import arrange

        arrange(items)


@pytest.fixture(scope="session")
def shared_ehr() -> Iterator[Ehr]:
    """A running FHIR server; tests load patients with ids of their own."""
    from fixtures.ehr import running_ehr

    with running_ehr() as server:
        yield server


@pytest.fixture(scope="session")
def shared_medplum() -> Iterator[Medplum]:
    """A running Medplum router with the same rules; left out, with the reason, where Node or its packages are not."""
    from fixtures.medplum.running import PACKAGES, running_medplum
    from tests.support.installed import require_npm

    require_npm(PACKAGES)
    with running_medplum() as server:
        yield server


@pytest.fixture(scope="session")
def answers(shared_ehr: Ehr) -> Answers:
    """All third-party patients, asked once for everything."""
    from tests.support.real_answers import ask_of_all

    return ask_of_all(shared_ehr)


@pytest.fixture(scope="session")
def synthetic_ehr(shared_ehr: Ehr) -> Ehr:
    """The same server with the synthetic patients, loaded once: each loading more is a version more of every record."""
    from fixtures.make_patients import PATIENTS

    shared_ehr.load_directory(PATIENTS)
    return shared_ehr


@pytest.fixture(scope="session")
def synthetic(synthetic_ehr: Ehr) -> dict[str, Trace]:
    """The synthetic patients, each asked once for everything at the time that their index names."""
    from fixtures.make_patients import INDEX, PATIENTS
    from tests.support.proof_questions import ProofQuestion, ask_over_http, every_concept

    index = json.loads((PATIENTS / INDEX).read_text(encoding="utf-8"))
    questions = [ProofQuestion(p["id"], p["id"], datetime.fromisoformat(p["at"]), every_concept()) for p in index]
    return ask_over_http(synthetic_ehr.base_url, questions)

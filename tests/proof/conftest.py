"""One real FHIR server for all proofs that talk to one."""

from collections.abc import Iterator

import pytest

from fixtures.ehr import Ehr, running_ehr
from tests.support.real_answers import Answers, ask_of_all


@pytest.fixture(scope="session")
def ehr() -> Iterator[Ehr]:
    with running_ehr() as server:
        yield server


@pytest.fixture(scope="session")
def answers(ehr: Ehr) -> Answers:
    """All third-party patients, asked once for everything."""
    return ask_of_all(ehr)

"""One real FHIR server for all proofs that talk to one."""

from collections.abc import Iterator

import pytest

from fixtures.ehr import Ehr, running_ehr


@pytest.fixture(scope="session")
def ehr() -> Iterator[Ehr]:
    with running_ehr() as server:
        yield server

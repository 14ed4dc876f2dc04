"""An EHR that can misbehave, and the application before it, by a clock that stands still."""

from collections.abc import AsyncIterator

import pytest

from tests.support.launching_ehr import LaunchedSite, LaunchingEhr, launched_site
from tests.support.token_issuer import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def ehr(clock: Clock) -> AsyncIterator[LaunchingEhr]:
    async with LaunchingEhr.listening(clock) as listening:
        yield listening


@pytest.fixture
async def site(ehr: LaunchingEhr, clock: Clock) -> AsyncIterator[LaunchedSite]:
    async with launched_site(clock, ehr.source()) as served:
        yield served

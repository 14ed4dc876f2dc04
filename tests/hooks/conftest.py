"""A cache for what hooks keep."""

from collections.abc import AsyncIterator

import pytest

from server.executor.cache.encryption import Keyring, SealedStore
from tests.support.cache_servers import Backend, open_backend

KEYS = Keyring.from_secret(b"s" * 32)


@pytest.fixture
def keys() -> Keyring:
    return KEYS


@pytest.fixture
async def backend() -> AsyncIterator[Backend]:
    async with open_backend("embedded") as opened:
        yield opened


@pytest.fixture
def store(backend: Backend) -> SealedStore:
    return SealedStore(backend.store, KEYS.seal)

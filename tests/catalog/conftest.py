"""Many tests here load a copy in which one file was changed: the rest is parsed once."""

from collections.abc import Iterator
from functools import cache

import pytest

from server.catalog import catalog


@pytest.fixture(scope="session", autouse=True)
def parsed_once() -> Iterator[None]:
    """The same bytes give the same graph, which nothing changes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalog, "read_turtle", cache(catalog.read_turtle))
        patch.setattr(catalog, "read_marked_turtle", cache(catalog.read_marked_turtle))
        yield

"""Many tests here load a copy in which one file was changed: the rest is parsed once."""

from collections.abc import Iterator
from functools import cache

import pytest

from server.catalog.source_lines import read_marked_turtle
from server.catalog.turtle import read_turtle


@pytest.fixture(scope="session", autouse=True)
def parsed_once() -> Iterator[None]:
    """The same bytes give the same graph, which nothing changes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("server.catalog.catalog.read_turtle", cache(read_turtle))
        patch.setattr("server.catalog.catalog.read_marked_turtle", cache(read_marked_turtle))
        yield

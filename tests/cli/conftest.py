"""The shipped catalog, which most commands load, is loaded once for all tests of commands in a process."""

from collections.abc import Iterator
from functools import cache
from inspect import signature
from typing import Any

import pytest

from server.catalog.catalog import Catalog, load_catalog
from tests.support.engine_questions import shipped


@cache
def _with_terminology_server() -> Catalog:
    return load_catalog(terminology_server=True)


def _load_once(*given: Any, **named: Any) -> Catalog:
    """As ``load_catalog``: what is loaded from folders of a test is loaded each time."""
    asked = signature(load_catalog).bind(*given, **named).arguments
    if any(value for name, value in asked.items() if name != "terminology_server"):
        return load_catalog(**asked)
    return _with_terminology_server() if asked.get("terminology_server") else shipped()


@pytest.fixture(scope="module", autouse=True)
def loaded_once() -> Iterator[None]:
    """Nobody changes a catalog, so that all may have the same one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("server.catalog.catalog.load_catalog", _load_once)
        yield

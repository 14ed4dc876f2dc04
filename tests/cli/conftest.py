"""The shipped catalog, which most commands load, is loaded once for all tests of commands in a process."""

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from server.catalog.catalog import Catalog, load_catalog
from tests.support.engine_questions import shipped


@cache
def _with_terminology_server() -> Catalog:
    return load_catalog(terminology_server=True)


def _load_once(
    root: Path | None = None,
    extra_modules: Iterable[Path] = (),
    value_sets: Iterable[Path] = (),
    terminology_server: bool = False,
    verdict_file: Path | None = None,
) -> Catalog:
    """As ``load_catalog``: what is loaded from folders of a test is loaded each time."""
    modules, sets = tuple(extra_modules), tuple(value_sets)
    if root or modules or sets or verdict_file:
        return load_catalog(root, modules, sets, terminology_server, verdict_file)
    return _with_terminology_server() if terminology_server else shipped()


@pytest.fixture(scope="module", autouse=True)
def loaded_once() -> Iterator[None]:
    """Nobody changes a catalog, so that all may have the same one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("server.catalog.catalog.load_catalog", _load_once)
        yield

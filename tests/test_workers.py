"""Several processes share the tests: a file is run by one of them, and so are the files that share something costly."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.workers import CACHE, PATIENTS, SHARED_CACHE, FileScheduling, arrange, file_groups, processes


class Collected:
    """A test as far as groups need it."""

    def __init__(self, path: str, *fixtures: str, parameter: object = None) -> None:
        self.path = Path(path)
        self.fixturenames = fixtures
        self.marks: list[str] = []
        if parameter is not None:
            self.callspec = SimpleNamespace(params={"backend": parameter})

    def add_marker(self, mark: Any) -> None:
        self.marks += mark.args


def collected() -> list[Any]:
    return [
        Collected("tests/a.py"),
        Collected("tests/b.py", "tmp_path", "answers"),
        Collected("tests/b.py"),
        Collected("tests/c.py", "backend", parameter="embedded"),
        Collected("tests/c.py", "backend", parameter=SHARED_CACHE),
        Collected("tests/proof/d.py", "backend", parameter=3),
        Collected("tests/proof/e.py", "shared_medplum", parameter=SHARED_CACHE),
    ]


def test_files_that_share_something_costly_are_a_group() -> None:
    found = {path.stem: group for path, group in file_groups(collected()).items()}
    assert found == {"b": PATIENTS, "c": CACHE, "e": PATIENTS}


def test_groups_come_first_and_then_the_slow_directory() -> None:
    items = collected()
    arrange(items)
    assert [each.path.stem for each in items] == ["b", "b", "e", "c", "c", "d", "a"]
    assert [each.marks for each in items] == [[PATIENTS]] * 3 + [[CACHE]] * 2 + [[]] * 2


@pytest.mark.parametrize(("cores", "wanted"), [({0}, 2), ({0, 5}, 3)])
def test_there_is_one_process_more_than_cores(monkeypatch: pytest.MonkeyPatch, cores: set[int], wanted: int) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: cores, raising=False)
    assert processes() == wanted


@pytest.mark.parametrize(
    ("node", "scope"),
    [
        ("tests/a/test_b.py::test_c", "tests/a/test_b.py"),
        ("tests/a/test_b.py::test_c[x@y::z]", "tests/a/test_b.py"),
        ("tests/a/test_b.py::test_c[x]@patients", "patients"),
        ("tests/a/test_b.py::test_c@cache", "cache"),
    ],
)
def test_a_unit_is_a_group_or_a_file(node: str, scope: str) -> None:
    scheduling = FileScheduling.__new__(FileScheduling)
    assert scheduling._split_scope(node) == scope

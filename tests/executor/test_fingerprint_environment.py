"""A change of our code, vocabulary or libraries is seen; a change of anything else is not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from server.catalog.descriptions import Kind
from server.executor.fingerprint import measure_environment

REPO = Path(__file__).parents[2]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    for name in ("server/kinds/score.py", "server/catalog/catalog.py", "ontology/values.py", "ontology/turtle/mpm.ttl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("# one\n")
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["redis>=1", "no-such-package[extra]>=1"]\n')
    return tmp_path


def write(name: str) -> Callable[[Path], object]:
    return lambda root: (root / name).write_text("# two\n")


@pytest.mark.parametrize(
    "change",
    [
        write("server/kinds/score.py"),
        write("server/kinds/new.py"),
        write("server/catalog/catalog.py"),
        write("ontology/values.py"),
        write("ontology/turtle/mpm.ttl"),
        write("ontology/more.ttl"),
        write("requirements.lock"),
        write("requirements-run.lock"),
        lambda root: (root / "pyproject.toml").write_text('[project]\ndependencies = ["msgspec"]\n'),
        lambda root: (root / "server/kinds/score.py").rename(root / "server/kinds/renamed.py"),
    ],
)
def test_a_change_is_seen(house: Path, change: Callable[[Path], object]) -> None:
    before = measure_environment(house).digest(Kind.SCORE)
    change(house)
    assert measure_environment(house).digest(Kind.SCORE) != before


def test_other_files_do_not_count(house: Path) -> None:
    before = measure_environment(house)
    (house / "README.md").write_text("# two\n")
    (house / "server/kinds/notes.txt").write_text("# two\n")
    assert measure_environment(house) == before


def test_without_a_project_file_all_that_is_installed_counts(house: Path) -> None:
    before = measure_environment(house)
    (house / "pyproject.toml").unlink()
    assert measure_environment(house).libraries != before.libraries


def test_our_own_house_is_measured() -> None:
    environment = measure_environment(REPO)
    assert set(environment.kinds) == set(Kind)
    assert environment == measure_environment(REPO)

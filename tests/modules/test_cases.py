"""Every worked case of every module, from its publication; the same that ``python -m server check`` runs."""

from pathlib import Path

import pytest

import modules
from server.catalog.descriptions import Description
from server.kinds.worked_cases import WorkedCase, read_cases, run_case, run_cases
from tests.support.engine_questions import shipped

ROOT = Path(modules.__file__).parent
FOLDERS = sorted(path.parent for path in ROOT.glob("*/module.ttl"))
CASES = [
    pytest.param(folder, case, id=f"{case.module or folder.name}:{case.name}")
    for folder in FOLDERS
    if (folder / "cases.json").is_file()
    for case in read_cases(folder / "cases.json")
]


@pytest.fixture(scope="module")
def descriptions() -> tuple[Description, ...]:
    return tuple(shipped().modules.values())


@pytest.mark.parametrize(("folder", "case"), CASES)
def test_case(descriptions: tuple[Description, ...], folder: Path, case: WorkedCase) -> None:
    assert run_case(case, [d for d in descriptions if d.folder == folder]) is None


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_folder_has_cases_for_each_of_its_modules(descriptions: tuple[Description, ...], folder: Path) -> None:
    assert run_cases([d for d in descriptions if d.folder == folder], folder / "cases.json") == []

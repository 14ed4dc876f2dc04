"""What is said where the data that models are fitted to are missing or others; and that the check reads them all."""

import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import pytest

from fixtures.child import ROOT
from training import check
from training.data import DataError, member
from training.run import run

HELLO = sha256(b"hello").hexdigest()


def wheel(folder: Path, text: bytes) -> None:
    with ZipFile(folder / "some-1.0-py3.whl", "w") as archive:
        archive.writestr("some/data.csv", text)


def test_a_file_that_is_what_it_should_be_is_read(tmp_path: Path) -> None:
    wheel(tmp_path, b"hello")
    assert member(tmp_path, "some-1.0-*.whl", "some/data.csv", HELLO) == "hello"


def broken(folder: Path) -> None:
    (folder / "some-1.0-py3.whl").write_bytes(b"no archive")


@pytest.mark.parametrize(
    ("prepare", "name", "says"),
    [
        (lambda folder: None, "some/data.csv", "There is no some-1.0-"),
        (broken, "some/data.csv", "is damaged or has no some/data.csv"),
        (lambda folder: wheel(folder, b"hello"), "some/other.csv", "is damaged or has no some/other.csv"),
        (lambda folder: wheel(folder, b"hallo"), "some/data.csv", "its SHA-256 differs"),
    ],
)
def test_what_cannot_be_used_is_said_with_what_to_do(
    tmp_path: Path, prepare: Callable[[Path], object], name: str, says: str
) -> None:
    prepare(tmp_path)
    with pytest.raises(DataError) as error:
        member(tmp_path, "some-1.0-*.whl", name, HELLO)
    assert says in str(error.value) and "make training-data" in str(error.value)


def test_a_train_script_without_data_ends_in_words(tmp_path: Path) -> None:
    from modules.mortality_after_mi_1y.train import task

    with pytest.raises(SystemExit) as ended:
        run(task, tmp_path, ["--data", str(tmp_path)])
    assert "make training-data" in str(ended.value.code)
    assert list(tmp_path.iterdir()) == []


def test_the_check_names_every_model_without_its_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main(["--data", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert [line.partition(":")[0] for line in told.splitlines()] == check.fitted()
    assert len(check.fitted()) == 3


def test_the_packages_are_pinned_by_hash_and_name_no_registry() -> None:
    wanted = re.findall(r"^([a-z][a-z-]+==[0-9.]+)$", (ROOT / "training/data.in").read_text(), re.MULTILINE)
    lock = (ROOT / "training/data.lock").read_text()
    assert wanted == re.findall(r"^([a-z-]+==[0-9.]+) \\$", lock, re.MULTILINE)
    assert lock.count("--hash=sha256:") >= len(wanted) and "://" not in lock

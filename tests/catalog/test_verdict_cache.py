"""What was found sound is not checked again; anything else is."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from server.catalog import catalog
from server.catalog.catalog import load_catalog
from server.catalog.shapes import shape_faults
from server.catalog.verdict_cache import VerdictCache
from server.errors import CatalogError
from tests.support.descriptions import copy_descriptions as descriptions


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Some of the shipped descriptions, to be changed."""
    return descriptions(tmp_path, "age", "bmi")


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each time that the shapes were applied."""
    found: list[int] = []

    def counting(*arguments: Any, **named: Any) -> list[str]:
        found.append(1)
        return shape_faults(*arguments, **named)

    monkeypatch.setattr(catalog, "shape_faults", counting)
    return found


def test_the_very_same_is_checked_once(copied: Path, runs: list[int]) -> None:
    stamp = copied / "var" / "checked"
    first = load_catalog(copied, verdict_file=stamp)
    assert load_catalog(copied, verdict_file=stamp).digest == first.digest
    assert len(runs) == 1


def test_what_was_changed_is_checked_and_a_fault_still_stops_the_start(copied: Path, runs: list[int]) -> None:
    stamp = copied / "var" / "checked"
    load_catalog(copied, verdict_file=stamp)
    description = copied / "modules" / "bmi" / "module.ttl"
    sound = description.read_text()
    description.write_text(sound.replace("dcterms:title", "dcterms:description", 1))
    for _ in range(2):
        with pytest.raises(CatalogError, match="bmi"):
            load_catalog(copied, verdict_file=stamp)
    description.write_text(sound)
    load_catalog(copied, verdict_file=stamp)
    # What is faulty is never remembered, and is checked twice each time: the second time for the lines of its faults.
    # What was sound before still is.
    assert len(runs) == 1 + 2 * 2


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("mpm:stepBack", "mpm:stepBck", "did you mean mpm:stepBack"),
        ("mpm:concept mpm:BodyWeight", "mpm:concept mpm:BodyWeihgt", "no concept mpm:BodyWeihgt"),
    ],
)
def test_shapes_are_applied_once_where_the_fault_is_before_or_after_them(
    old: str, new: str, fault: str, copied: Path, runs: list[int]
) -> None:
    description = copied / "modules" / "bmi" / "module.ttl"
    text = description.read_text()
    assert old in text
    description.write_text(text.replace(old, new, 1))
    with pytest.raises(CatalogError, match=fault):
        load_catalog(copied)
    assert len(runs) == 1


def test_layout_and_comments_are_no_change(copied: Path, runs: list[int]) -> None:
    stamp = copied / "var" / "checked"
    load_catalog(copied, verdict_file=stamp)
    description = copied / "modules" / "bmi" / "module.ttl"
    description.write_text("# A comment.\n" + description.read_text())
    load_catalog(copied, verdict_file=stamp)
    assert len(runs) == 1


def test_states_that_take_turns_are_checked_once_each(copied: Path, runs: list[int]) -> None:
    """A server with further modules, and one without, may start from the same folder."""
    stamp = copied / "var" / "checked"
    own = copied / "ours" / "bmi_too"
    shutil.copytree(copied / "modules" / "bmi", own)
    (own / "module.ttl").write_text(
        (own / "module.ttl").read_text().replace('mpm:id "bmi"', 'mpm:id "bmi-too"').replace("mpm:Bmi ", "mpm:BmiToo ")
    )
    for _ in range(2):
        plain = load_catalog(copied, verdict_file=stamp)
        extended = load_catalog(copied, extra_modules=[copied / "ours"], verdict_file=stamp)
        assert extended.digest != plain.digest
    assert len(runs) == 2


def test_the_last_dozen_states_are_kept(tmp_path: Path) -> None:
    states = [f"{number:064x}" for number in range(14)]
    for state in states:
        VerdictCache(tmp_path / "checked").store(state)
    kept = VerdictCache(tmp_path / "checked")
    assert [kept.contains(state) for state in states] == [False] * 2 + [True] * 12


def test_nothing_is_kept_of_another_folder_unless_it_is_said_where(copied: Path, runs: list[int]) -> None:
    load_catalog(copied)
    load_catalog(copied)
    assert len(runs) == 2
    assert not (copied / "var").exists()


@pytest.mark.parametrize("held", [b"", b"\xff\xfe", b"0" * 5000, b"0" * 64 + b"\nelse\n"])
def test_a_stamp_that_says_something_else_is_none(held: bytes, copied: Path, runs: list[int]) -> None:
    stamp = copied / "checked"
    stamp.write_bytes(held)
    load_catalog(copied, verdict_file=stamp)
    assert len(runs) == 1


def test_where_nothing_can_be_written_every_start_checks(copied: Path, runs: list[int]) -> None:
    stamp = copied / "ontology" / "mpm.ttl" / "checked"
    load_catalog(copied, verdict_file=stamp)
    load_catalog(copied, verdict_file=stamp)
    assert len(runs) == 2

"""A house to find one's way in: tests mirror the sources by name, helpers are shared in one way, files have a size.

Each rule is a function over a tree or over counts, so that it is seen to fail on a made-up one.
"""

import ast
import tomllib
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from statistics import median

import pytest

from benchmarks.structure import DIRECTORIES, LARGE, Sizes, sizes, warm_visit

ROOT = Path(__file__).resolve().parents[1]
HOUSE = DIRECTORIES[:4]
FREE = ("conformance", "proof", "support")
"""Folders below tests/ that mirror no room: specifications, whole questions, and the helpers of all tests."""

MOST_PER_THOUSAND = 8
MOST_SMALL = 30
MEDIAN = (100, 150)
MOST_ENTERED = 70


def source_names(room: Path) -> set[str]:
    """What a test of a room may be named by: a file of it, a folder, the room, or a file that several folders have."""
    files = {path.stem.strip("_") for path in room.iterdir() if path.suffix in {".py", ".ttl", ".toml"}}
    folders = [path for path in room.iterdir() if path.is_dir() and not path.name.startswith((".", "__"))]
    inner = Counter(path.stem for folder in folders for path in folder.iterdir() if path.is_file())
    shared = {stem for stem, count in inner.items() if count > 1}
    return (files | shared | {folder.name for folder in folders} | {room.name}) - {"init"}


def misplaced(root: Path) -> list[str]:
    """Files below tests/ that mirror no source, or that are neither tests nor fixtures where only these belong.

    Rooms of server/ are mirrored without that prefix: ``tests/executor`` for ``server/executor``.
    """
    faults = []
    for path in sorted((root / "tests").rglob("*.py")):
        room, name = path.parent.relative_to(root / "tests"), path.relative_to(root).as_posix()
        is_test = path.name.startswith("test_")
        if room.parts[:1] == ("support",):
            if is_test or path.name == "conftest.py":
                faults.append(f"{name}: tests/support holds helpers only; put the test where its source is mirrored")
        elif not is_test:
            if path.name != "conftest.py":
                faults.append(f"{name}: neither test_*.py nor conftest.py; put helpers into tests/support")
        elif room.parts and room.parts[0] not in FREE:
            places = (root / "server" / room,) if room.parts[0] == "server" else (root / room, root / "server" / room)
            rooms = [place for place in places if place.is_dir()]
            names = set(chain.from_iterable(map(source_names, rooms)))
            stem = path.stem.removeprefix("test_")
            if not any(stem == each or stem.startswith(f"{each}_") for each in names):
                faults.append(
                    f"{name}: mirrors no source; name it test_<source>.py or test_<source>_<aspect>.py after a file of"
                    f" {' or '.join(place.relative_to(root).as_posix() for place in rooms) or 'a room that exists'},"
                    " or put it into tests/proof if it is about a whole question"
                )
    return faults


def imported(path: Path) -> Iterator[tuple[int, str, bool]]:
    """Line and module of each import of a file, wherever in it; whether it is of the form ``from … import``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, False) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level + (node.module or ""), True


def wrongly_shared(root: Path) -> list[str]:
    """Imports out of tests in any way but ``from tests.support… import``, and those by sources in any way."""
    faults = []
    for path in sorted((root / "tests").rglob("*.py")):
        for line, module, is_from in imported(path):
            helper = is_from and (module == "tests.support" or module.startswith("tests.support."))
            own = module.startswith(".") or module.split(".")[0] in {"tests", "conftest", "support"}
            if own and not helper:
                faults.append(
                    f"{path.relative_to(root).as_posix()}:{line}: imports {module}; move what is shared into"
                    " tests/support and write `from tests.support.… import …`"
                )
    for path in (each for room in DIRECTORIES for each in sorted((root / room).rglob("*.py"))):
        for line, module, _ in imported(path):
            if module.split(".")[0] == "tests":
                faults.append(f"{path.relative_to(root).as_posix()}:{line}: a source imports {module}")
    return faults


def ill_sized(house: Sizes, every: Sizes) -> list[str]:
    """Which bounds the sizes of files break: ``house`` counts the rooms that run, ``every`` all directories."""
    faults = []
    if every.per_thousand > MOST_PER_THOUSAND:
        faults.append(
            f"{every.per_thousand:.2f} files a thousand lines, at most {MOST_PER_THOUSAND}: merge files that are read"
            " together, along their seams (python -m benchmarks.structure lists the sizes)"
        )
    if len(every.small) > MOST_SMALL:
        faults.append(
            f"{len(every.small)} files under 40 lines, at most {MOST_SMALL}: put what is no idea of its own to its"
            f" only user: {', '.join(every.small)}"
        )
    middle, (low, high) = median(house.lines.values()), MEDIAN
    if middle < low:
        faults.append(f"the median file has {middle} lines, at least {low}: merge the small ones along their seams")
    if middle > high:
        faults.append(f"the median file has {middle} lines, at most {high}: split those that hold two ideas")
    faults += [f"{name} has over {LARGE} lines: split it where a second idea begins" for name in every.large]
    return faults


def crowded(entered: int) -> list[str]:
    """Whether one warm question is led through more files than a reader can follow."""
    if entered <= MOST_ENTERED:
        return []
    return [
        f"one warm question enters {entered} files, at most {MOST_ENTERED}: merge layers that only hand on"
        " (python -m benchmarks.structure lists the files, with the calls into each)"
    ]


def test_every_test_mirrors_a_source() -> None:
    assert misplaced(ROOT) == []


def test_helpers_are_shared_in_one_way() -> None:
    assert wrongly_shared(ROOT) == []


def test_files_have_the_size_of_an_idea() -> None:
    assert ill_sized(sizes(HOUSE), sizes()) == []


async def test_one_warm_question_can_be_followed() -> None:
    visit = await warm_visit()
    assert "server/executor/engine.py" in visit.calls
    assert crowded(len(visit.calls)) == []


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small house that keeps all rules."""
    for name in (
        "server/executor/memory.py",
        "server/executor/__main__.py",
        "collectors/patient/read.py",
        "collectors/device/collector.ttl",
        "modules/age/evaluate.py",
        "modules/bmi/evaluate.py",
        "ontology/shapes.ttl",
        "tests/test_page.py",
        "tests/conftest.py",
        "tests/proof/test_anything.py",
        "tests/support/charts.py",
        "tests/executor/conftest.py",
        "tests/executor/test_memory.py",
        "tests/executor/test_memory_limits.py",
        "tests/executor/test_main.py",
        "tests/collectors/patient/test_read.py",
        "tests/collectors/device/test_device_states.py",
        "tests/modules/test_age.py",
        "tests/modules/test_evaluate_purity.py",
        "tests/ontology/test_shapes.py",
    ):
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("from tests.support.charts import patient\n" if name.startswith("tests/") else "")
    assert misplaced(tmp_path) == wrongly_shared(tmp_path) == []
    return tmp_path


@pytest.mark.parametrize(
    "name",
    [
        "tests/executor/test_memories.py",
        "tests/executor/test_executive.py",
        "tests/nowhere/test_memory.py",
        "tests/server/executor/test_memory.py",
        "tests/executor/helpers.py",
        "tests/proof/helpers.py",
        "tests/helpers.py",
        "tests/support/test_charts.py",
        "tests/support/conftest.py",
        "tests/modules/test_purity.py",
    ],
)
def test_a_misplaced_file_is_named(tree: Path, name: str) -> None:
    (tree / name).parent.mkdir(parents=True, exist_ok=True)
    (tree / name).write_text("")
    assert [fault.split(":")[0] for fault in misplaced(tree)] == [name]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("tests/proof/test_anything.py", "from tests.executor.test_memory import made"),
        ("tests/proof/test_anything.py", "import tests.support.charts"),
        ("tests/proof/test_anything.py", "from tests import support"),
        ("tests/proof/test_anything.py", "def test():\n    from conftest import answers"),
        ("tests/support/charts.py", "from .bundles import bundle"),
        ("tests/support/charts.py", "from tests.test_page import page"),
        ("tests/support/charts.py", "from tests.supported import page"),
        ("collectors/patient/read.py", "from tests.support.charts import patient"),
    ],
)
def test_an_import_out_of_a_test_is_named(tree: Path, name: str, line: str) -> None:
    (tree / name).write_text(line)
    assert [fault.split(":")[0] for fault in wrongly_shared(tree)] == [name]


def counted(*lines: int) -> Sizes:
    return Sizes({f"file_{place}.py": count for place, count in enumerate(lines)}, 0)


def test_each_bound_on_sizes_can_fail() -> None:
    good = counted(*[126] * 40)
    assert ill_sized(good, good) == []
    assert "8.06 files a thousand lines" in ill_sized(good, counted(*[124] * 40))[0]
    (small,) = ill_sized(good, counted(*[39] * 31, *[300] * 60))
    assert "31 files under 40 lines" in small
    assert ill_sized(good, counted(*[39] * 30, *[300] * 60)) == []
    (low,) = ill_sized(counted(99, 99), good)
    assert "merge" in low
    (high,) = ill_sized(counted(151, 151), good)
    assert "split" in high
    assert ill_sized(counted(100, 150, 150), good) == ill_sized(counted(100, 100, 150), good) == []
    (large,) = ill_sized(good, counted(*[126] * 40, 401))
    assert large.startswith("file_40.py")


def test_a_question_through_too_many_files_is_refused() -> None:
    assert crowded(70) == []
    assert "enters 71 files" in crowded(71)[0]


def test_tests_are_typed_as_the_code_is() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]
    assert settings["strict"] is True
    assert {*DIRECTORIES, "tests"} <= set(settings["packages"])
    relaxed = {
        name: value
        for section in settings["overrides"]
        if any(each.split(".")[0] in {*DIRECTORIES, "tests"} for each in section["module"])
        for name, value in section.items()
        if name != "module"
    }
    assert relaxed == {"strict_equality": False}, "mend the types instead, or say in pyproject.toml why not"

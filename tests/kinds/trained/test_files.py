"""Files of models that are made to harm: the module is FAILED in words, memory is bounded, and nothing else suffers."""

import json
import os
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from ontology import artefact
from ontology.artefact import bytes_digest, content_digest
from ontology.values import Absent, AbsentReason
from server import kinds
from server.catalog.descriptions import Description
from server.catalog.trained_model import ModelFile
from server.errors import ModelError
from server.kinds.trained.files import read_background, read_interval_table
from tests.support.trained_models import DTYPE, catalog_with_models, inputs, logistic, usual_values, write_model

MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Description:
    folder = tmp_path_factory.mktemp("models")
    write_model(folder, logistic(), "linear", (DTYPE,), id="hostile")
    return catalog_with_models(folder).modules["test-hostile"]


def bomb(path: Path) -> None:
    with ZipFile(path, "w", ZIP_DEFLATED) as archive, archive.open("schema.json", "w", force_zip64=True) as part:
        for _ in range(100):
            part.write(b" " * MEGABYTE)


def many_parts(path: Path) -> None:
    with ZipFile(path, "w") as archive:
        for number in range(artefact.MAX_PARTS + 1):
            archive.writestr(str(number), b"")


def understated(path: Path) -> None:
    """Says that it holds ten bytes, and holds more."""
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", b"x" * 9_999)
    path.write_bytes(path.read_bytes().replace((9_999).to_bytes(4, "little"), (10).to_bytes(4, "little")))


def deep(levels: int, opened: bytes = b'{"content": [', closed: bytes = b"]}") -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with ZipFile(path, "w", ZIP_DEFLATED) as archive:
            archive.writestr("schema.json", opened * levels + closed * levels)

    return write


def twice(path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"), ZipFile(path, "a") as archive:
        archive.writestr("schema.json", archive.read("schema.json"))


def device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def large(path: Path) -> None:
    with path.open("wb") as opened:
        opened.truncate(artefact.MAX_BYTES + 1)


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (bomb, "unpacked, it has more than"),
        (many_parts, "unpacked, it has more than"),
        (understated, "not a skops file"),
        (deep(1_000_000), "nests too deeply"),
        (deep(400), "nests too deeply"),
        (deep(1_000_000, b"[", b"]"), "nests too deeply"),
        (twice, "two parts have one name"),
        (device, "not a file"),
        (pipe, "not a file"),
        (large, "larger than"),
    ],
)
def test_a_file_that_is_made_to_harm(
    sound: Description, tmp_path: Path, harm: Any, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artefact, "MAX_BYTES", 16 * MEGABYTE)
    monkeypatch.setattr(artefact, "MAX_PARTS", 200)
    path = tmp_path / "model.skops"
    path.write_bytes((sound.folder / "model.skops").read_bytes())
    harm(path)
    for other in sound.folder.iterdir():
        if other.name != "model.skops" and other.is_file():
            (tmp_path / other.name).write_bytes(other.read_bytes())
    description = replace(sound, folder=tmp_path, digest=str(tmp_path))
    tracemalloc.start()
    try:
        (fault,) = kinds.model_faults(description)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert told in fault
    assert peak < 80 * MEGABYTE
    assert kinds.evaluate(description, inputs(description, **usual_values())).value == Absent(AbsentReason.FAILED)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        [],
        {"__class__": "Pipeline", "__module__": "sklearn.pipeline", "__loader__": "ObjectNode", "protocol": 2},
        {"__class__": "x", "__module__": "os", "__loader__": "FunctionNode", "protocol": 2, "content": "system"},
        {"__class__": "x", "__module__": "y", "__loader__": "NoSuchNode", "protocol": 2},
        {"__class__": "list", "__module__": "builtins", "__loader__": "ListNode", "protocol": 10**400, "content": []},
        {"__class__": "x", "__module__": "y", "__loader__": "CachedNode", "protocol": 2, "__id__": 1},
    ],
)
def test_a_schema_that_says_what_cannot_be(sound: Description, tmp_path: Path, schema: Any) -> None:
    path = tmp_path / "model.skops"
    with ZipFile(path, "w") as archive:
        archive.writestr("schema.json", json.dumps(schema))
    assert sound.model is not None
    model = replace(sound.model, artefact=ModelFile("model.skops", content_digest(path)), rows=None)
    (fault,) = kinds.model_faults(replace(sound, model=model, folder=tmp_path, digest=str(tmp_path)))
    assert "model.skops" in fault


NO_ROWS = (
    "[[1, Infinity]] | [[1, 1e400]] | [[1, -1e400]] | [[1]] | [] | [[[1, 2]]] | 1 | null | [[1, 2], [1]] | [[1, {}]]"
)


@pytest.mark.parametrize("rows", [*NO_ROWS.split(" | "), '[[1, "x"]]', "[" * 100_000 + "]" * 100_000])
def test_a_background_of_other_things_than_numbers(tmp_path: Path, rows: str) -> None:
    data = f'{{"columns": ["a", "b"], "origin": "made up", "rows": {rows}}}'.encode()
    (tmp_path / "rows.json").write_bytes(data)
    with pytest.raises(ModelError, match=r"rows\.json"):
        read_background(tmp_path, ModelFile("rows.json", bytes_digest(data)), ("a", "b"))


@pytest.mark.parametrize(
    ("margin", "low", "high"),
    [
        ("[0, 1]", "[0.1]", "[0.2, 0.3]"),
        ("[0, NaN]", "[0.1, 0.1]", "[0.2, 0.3]"),
        ("[NaN]", "[0.1]", "[0.2]"),
        ("[0, 1e400]", "[0.1, 0.1]", "[0.2, 0.3]"),
        ("[0]", "[NaN]", "[0.2]"),
        ("[0]", "[0.1]", "[1e400]"),
        ("[0]", "[-0.1]", "[0.1]"),
        ("[1, 0]", "[0.1, 0.1]", "[0.2, 0.3]"),
        ("[0]", "[0.3]", "[0.2]"),
        ("[]", "[]", "[]"),
        ("0", "0.1", "0.2"),
    ],
)
def test_a_table_of_intervals_that_cannot_be(tmp_path: Path, margin: str, low: str, high: str) -> None:
    data = f'{{"margin": {margin}, "low": {low}, "high": {high}}}'.encode()
    (tmp_path / "table.json").write_bytes(data)
    with pytest.raises(ModelError, match=r"table\.json"):
        read_interval_table(tmp_path, ModelFile("table.json", bytes_digest(data)))

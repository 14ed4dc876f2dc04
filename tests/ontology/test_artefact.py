"""The digest of a skops file: of what it holds, not of how it happens to be written."""

import json
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import pytest

from ontology.artefact import ArtefactError, bytes_digest, content_digest, file_digest


def schema(first: int = 1, second: int = 2, value: float = 1.5, keys: tuple[str, ...] = ("a", "b")) -> Any:
    """Two arrays, the first of them met twice."""
    nodes = {
        keys[0]: {"__id__": first, "type": "numpy", "file": f"{first}.npy"},
        keys[1]: {"__id__": second, "type": "numpy", "file": f"{second}.npy"},
    }
    return {"__id__": 99, "content": [*nodes.items(), {"again": {"__id__": first}, "value": value}], "protocol": 2}


def archive(path: Path, told: Any, parts: dict[str, bytes], year: int = 2026, compression: int = ZIP_STORED) -> Path:
    with ZipFile(path, "w", compression) as made:
        for name, data in parts.items():
            made.writestr(ZipInfo(name, (year, 1, 1, 0, 0, 0)), data, compression)
        made.writestr(ZipInfo("schema.json", (year, 1, 1, 0, 0, 0)), json.dumps(told))
    return path


def plain(path: Path) -> Path:
    return archive(path, schema(), {"1.npy": b"one", "2.npy": b"two"})


def test_names_times_order_and_compression_do_not_matter(tmp_path: Path) -> None:
    known = content_digest(plain(tmp_path / "a.skops"))
    others = (
        archive(tmp_path / "b.skops", schema(71, 5), {"5.npy": b"two", "71.npy": b"one"}),
        archive(tmp_path / "c.skops", schema(), {"1.npy": b"one", "2.npy": b"two"}, year=1999),
        archive(tmp_path / "d.skops", schema(), {"2.npy": b"two", "1.npy": b"one"}, compression=ZIP_DEFLATED),
    )
    assert [content_digest(other) for other in others] == [known] * 3
    assert content_digest(others[0].read_bytes()) == known


@pytest.mark.parametrize(
    ("told", "parts"),
    [
        (schema(value=1.6), {"1.npy": b"one", "2.npy": b"two"}),
        (schema(), {"1.npy": b"two", "2.npy": b"one"}),
        (schema(), {"1.npy": b"onet", "2.npy": b"wo"}),
        (schema(1, 1), {"1.npy": b"one"}),
        (schema(keys=("a", "c")), {"1.npy": b"one", "2.npy": b"two"}),
    ],
)
def test_what_is_meant_matters(tmp_path: Path, told: Any, parts: dict[str, bytes]) -> None:
    assert content_digest(archive(tmp_path / "b.skops", told, parts)) != content_digest(plain(tmp_path / "a.skops"))


def test_a_part_that_the_schema_does_not_speak_of_is_a_fault(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.skops", schema(), {"1.npy": b"one", "2.npy": b"two", "3.npy": b"three"})
    with pytest.raises(ArtefactError, match=r"a\.skops: 1 parts that its schema does not speak of"):
        content_digest(path)


@pytest.mark.parametrize("data", [b"", b"{}", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_skops_file(data: bytes) -> None:
    with pytest.raises(ArtefactError, match="its name: not a skops file"):
        content_digest(data, "its name")


def test_any_other_file_is_digested_by_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(b"abc")
    wanted = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert file_digest(path) == bytes_digest(b"abc") == wanted

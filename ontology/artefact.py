"""The content digest of a skops file.

Two dumps of one model differ byte for byte: their archives carry times, and every part is named after its address in
memory.  The digest is over the content: the schema with those names replaced by their order, and the arrays in the
order in which the schema refers to them.  A part that the schema does not refer to is a fault, since it would be in no
digest.
"""

import json
import stat
import zlib
from collections.abc import Iterator, Mapping
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from ontology.errors import OntologyError

SCHEMA = "schema.json"
MAX_BYTES = 256 * 1024 * 1024
"""Bytes of a file of a model at most, and of all that an archive holds once it is unpacked."""
MAX_PARTS = 50_000
"""Parts of an archive at most."""
_IDENTITY, _FILE = "__id__", "file"


class ArtefactError(OntologyError):
    """A file is no skops file, is too large, or holds parts that its schema does not speak of."""


def read_file(path: Path) -> bytes:
    """The bytes of a file.  Raises ArtefactError where it is too large, or no file but a device, say; OSError."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise ArtefactError(f"{path.name}: not a file")
    if found.st_size > MAX_BYTES:
        raise ArtefactError(f"{path.name}: larger than {MAX_BYTES} bytes")
    with path.open("rb") as opened:
        return opened.read(found.st_size)


def content_digest(source: Path | bytes, name: str | None = None) -> str:
    """SHA-256, in hex, of what a skops file holds.  Raises ArtefactError for a file that is none; OSError.

    ``source``: the file, or its bytes, and then the ``name`` by which errors call it.
    """
    called = name or (source.name if isinstance(source, Path) else "the artefact")
    data = read_file(source) if isinstance(source, Path) else source
    parts = _read_parts(data, called)
    files: dict[str, str] = {}
    try:
        named = _canonical_node(json.loads(parts.pop(SCHEMA)), {}, files, parts)
        serialized = json.dumps(named, sort_keys=True, separators=(",", ":"))
    except RecursionError:
        raise ArtefactError(f"{called}: its schema nests too deeply") from None
    except (KeyError, ValueError):
        raise ArtefactError(f"{called}: not a skops file") from None
    if left := parts.keys() - files.keys():
        raise ArtefactError(f"{called}: {len(left)} parts that its schema does not speak of")
    digest = sha256(serialized.encode())
    for name in files:
        digest.update(len(parts[name]).to_bytes(8, "big"))
        digest.update(parts[name])
    return digest.hexdigest()


def _read_parts(data: bytes, called: str) -> dict[str, bytes]:
    """All that an archive holds, by name.  Nothing is unpacked of one that says that it is too large."""
    try:
        with ZipFile(BytesIO(data)) as archive:
            held = archive.infolist()
            if len(held) > MAX_PARTS or sum(each.file_size for each in held) > MAX_BYTES:
                raise ArtefactError(f"{called}: unpacked, it has more than {MAX_BYTES} bytes or {MAX_PARTS} parts")
            # No more of a part is unpacked than the archive says: what is longer fails its checksum.
            parts = {each.filename: archive.read(each) for each in held}
    except (BadZipFile, KeyError, ValueError, NotImplementedError, RuntimeError, EOFError, OSError, zlib.error):
        raise ArtefactError(f"{called}: not a skops file") from None
    if len(held) != len(parts):
        raise ArtefactError(f"{called}: two parts have one name")
    return parts


def file_digest(path: Path) -> str:
    """SHA-256, in hex, of the bytes of any other file.  Raises OSError."""
    return bytes_digest(path.read_bytes())


def bytes_digest(data: bytes) -> str:
    """SHA-256, in hex, of bytes."""
    return sha256(data).hexdigest()


def _canonical_node(node: Any, identities: dict[int, int], files: dict[str, str], parts: Mapping[str, bytes]) -> Any:
    if isinstance(node, list):
        return [_canonical_node(each, identities, files, parts) for each in node]
    if not isinstance(node, dict):
        return node
    return dict(_canonical_items(node, identities, files, parts))


def _canonical_items(
    node: Mapping[str, Any], identities: dict[int, int], files: dict[str, str], parts: Mapping[str, bytes]
) -> Iterator[tuple[str, Any]]:
    for name, value in node.items():
        if name == _IDENTITY and isinstance(value, int):
            yield name, identities.setdefault(value, len(identities))
        elif name == _FILE and isinstance(value, str) and value in parts:
            yield name, files.setdefault(value, f"part {len(files)}")
        else:
            yield name, _canonical_node(value, identities, files, parts)

"""What a skops file holds, as one digest.

Two dumps of one model differ byte for byte: their archives carry times, and every part is named after where it happened
to lie in memory.  The digest is over what is meant: the schema with those names replaced by their order, and the arrays
in the order in which the schema speaks of them.  A part that the schema does not speak of is a fault, since it would
be in no digest.
"""

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from ontology.errors import OntologyError

SCHEMA = "schema.json"
_IDENTITY, _FILE = "__id__", "file"


class ArtefactError(OntologyError):
    """A file is no skops file, or holds parts that its schema does not speak of."""


def content_digest(source: Path | bytes, name: str | None = None) -> str:
    """SHA-256, in hex, of what a skops file holds.  Raises ArtefactError for a file that is none; OSError.

    ``source``: the file, or its bytes, and then the ``name`` by which errors call it.
    """
    called = name or (source.name if isinstance(source, Path) else "the artefact")
    data = source.read_bytes() if isinstance(source, Path) else source
    try:
        with ZipFile(BytesIO(data)) as archive:
            names = archive.namelist()
            parts = {name: archive.read(name) for name in names}
        schema = json.loads(parts.pop(SCHEMA))
    except (BadZipFile, KeyError, ValueError, NotImplementedError, RuntimeError, EOFError):
        raise ArtefactError(f"{called}: not a skops file") from None
    if len(names) != len(parts) + 1:
        raise ArtefactError(f"{called}: two parts have one name")
    identities: dict[int, int] = {}
    files: dict[str, str] = {}
    named = _renamed(schema, identities, files, parts)
    if left := parts.keys() - files.keys():
        raise ArtefactError(f"{called}: {len(left)} parts that its schema does not speak of")
    digest = sha256(json.dumps(named, sort_keys=True, separators=(",", ":")).encode())
    for name in files:
        digest.update(len(parts[name]).to_bytes(8, "big"))
        digest.update(parts[name])
    return digest.hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256, in hex, of the bytes of any other file.  Raises OSError."""
    return bytes_digest(path.read_bytes())


def bytes_digest(data: bytes) -> str:
    """SHA-256, in hex, of bytes."""
    return sha256(data).hexdigest()


def _renamed(node: Any, identities: dict[int, int], files: dict[str, str], parts: Mapping[str, bytes]) -> Any:
    if isinstance(node, list):
        return [_renamed(each, identities, files, parts) for each in node]
    if not isinstance(node, dict):
        return node
    return dict(_items(node, identities, files, parts))


def _items(
    node: Mapping[str, Any], identities: dict[int, int], files: dict[str, str], parts: Mapping[str, bytes]
) -> Iterator[tuple[str, Any]]:
    for name, value in node.items():
        if name == _IDENTITY and isinstance(value, int):
            yield name, identities.setdefault(value, len(identities))
        elif name == _FILE and isinstance(value, str) and value in parts:
            yield name, files.setdefault(value, f"part {len(files)}")
        else:
            yield name, _renamed(value, identities, files, parts)

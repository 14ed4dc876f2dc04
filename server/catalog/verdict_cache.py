"""Cache of SHACL verdicts, keyed by content digest: a start does not check again what was valid before.

The verdict of SHACL, and of the search for terms that the vocabulary does not declare, depends on the descriptions, the
shapes, the library and our code for it, and on nothing else.  The digest of the last valid state is kept in
``var/checked``; anything that differs from it is checked.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path

_MAX_BYTES = 1024


def verdict_digest(contents: Iterable[tuple[str, str]], code: Iterable[Path]) -> str:
    """A digest of what is checked (name and canonical digest of each file), and of what checks it."""
    found = blake2b(digest_size=32)
    found.update(f"pyshacl {version('pyshacl')} rdflib {version('rdflib')}\n".encode())
    for path in code:
        found.update(path.read_bytes())
    for name, digest in sorted(contents):
        found.update(f"{name}\0{digest}\n".encode())
    return found.hexdigest()


class VerdictCache:
    """The digest of the state that was last found valid, in a file that may be missing, and need not be writable.

    This object remembers it as well: a fault that is found after the shapes is located without applying them again.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._valid = ""

    def contains(self, digest: str) -> bool:
        """Whether exactly this state was found valid."""
        if digest == self._valid:
            return True
        if self._path is None:
            return False
        try:
            with self._path.open("rb") as file:
                return file.read(_MAX_BYTES).strip() == digest.encode()
        except OSError:
            return False

    def store(self, digest: str) -> None:
        """Keeps it for the next start, in one go; where it cannot be written, the next start checks again."""
        self._valid = digest
        if self._path is None:
            return
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        with suppress(OSError):
            self._path.parent.mkdir(exist_ok=True)
            draft.write_text(digest + "\n", encoding="ascii")
            draft.replace(self._path)

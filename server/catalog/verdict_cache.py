"""Cache of SHACL verdicts, keyed by content digest: a start does not check again what was valid before.

The verdict of SHACL, and of the search for terms that the vocabulary does not declare, depends on the descriptions, the
shapes, the library and our code for it, and on nothing else.  The digests of the last valid states are kept in
``var/checked``, one a line; anything else is checked.  There are several where a server starts with and without further
folders of modules.
"""

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path

_MAX_STATES = 12
_MAX_BYTES = 1024
"""More than that many lines: what is longer was not written by us."""
_DIGEST = re.compile(r"[0-9a-f]{64}")


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
    """Digests of the states last found valid, in a file that may be missing, and need not be writable.

    This object remembers it as well: a fault that is found after the shapes is located without applying them again.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._valid = ""

    def contains(self, digest: str) -> bool:
        """Whether exactly this state was found valid."""
        return digest == self._valid or digest in self._read()

    def store(self, digest: str) -> None:
        """Keeps it for the next start, in one go; where it cannot be written, the next start checks again."""
        self._valid = digest
        if self._path is None:
            return
        states = dict.fromkeys((digest, *self._read()))
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        with suppress(OSError):
            self._path.parent.mkdir(exist_ok=True)
            draft.write_text("".join(f"{each}\n" for each in list(states)[:_MAX_STATES]), encoding="ascii")
            draft.replace(self._path)

    def _read(self) -> list[str]:
        """The digests of the file, the newest first; none where there is none, or it holds something else."""
        if self._path is None:
            return []
        try:
            with self._path.open("rb") as file:
                lines = file.read(_MAX_BYTES).decode("ascii").splitlines()
        except (OSError, UnicodeDecodeError):
            return []
        return lines if all(_DIGEST.fullmatch(line) for line in lines) else []

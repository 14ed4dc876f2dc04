"""What a result depends on besides its inputs and its description: our code, our vocabulary, our libraries.

Measured once, at start, from files and installed packages; a change of any makes every fingerprint a new one.
"""

import platform
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from ontology.encoding import digest
from server.catalog.descriptions import Kind

_LOCKS = ("requirements.lock", "requirements-run.lock")


@dataclass(frozen=True, slots=True)
class Environment:
    """Digests of each kind's interpreter, of the ontology, and of the libraries that are installed."""

    kinds: Mapping[Kind, str]
    ontology: str
    libraries: str
    # Made when first asked for; every fingerprint has one of them in it.
    _digests: dict[Kind, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def digest(self, kind: Kind) -> str:
        """All that a module of this kind depends on, as one digest."""
        found = self._digests.get(kind)
        if found is None:
            found = self._digests[kind] = digest((self.kinds[kind], self.ontology, self.libraries))
        return found


def measure_environment(root: Path) -> Environment:
    """Measure what lies under ``root``, the folder that holds ``server`` and ``ontology``.

    The interpreters share their helpers, and read descriptions through the catalog: each kind's digest is over
    the sources of both, so that no helper goes unseen.
    """
    interpreter = _files(root, (*(root / "server/kinds").rglob("*.py"), *(root / "server/catalog").rglob("*.py")))
    ontology = _files(root, (*(root / "ontology").rglob("*.py"), *(root / "ontology").rglob("*.ttl")))
    return Environment(
        kinds=dict.fromkeys(Kind, interpreter),
        ontology=ontology,
        libraries=digest(
            (platform.python_implementation(), platform.python_version(), _locked(root), _installed(root))
        ),
    )


def _files(root: Path, paths: Iterable[Path]) -> str:
    return digest({path.relative_to(root).as_posix(): path.read_bytes().hex() for path in paths})


def _interpreter() -> str:
    return f"{platform.python_implementation()} {platform.python_version()}"


def _locked(root: Path) -> Mapping[str, str]:
    return {name: (root / name).read_bytes().hex() for name in _LOCKS if (root / name).is_file()}


def _installed(root: Path) -> Mapping[str, str | None]:
    """Versions of our direct dependencies, since what is installed may differ from what is locked."""
    project = root / "pyproject.toml"
    if not project.is_file():
        return {each.name.lower(): each.version for each in metadata.distributions()}
    wanted: list[str] = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["dependencies"]
    return {name: _version(name) for name in (re.split(r"[^\w.-]", each, maxsplit=1)[0] for each in wanted)}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None

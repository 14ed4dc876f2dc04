"""The fingerprint of a result: a keyed hash of exactly what it is computed from.

Inputs enter by the digests of their values, not by the fingerprints of the calls that produced them: if an upstream
call runs again and yields the same value, everything downstream stays cached (early cutoff).

A result also depends on its environment: code, vocabulary and libraries.  The environment is measured once, at the
start, from files and installed packages; a change in any of them changes every fingerprint.
"""

import platform
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from importlib import metadata
from pathlib import Path

from ontology.encoding import Encodable, digest, digest_encoded, encode, framed_list
from ontology.evaluation import SlotInput
from server.catalog.descriptions import Description, Kind

__all__ = [
    "FORMAT",
    "PUBLIC",
    "Environment",
    "InputDigests",
    "SlotInput",
    "consumed_digest",
    "fingerprint",
    "measure_environment",
    "truncate_time",
]

_LOCK_FILES = ("requirements.lock", "requirements-run.lock")


@dataclass(frozen=True, slots=True)
class Environment:
    """Digests of what results depend on besides inputs and description.

    ``kinds``: the source code that evaluates modules of each kind.  ``ontology``: its code and Turtle files.
    ``libraries``: the Python version, the lock files and the installed versions of the direct dependencies.
    """

    kinds: Mapping[Kind, str]
    ontology: str
    libraries: str
    # Computed on first use; each is part of every fingerprint of its kind.
    _digests: dict[Kind, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def digest(self, kind: Kind) -> str:
        """One digest of all that modules of this kind depend on, in hex."""
        known = self._digests.get(kind)
        if known is None:
            known = self._digests[kind] = digest((self.kinds[kind], self.ontology, self.libraries))
        return known


def measure_environment(root: Path) -> Environment:
    """Measure the environment under ``root``, the folder that contains ``server`` and ``ontology``.

    All kinds share helpers, and read descriptions through the catalog: each kind's digest covers all source files of
    ``server/kinds`` and ``server/catalog``, so that no helper is missed.
    """
    interpreter = _digest_files(
        root, (*(root / "server/kinds").rglob("*.py"), *(root / "server/catalog").rglob("*.py"))
    )
    ontology = _digest_files(root, (*(root / "ontology").rglob("*.py"), *(root / "ontology").rglob("*.ttl")))
    return Environment(
        kinds=dict.fromkeys(Kind, interpreter),
        ontology=ontology,
        libraries=digest(
            (
                platform.python_implementation(),
                platform.python_version(),
                _lock_file_contents(root),
                _installed_versions(root),
            )
        ),
    )


def _digest_files(root: Path, paths: Iterable[Path]) -> str:
    return digest({path.relative_to(root).as_posix(): path.read_bytes().hex() for path in paths})


def _interpreter() -> str:
    return f"{platform.python_implementation()} {platform.python_version()}"


def _lock_file_contents(root: Path) -> Mapping[str, str]:
    return {name: (root / name).read_bytes().hex() for name in _LOCK_FILES if (root / name).is_file()}


def _installed_versions(root: Path) -> Mapping[str, str | None]:
    """Installed versions of the direct dependencies (None: not installed); they may differ from the lock files."""
    project = root / "pyproject.toml"
    if not project.is_file():
        return {each.name.lower(): each.version for each in metadata.distributions()}
    required: list[str] = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["dependencies"]
    return {name: _installed_version(name) for name in (re.split(r"[^\w.-]", each, maxsplit=1)[0] for each in required)}


@cache
def _installed_version(name: str) -> str | None:
    """What a process has imported stays, whatever is installed while it runs."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


FORMAT = 3
"""Version of the format of fingerprints and of cached values; incremented when either changes."""

PUBLIC = b"medtwin public"
"""A public key, so that anybody can compute the fingerprint.  Only for outputs that contain the inputs in clear."""

_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PERSON = b"mt.fingerprint"


def consumed_digest(consumed: SlotInput, key: bytes) -> str:
    """Keyed digest of one input, in hex: its value in canonical form, its bounds, and what is presumed of it.

    An input of which nothing is presumed has the form that it had before there were such: one item fewer.  Raises
    EncodingError.
    """
    bounds = consumed.bounds
    limits = None if bounds is None else (bounds.low, bounds.high, bounds.unit)
    presumed = () if consumed.presumed is None else (consumed.presumed,)
    return digest((consumed.value, limits, *presumed), key, _PERSON)


class InputDigests:
    """The digests of the inputs of one run: many modules read the same values, and each is digested once.

    It contains patients' values with their digests, so it must not outlive the run.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._known: dict[tuple[type, SlotInput], str] = {}

    def digest_of(self, consumed: SlotInput) -> str:
        """``consumed_digest`` under the key.

        Raises EncodingError.  Equal inputs of one type have one canonical form.
        """
        known = self._known.get((type(consumed.value), consumed))
        if known is None:
            known = self._known[type(consumed.value), consumed] = consumed_digest(consumed, self._key)
        return known


def fingerprint(
    description: Description,
    inputs: Mapping[str, SlotInput],
    at: datetime | None,
    environment: Environment,
    key: bytes,
    zone: tzinfo = UTC,
    digests: InputDigests | None = None,
) -> str:
    """Keyed BLAKE2b (32 bytes, in hex) of all that the module's result depends on; ``key`` has at most 64 bytes.

    The evaluation time is included only if the module declares that it reads it, at the declared granularity, in
    ``zone``; the module must then be given ``truncate_time(at, …)`` and nothing finer.  ``digests``: those of the run,
    under the same key.

    Raises ValueError if a module that reads the time is given none, and EncodingError for an input without a canonical
    form.
    """
    known = digests or InputDigests(key)
    inputs_form = {name: known.digest_of(consumed) for name, consumed in inputs.items()}
    time = _time_read(description.evaluation_time, at, zone)
    items = (encode(inputs_form), encode(time), encode(environment.digest(description.kind)))
    return digest_encoded(framed_list(_encode_description(description), *items), key, _PERSON)


_encoded_descriptions: dict[int, tuple[Description, bytes]] = {}
_MAX_ENCODED = 4096


def _encode_description(description: Description) -> bytes:
    """The part of the hashed content that is the same at each execution of a description, encoded.

    Cached by object identity; the description is kept beside it, so that its id is not reused.
    """
    cached = _encoded_descriptions.get(id(description))
    if cached is not None and cached[0] is description:
        return cached[1]
    parts: tuple[Encodable, ...] = (
        FORMAT,
        description.iri,
        description.digest,
        description.code_digest,
        dict(description.parameters),
    )
    encoded = b"".join([encode(part) for part in parts])
    if len(_encoded_descriptions) >= _MAX_ENCODED:
        _encoded_descriptions.clear()
    _encoded_descriptions[id(description)] = (description, encoded)
    return encoded


def truncate_time(at: datetime, granularity: timedelta, zone: tzinfo = UTC) -> datetime:
    """The evaluation time, in ``zone``, truncated to the granularity at which a module reads it.

    Days begin at local midnight and are counted from 1970-01-01; finer granularities are counted in UTC from then.
    Raises ValueError for a granularity that is not positive, and for a time without a zone.
    """
    if granularity <= timedelta(0):
        raise ValueError("a granularity must be positive")
    if at.utcoffset() is None:
        raise ValueError("an evaluation time must carry a zone")
    if granularity % _DAY:
        return (at - (at - _EPOCH) % granularity).astimezone(zone)
    local = at.astimezone(zone).date()
    days = (local - _EPOCH.date()).days % (granularity // _DAY)
    return datetime.combine(local - timedelta(days=days), datetime.min.time(), zone)


def _time_read(granularity: timedelta | None, at: datetime | None, zone: tzinfo) -> str | None:
    if granularity is None:
        return None
    if at is None:
        raise ValueError("a module that reads the evaluation time was given none")
    # With its offset: one instant is a different day in another zone.
    return truncate_time(at, granularity, zone).isoformat()

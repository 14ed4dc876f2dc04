"""Reads value sets and concept maps from the JSON files of folders.  Each fault names its file."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import msgspec

from collectors.reading.fhir_types import element_path
from collectors.terminology.code_set import Canonical, DefinitionError, parse_canonical
from collectors.terminology.resource_elements import CONCEPT_MAP, VALUE_SET, ConceptMap, ValueSet

_MAX_BYTES = 64 * 1024 * 1024


class _Kind(msgspec.Struct):
    resourceType: str | None = None  # noqa: N815


_KIND = msgspec.json.Decoder(_Kind)


@dataclass(slots=True)
class TerminologyFiles:
    """Value sets and maps by canonical, each with its file's name; and every fault.

    ``digests`` are those of the value sets' files.
    """

    sets: dict[Canonical, tuple[str, ValueSet]] = field(default_factory=dict)
    maps: dict[Canonical, tuple[str, ConceptMap]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    digests: dict[Canonical, str] = field(default_factory=dict)

    def add(self, name: str, content: bytes, maps: bool = True) -> None:
        """Reads one file's content; a fault is added to ``faults``.  Without ``maps``, concept maps are ignored."""
        try:
            resource = decode_resource(content)
            own = canonical_of(resource)
        except DefinitionError as error:
            self.faults.append(f"{name}: {error}")
            return
        if isinstance(resource, ConceptMap) and not maps:
            return
        if resource.status == "retired":
            self.faults.append(f"{name}: its status is retired; remove the file, or put a current one in its place")
        existing = self.sets.get(own) if isinstance(resource, ValueSet) else self.maps.get(own)
        if existing is not None:
            self.faults.append(f"{name}: {own} is defined by {existing[0]} already")
        elif isinstance(resource, ValueSet):
            self.sets[own] = (name, resource)
            self.digests[own] = blake2b(content, digest_size=32).hexdigest()
        else:
            self.maps[own] = (name, resource)


def canonical_of(resource: ValueSet | ConceptMap) -> Canonical:
    """The canonical of a resource, by its url and version.  Raises DefinitionError where it has none."""
    if not resource.url:
        raise DefinitionError("it has no url")
    return parse_canonical(f"{resource.url}|{resource.version}" if resource.version else resource.url)


def decode_resource(content: bytes) -> ValueSet | ConceptMap:
    """A ValueSet or a ConceptMap from its JSON.  Raises DefinitionError for anything else."""
    try:
        kind = _KIND.decode(content).resourceType
        if kind == "ValueSet":
            return VALUE_SET.decode(content)
        if kind == "ConceptMap":
            return CONCEPT_MAP.decode(content)
    except msgspec.ValidationError as error:
        raise DefinitionError(f"{element_path(error)} is not of the type that FHIR says") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise DefinitionError("it is not readable JSON") from None
    raise DefinitionError("it is neither a ValueSet nor a ConceptMap")


def read_folders(folders: Iterable[Path], root: Path | None = None, maps: bool = True) -> TerminologyFiles:
    """Every ``*.json`` of these folders, in the order of their names, named from ``root`` where they lie under it.

    Without ``maps``, concept maps are ignored: they belong to one source each, value sets to all.  A missing folder is
    a fault.
    """
    files = TerminologyFiles()
    for folder in dict.fromkeys(folders):
        if not folder.is_dir():
            files.faults.append(f"{folder}: there is no such folder")
            continue
        for path in sorted(folder.glob("*.json")):
            name = path.relative_to(root).as_posix() if root is not None and path.is_relative_to(root) else str(path)
            try:
                if path.stat().st_size > _MAX_BYTES:
                    files.faults.append(f"{name}: it is larger than {_MAX_BYTES} bytes")
                    continue
                files.add(name, path.read_bytes(), maps)
            except OSError:
                files.faults.append(f"{name}: it cannot be read")
    return files

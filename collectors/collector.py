"""The reader of a collector: found by its folder, it reads the records of one search.

The code is ``collectors.<folder>.read.begin``.  Records of a folder without ``read.py`` are read as its description
says (``collectors.described``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol, TypeAlias, cast

from collectors.facts import Failure
from collectors.reading.readout import PatientContext, Readout
from collectors.reading.records import Record
from collectors.search import Search

NeededReferences: TypeAlias = Mapping[str, frozenset[str] | None]
"""Referenced records needed for reading, by resource type: those with these ids, or (None) all of the patient's.

Of the type Provenance: those about the lists with these ids.
"""

NO_REFERENCES: NeededReferences = {}


@dataclass(frozen=True, slots=True)
class ReferencedRecords:
    """The referenced records by resource type, and why those of a type could not be retrieved."""

    records: Mapping[str, tuple[Record, ...]] = field(default_factory=dict)
    failures: Mapping[str, Failure] = field(default_factory=dict)


class ReadingInProgress(Protocol):
    """Records that were parsed, to be finished once the referenced records are retrieved."""

    @property
    def needed_references(self) -> NeededReferences:
        """The referenced records that are needed."""

    def finish(self, references: ReferencedRecords) -> Readout:
        """The facts.  Never raises for the content of a record: faults are reported in the readout."""


BeginReading: TypeAlias = Callable[[list[Record], Search, PatientContext], ReadingInProgress]


@dataclass(frozen=True, slots=True)
class _NothingRead:
    """No records: nothing is needed, and nothing found."""

    needed_references: NeededReferences = field(default_factory=dict)

    def finish(self, references: ReferencedRecords) -> Readout:
        return Readout()


_NOTHING_READ = _NothingRead()


def begin_reading(records: list[Record], search: Search, context: PatientContext) -> ReadingInProgress:
    """Parses the records of a search with the reader of its collector; without records a layout finds nothing."""
    if not records and search.description.layout is not None:
        return _NOTHING_READ
    return _find_reader(search.description.folder)(records, search, context)


@cache
def _find_reader(folder: str) -> BeginReading:
    module = f"collectors.{folder}.read"
    try:
        exists = find_spec(module) is not None
    except ModuleNotFoundError:
        # A folder outside this package, or one without Python files.
        exists = False
    return cast(BeginReading, import_module(module if exists else "collectors.described.read").begin)

"""What a collector's folder gives: a reader of the records of one search.

The code is found by the folder's name: ``collectors.<folder>.read.begin``.  A folder without ``read.py`` is read as its
description says (``collectors.described``).
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
"""Further resource types that are needed to read records: those with these ids, or (None) all of the patient's."""

NO_REFERENCES: NeededReferences = {}


@dataclass(frozen=True, slots=True)
class ReferencedRecords:
    """What was wanted and came, by resource type; and why a type could not be had."""

    records: Mapping[str, tuple[Record, ...]] = field(default_factory=dict)
    failures: Mapping[str, Failure] = field(default_factory=dict)


class ReadingInProgress(Protocol):
    """Records that were looked through: what else is needed is known, and once it is there the facts are."""

    @property
    def needed_references(self) -> NeededReferences:
        """What else is needed."""

    def finish(self, references: ReferencedRecords) -> Readout:
        """The facts.  Never raises for what a record holds or lacks: that is told in the readout."""


BeginReading: TypeAlias = Callable[[list[Record], Search, PatientContext], ReadingInProgress]


def begin_reading(records: list[Record], search: Search, context: PatientContext) -> ReadingInProgress:
    """Looks through the records of a search, as its collector does."""
    return _find_reader(search.description.folder)(records, search, context)


@cache
def _find_reader(folder: str) -> BeginReading:
    own = f"collectors.{folder}.read"
    try:
        there = find_spec(own) is not None
    except ModuleNotFoundError:
        # A folder beside this package, or one with nothing but its description in it.
        there = False
    return cast(BeginReading, import_module(own if there else "collectors.described.read").begin)

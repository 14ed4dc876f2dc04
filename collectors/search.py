"""A search of a plan: the concepts needed of one resource type, how it is searched, and the layout of its records.

A *path* names elements from the record on, joined by dots, through lists; of a choice (``performed[x]``) it has the
name without the type.  ``collectors.described`` reads records by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum
from typing import Protocol

from ontology.concepts import Concept, Origin
from ontology.values import Coding


class Meaning(IntEnum):
    """What a state of a record means for what it is about; of several the gravest (the highest) holds."""

    COUNTS = 0
    """It is so, or was done."""
    ENDED = 1
    """It was so, and is no longer."""
    UNCLEAR = 2
    """On record, but unclear: neither yes nor no."""
    DOUBTED = 3
    """Only planned, proposed or suspected: does not count, and is reported."""
    NEGATED = 4
    """It was not done, or is stated to be absent: does not count, and is reported."""
    NEVER = 5
    """The record is to be passed over, as if it were not there."""


@dataclass(frozen=True, slots=True)
class State:
    """An element whose value says whether a record counts.

    A value that ``meanings`` does not have is UNCLEAR, and so is its absence, unless the element is ``optional``.
    ``of_now``: it says only whether what is recorded goes on; a listed value that is unclear leaves certain that it
    ever was so, where another state confirms that.
    """

    path: str
    meanings: Mapping[str, Meaning]
    optional: bool = False
    of_now: bool = False


@dataclass(frozen=True, slots=True)
class Parts:
    """The elements of a record that name what it consists of (the ingredients of a Medication).

    ``code_path`` and ``reference_path``: where an element has its code, or the reference to a contained record that
    has one at ``code``.  An element counts unless ``active_path`` says false.
    """

    path: str
    code_path: str
    reference_path: str
    active_path: str


@dataclass(frozen=True, slots=True)
class ReferencedCode:
    """A reference to a record of another type that has the code (the Medication of a prescription), or its parts."""

    path: str
    resource_type: str
    code_path: str
    parts: Parts | None = None


@dataclass(frozen=True, slots=True)
class ReportedElement:
    """An element that is reported to readers: as "label: value", or, where it ``equals`` a value, only the label."""

    path: str
    label: str
    equals: str | None = None


@dataclass(frozen=True, slots=True)
class Supply:
    """The paths of what is to be supplied: how long one supply lasts, how often it is repeated, and in which period."""

    length: str
    repeats: str
    valid: str


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of a record are.

    ``lasting``: what it records goes on until its end (a medication); else it was done at its time (a procedure).
    ``of_question``: it came with the question and is of its time, whatever dates it has (a draft order).
    ``window_by_start``: a window asks when it began (a diagnosis), not whether it was so at any time in the window.
    ``start_paths`` are the elements that say when, in order of preference; ``begun_when_recorded``: what is on record
    has begun, so a start that is as imprecise as a year ends with the time of recording.  ``end_paths`` are those that
    say when it ended, and ``intended_end_paths`` those that say until when it is meant to go on (only while it does).
    ``recorded`` says since when it is on record.  ``encounter`` leads to the Encounter that dates an undated one.
    ``presumed``: for so long after it began, or was recorded, what has no end counts as going on; after that it is not
    known whether it does (None: it goes on until it is ended).  ``supply`` may say that it lasts longer, or less long,
    which is reported.  ``notes`` are reported of each record that is used.
    """

    subject: str
    states: tuple[State, ...]
    codes: tuple[str, ...] = ()
    referenced_code: ReferencedCode | None = None
    lasting: bool = False
    of_question: bool = False
    window_by_start: bool = False
    start_paths: tuple[str, ...] = ()
    begun_when_recorded: bool = False
    end_paths: tuple[str, ...] = ()
    intended_end_paths: tuple[str, ...] = ()
    presumed: timedelta | None = None
    supply: Supply | None = None
    recorded: str | None = None
    encounter: str | None = None
    reported_elements: tuple[ReportedElement, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CollectorDescription:
    """Which FHIR resource type is read for concepts of which origin, and how it is searched.

    ``code_parameter`` None: the type is searched by patient alone.  ``includes`` are further resource types whose
    records of the same patient are needed to read these (Encounter for undated Conditions).  ``folder`` is where the
    description lies, and where the code that reads the records is found.  ``on_request``: used only for sources whose
    settings name the collector.  ``elements`` are all elements of a record that are read, of a choice by both its
    names ("value", "valueQuantity"); none where that is not declared.  ``layout`` says how the records are read, where
    the folder has no code of its own for that.  ``comes_with_question``: its records come with the question alone
    (draft orders), and no source is ever asked for them.
    """

    iri: str
    id: str
    origin: Origin
    resource_type: str
    patient_parameter: str
    code_parameter: str | None
    date_parameter: str | None
    digest: str
    folder: str
    includes: tuple[str, ...] = ()
    on_request: bool = False
    elements: tuple[str, ...] = ()
    layout: Layout | None = None
    comes_with_question: bool = False


class NamedCodes(Protocol):
    """The codes of all concepts that records of one origin may mean (``collectors.reading.codes.ConceptCodes``)."""

    def contains(self, key: tuple[str, str]) -> bool:
        """Whether a concept accepts the code (system, code)."""

    def canonical(self, key: tuple[str, str]) -> tuple[str, str]:
        """The code in the URI of its system, whatever other spelling of that a record has."""


class _NoCodes:
    def contains(self, key: tuple[str, str]) -> bool:
        return False

    def canonical(self, key: tuple[str, str]) -> tuple[str, str]:
        return key


NO_NAMED_CODES: NamedCodes = _NoCodes()
"""No concept: no code is known."""


@dataclass(frozen=True, slots=True)
class Search:
    """All that a plan needs of one resource type: sent to a source as one search (plus pages, plus code chunks).

    ``codes`` has every code of ``concepts`` in a stable order; ``window`` is the widest (None: no limit in time).
    ``latest_only``: of each concept nothing but its latest value is selected, as of the time of the question.
    ``named`` are the codes of all concepts that such records may mean, searched or not.
    ``of_list``: whether a list is looked after is asked of these records, its entries.
    """

    description: CollectorDescription
    concepts: tuple[Concept, ...]
    codes: tuple[Coding, ...]
    window: timedelta | None
    latest_only: bool = False
    named: NamedCodes = field(default=NO_NAMED_CODES, compare=False, repr=False)
    of_list: bool = False

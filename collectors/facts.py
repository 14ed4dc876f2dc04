"""The facts of one patient for one question, as the executor sees them: how slots are filled, and what failed.

``Facts`` knows no FHIR.  It lives as long as the question.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from ontology.concepts import Concept
from ontology.evaluation import Issue
from ontology.resources import Resource, Span
from ontology.slots import Slot
from ontology.values import AbsentReason, Value


@dataclass(frozen=True, slots=True)
class Failure:
    """Why nothing is available for a concept: UNREACHABLE, NOT_PERMITTED or NOT_QUERIED, and a text for readers.

    ``partial_supply``: records were supplied, and nobody stated that they are all: what needs all of them is unknown.
    """

    reason: AbsentReason
    text: str
    partial_supply: bool = False


@dataclass(frozen=True, slots=True)
class GatheredFacts:
    """Every fact read for the searched concepts, by concept id, readable or not, not yet selected.

    ``failures`` has the concepts whose search failed (then their facts are none, and that means nothing).
    ``issues`` concern the run.  ``requests`` counts HTTP requests sent.
    """

    resources: Mapping[str, tuple[Resource, ...]]
    failures: Mapping[str, Failure] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()
    death: Span | None = None
    requests: int = 0


@dataclass(frozen=True, slots=True)
class SlotSelection:
    """What fills a slot: the value, in the slot's unit, and the records that it rests on.

    ``issues``: what the reader must know of the records: stale, stepped back, conflicting, preliminary,
    excluded as invalid, conversion from an unusual code, outside the module's range.  ``presumed``: of an absent value,
    what it is if the list from which it is missing is complete.
    """

    value: Value
    resources: tuple[Resource, ...] = ()
    issues: tuple[Issue, ...] = ()
    presumed: bool | None = None


class Facts(Protocol):
    """The facts of one patient, to be selected from as of any time."""

    @property
    def death(self) -> Span | None:
        """When the patient died, if that is recorded."""

    @property
    def issues(self) -> tuple[Issue, ...]:
        """What concerns the question as a whole (a source unreachable, for one)."""

    def select(self, slot: Slot, as_of: datetime, known_at: datetime) -> SlotSelection:
        """Fill a slot from facts effective by ``as_of`` and, where an issue time is given, issued by ``known_at``."""

    def select_specimen(
        self, result: Slot, parts: tuple[Slot, ...], as_of: datetime, known_at: datetime
    ) -> Mapping[str, SlotSelection]:
        """Fill slots from one specimen: that of a recorded result, and those from which it can be computed."""

    def times(self, concepts: tuple[Concept, ...], since: datetime | None, until: datetime) -> tuple[datetime, ...]:
        """The distinct times, oldest first, at which usable facts of these concepts were made."""

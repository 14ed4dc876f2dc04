"""Facts about a patient: the time span that they hold for, and references to the records that they come from."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ontology.values import Value


@dataclass(frozen=True, slots=True)
class Span:
    """The time that a fact holds for, ends included; an instant has equal ends.  Both carry a zone.

    A record that says only ``2024-03`` spans that month, and is known to have happened only at its end.
    """

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class RecordRef:
    """The original in the EHR: ``server`` is the base URL, ``source`` the id in the settings."""

    source: str
    server: str
    type: str
    id: str
    version: str | None = None

    @property
    def url(self) -> str:
        """Absolute FHIR reference, without the version."""
        return f"{self.server.rstrip('/')}/{self.type}/{self.id}"


@dataclass(frozen=True, slots=True)
class Resource:
    """One fact about one patient: what it is about, its value, when, for whom, and where from.

    ``concept`` is the concept's id.  A fact that could not be read has an ``Absent`` value and says in
    ``problem`` what was met (element and rule; shown to the reader of this answer, never logged).
    ``recorded`` is the value and unit as written; ``status``, ``issued``, ``reference_range`` and
    ``interpretation`` are the record's own.
    """

    iri: str
    concept: str
    value: Value
    effective: Span | None
    subject: str
    source: RecordRef | None
    derived_from: tuple[str, ...] = ()
    status: str | None = None
    issued: datetime | None = None
    recorded: str | None = None
    reference_range: str | None = None
    interpretation: str | None = None
    problem: str | None = None
    notes: tuple[str, ...] = ()


def records_of(resources: Iterable[Resource]) -> tuple[RecordRef, ...]:
    """The originals in the EHR of some facts, each once."""
    return tuple(dict.fromkeys(resource.source for resource in resources if resource.source is not None))

"""An exported argument, read back: enough to compute each of its steps again, and to see what was changed.

Concepts, modules and records are named by their IRIs, as in the file: what they are here, only a catalog says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from ontology.evaluation import Interval, SlotInput
from ontology.values import Value
from server.explain.results import Contributions


@dataclass(frozen=True, slots=True)
class ExportedInput:
    """What filled a slot, as it was consumed (in the slot's unit), and where it came from.

    ``steps`` are positions in ``ExportedAnswer.steps`` (one, or one for each point of a series); ``records`` the
    addresses of the records, with their versions where the source gave one.
    """

    concept: str
    consumed: SlotInput
    steps: tuple[int, ...] = ()
    records: tuple[str, ...] = ()
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class ExportedStep:
    """One module call as of one time: the version of the module, its inputs by slot, and its result.

    ``fingerprint`` is under the key of the installation; ``content_digest`` is the same under a public one, so that
    it can be computed anywhere.  ``description``, ``code`` and ``environment`` are the digests that are part of both.
    ``bounds``: between which limits ``value`` lies, where it is absent or only the least that it can be.
    """

    module: str
    title: str
    version: str
    as_of: datetime
    inputs: Mapping[str, ExportedInput]
    value: Value
    fingerprint: str
    content_digest: str
    description: str
    code: str
    environment: str
    reused: bool = False
    bounds: Interval | None = None
    contributions: Contributions | None = None


@dataclass(frozen=True, slots=True)
class ExportedItem:
    """What one input moved, and its values at both ends: the part of an ``AttributionItem`` that can be verified.

    ``concept`` is an IRI; ``amount`` has the digits of the file.
    """

    concept: str
    before: Value
    after: Value
    amount: Decimal


@dataclass(frozen=True, slots=True)
class ExportedGroup:
    """What correlated inputs moved together; ``items`` are positions in those of the attribution."""

    amount: Decimal
    items: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ExportedAttribution:
    """An attribution that was exported with the answer, on its ``scale``.

    ``against`` is the kind of the baseline (REFERENCE, EARLIER, ACTUAL; not checked on reading), ``baseline`` the same
    in words; ``since`` is its time, where it is the record at an earlier time.
    """

    scale: str
    baseline: str
    base: Decimal
    output: Decimal
    items: tuple[ExportedItem, ...]
    since: datetime | None = None
    against: str = ""
    groups: tuple[ExportedGroup, ...] = ()


@dataclass(frozen=True, slots=True)
class ExportedAnswer:
    """One exported answer.  ``steps`` stand inputs first; the last one produced ``value``.

    Without steps the answer is a fact that was read, or (``assumed``) what the question itself gave.  ``format`` is
    the version of the form of its fingerprints, ``zone`` the IANA name of the zone in which its days begin.
    ``interval`` is how uncertain ``value`` is, where its module gives that.
    """

    iri: str
    text: str
    concept: str
    status: str
    at: datetime
    zone: str
    format: int
    steps: tuple[ExportedStep, ...]
    value: Value
    seal: str | None = None
    attributions: tuple[ExportedAttribution, ...] = field(default=())
    assumed: bool = False
    interval: Interval | None = None

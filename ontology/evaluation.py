"""What an evaluation gives back: the value, how it got there, and what to mind.

Everything here is cached by content and may be shown for another patient with equal inputs: it must never
mention a record, a person, or anything that is not among the consumed inputs.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from ontology.values import Value


class Severity(StrEnum):
    """How much an issue matters to the reader."""

    INFORMATION = "INFORMATION"
    WARNING = "WARNING"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class Issue:
    """Something a reader must know about a value: a rebuttal where severity is WARNING or ERROR.

    ``code`` is a stable kebab-case word (``stale``, ``caution``, ``applicability-unknown``, …); ``slot`` names
    the input it concerns.
    """

    severity: Severity
    code: str
    text: str
    slot: str | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """Between which values a result lies, and in what sense (``text``); ``level`` such as 0.95 for 95 %."""

    low: Decimal
    high: Decimal
    unit: str
    text: str
    level: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one slot added to a score, in points, with the band in words."""

    slot: str
    amount: Decimal
    text: str


@dataclass(frozen=True, slots=True)
class Working:
    """How the value follows from the inputs: the equation with its numbers, or the criteria met.

    ``claim`` is a sentence for the value where the module words it itself; ``qualifier`` limits it
    ("urine output not assessed").
    """

    warrant: str
    claim: str | None = None
    qualifier: str | None = None
    contributions: tuple[Contribution, ...] = ()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The value, how it got there, what to mind; ``bounds`` where inputs are missing but limit the result."""

    value: Value
    working: Working
    issues: tuple[Issue, ...] = ()
    bounds: Interval | None = None
    interval: Interval | None = None

"""What an evaluation is given for a slot, and what it returns: the value, its working, and issues.

Everything here is cached by content and may be shown for another patient with equal inputs: it must never
mention a record, a person, or anything that is not among the inputs.
"""

from dataclasses import dataclass, field
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
    the input it concerns.  ``short``: the same in at most twelve words (None: not worded yet).  ``step``: position of
    its step in an answer's chain (None: of the question as a whole, or not in an answer).  Two issues that differ in
    these only are one.
    """

    severity: Severity
    code: str
    text: str
    slot: str | None = None
    short: str | None = field(default=None, compare=False)
    step: int | None = field(default=None, compare=False)


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
    """What one slot added: to a score in points, with the band in words; to a model's margin, with the value."""

    slot: str
    amount: Decimal
    text: str


@dataclass(frozen=True, slots=True)
class ContributionGroup:
    """What correlated slots added together."""

    text: str
    slots: tuple[str, ...]
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Margin:
    """From where to where the contributions lead, on ``scale``: LOG_ODDS of a model, POINTS of a score.

    ``background`` says what ``base`` stands for; ``residual`` is what ``output`` is more than base and contributions.
    """

    scale: str
    base: Decimal
    output: Decimal
    residual: Decimal
    background: str
    groups: tuple[ContributionGroup, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """How the inputs compare with the data that a model was fitted to.

    ``measured`` of ``of`` inputs were; ``outside``: which lie outside that data, in words (empty: none does);
    ``calibration`` in words; ``maturity``: demonstration, research or clinical.
    """

    measured: int
    of: int
    outside: tuple[str, ...]
    calibration: str
    maturity: str

    @property
    def share_measured(self) -> Decimal:
        """The share of the inputs that were measured, between 0 and 1."""
        return Decimal(self.measured) / Decimal(self.of)

    @property
    def out_of_distribution(self) -> bool:
        """Whether any input lies outside the training data."""
        return bool(self.outside)


@dataclass(frozen=True, slots=True)
class Working:
    """How the value follows from the inputs: the equation with its numbers, or the criteria met.

    ``claim`` is a sentence for the value where the module words it itself; ``qualifier`` limits it
    ("urine output not assessed").  ``margin`` and ``standing`` are a model's.
    """

    warrant: str
    claim: str | None = None
    qualifier: str | None = None
    contributions: tuple[Contribution, ...] = ()
    margin: Margin | None = None
    standing: Standing | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The value, how it was computed, its issues; ``bounds`` where inputs are missing but limit the result.

    ``presumed`` names the slots of which the value needs what is presumed (``SlotInput.presumed``): it then holds only
    if the lists are complete, and ``bounds`` are its limits whatever they leave out.  Such a value never stands alone.
    """

    value: Value
    working: Working
    issues: tuple[Issue, ...] = ()
    bounds: Interval | None = None
    interval: Interval | None = None
    presumed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SlotInput:
    """The value in the slot's unit; where it is absent, ``bounds`` may say between which values it lies.

    ``presumed``: the value that it has if the list from which it is missing is complete; ``value`` is absent then.
    """

    value: Value
    bounds: Interval | None = None
    presumed: bool | None = None

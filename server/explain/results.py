"""Results as plain objects that every output (GraphQL, text, RDF, FHIR) reads: answer, steps, grounds, contributions.

They live as long as the answer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

from ontology.concepts import Concept
from ontology.evaluation import ContributionGroup, Interval, Issue
from ontology.resources import RecordRef, Span
from ontology.slots import Slot
from ontology.values import Coding, Value
from server.catalog.criteria import Advice
from server.catalog.descriptions import Description
from server.executor.trace import Circumstances
from server.explain.comparisons import AttributionView, Comparison


@dataclass(frozen=True, slots=True)
class ContributionView:
    """What one slot added, in points or on the margin scale of a model."""

    slot: str
    value: Value
    amount: Decimal
    text: str


@dataclass(frozen=True, slots=True)
class ContributionsView:
    """Points or SHAP values of one step.  ``residual`` is what output, base and items leave over: of a score the fewest
    points that its open criteria can have, since those are no items.

    ``groups``: what correlated inputs added together; it is in their own items too.
    """

    scale: str
    base: Decimal
    output: Decimal
    residual: Decimal
    background: str
    items: tuple[ContributionView, ...]
    groups: tuple[ContributionGroup, ...] = ()


@dataclass(frozen=True, slots=True)
class StandingView:
    """How the inputs of a model stand to its training data: ``measured`` of ``of``, and what lies outside, in words."""

    measured: int
    of: int
    share_measured: Decimal
    out_of_distribution: bool
    outside: tuple[str, ...]
    calibration: str
    maturity: str


CLOSED_WORLD = "closed-world"
"""The issue of a slot that is "no" since nothing is recorded, where its description takes that for a no."""


class Status(StrEnum):
    """What became of a question."""

    COMPLETE = "COMPLETE"
    PARTIAL = "PARTIAL"
    INSUFFICIENT = "INSUFFICIENT"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class InterpretationView:
    """What a value means, by the bands of the module's source."""

    code: Coding
    text: str
    citation: str | None


@dataclass(frozen=True, slots=True)
class RiskView:
    """A probability between 0 and 1, of what (``outcome``), within what time (``horizon``, ISO 8601)."""

    outcome: str
    horizon: str
    probability: Decimal


@dataclass(frozen=True, slots=True)
class GroundView:
    """What filled a slot: from records, from steps (positions in the result's own chain), or assumed.

    ``time`` is ``effective`` as precisely as the record gives it; ``why`` says why there is no value.
    """

    slot: str
    concept: Concept
    input: Slot
    value: Value
    bounds: Interval | None
    effective: datetime | None
    time: Span | None
    records: tuple[RecordRef, ...]
    step: int | None
    steps: tuple[int, ...]
    assumed: bool
    by_site: bool
    status: str | None
    issued: datetime | None
    recorded: str | None
    reference_range: str | None
    interpretation: str | None
    absence_reason: str | None
    issues: tuple[Issue, ...]

    @property
    def by_closed_world(self) -> bool:
        """Whether it is a "no" for want of records, in a search that found all that there is, as the slot declares."""
        return self.value is False and any(issue.code == CLOSED_WORLD for issue in self.issues)


@dataclass(frozen=True, slots=True)
class StepView:
    """One link: claim, grounds, warrant, qualifier, rebuttals; ``as_of`` is the time that it was evaluated for.

    ``notes`` are what the module itself tells beside: neither limits nor doubts.
    """

    module: Description
    value: Value
    as_of: datetime
    claim: str
    grounds: tuple[GroundView, ...]
    warrant: str
    qualifier: str | None
    rebuttals: tuple[str, ...]
    notes: tuple[str, ...]
    fingerprint: str
    reused: bool
    reason: str
    contributions: ContributionsView | None
    standing: StandingView | None = None
    bounds: Interval | None = None


@dataclass(frozen=True)
class AnswerResult:
    """The answer for one concept.

    ``effective`` and ``grounds_from`` are the latest and the oldest time of the records that it rests on;
    ``text`` is the claim in one sentence.  ``chain`` and ``issues`` are made when first read.  ``assumed``: the
    answer rests on an assumption.  ``attributions`` has each comparison that was asked for.  ``make_part`` tells the
    step at a position of the chain as an answer of its own.
    """

    patient: str
    reference: str
    source: str
    at: datetime
    concept: Concept
    status: Status
    value: Value
    effective: datetime | None
    grounds_from: datetime | None
    text: str
    interpretation: InterpretationView | None
    interval: Interval | None
    risk: RiskView | None
    bounds: Interval | None
    recommendations: tuple[Advice, ...]
    intended_use: str
    fingerprint: str | None
    leaf: GroundView | None
    assumed: bool
    circumstances: Circumstances = field(repr=False)
    make_chain: Callable[[], tuple[StepView, ...]] = field(repr=False, compare=False)
    make_issues: Callable[[], tuple[Issue, ...]] = field(repr=False, compare=False)
    make_part: Callable[[int], "AnswerResult"] = field(repr=False, compare=False)
    attributions: Mapping[Comparison, AttributionView | Issue] = field(default_factory=dict, repr=False, compare=False)

    @property
    def records(self) -> tuple[RecordRef, ...]:
        """The records of a concept that is read, not computed."""
        return self.leaf.records if self.leaf is not None else ()

    @cached_property
    def chain(self) -> tuple[StepView, ...]:
        """The steps that this result depends on, inputs first; the last one produced it."""
        return self.make_chain()

    @cached_property
    def issues(self) -> tuple[Issue, ...]:
        """What to mind: of the modules, of the records, of the run, and why something is not attributed; each once."""
        open_ = [each for each in self.attributions.values() if isinstance(each, Issue)]
        return tuple(dict.fromkeys((*self.make_issues(), *open_)))

    @property
    def step(self) -> StepView | None:
        """The step that produced the result, where one did."""
        return self.chain[-1] if self.chain else None

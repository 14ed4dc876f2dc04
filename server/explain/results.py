"""Results as plain objects that every output (GraphQL, text, RDF, FHIR) reads: answer, steps, grounds, contributions.

They live as long as the answer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from ontology.concepts import Concept
from ontology.evaluation import Contribution, Interval, Issue, Margin, SlotInput, Standing
from ontology.resources import RecordRef, Span
from ontology.slots import Slot
from ontology.values import Coding, Value
from server.catalog.criteria import Advice
from server.catalog.descriptions import Description
from server.executor.trace import Circumstances
from server.explain.comparisons import AttributionView, Comparison


@dataclass(frozen=True, slots=True)
class Contributions(Margin):
    """Points or SHAP values of one step: a margin, and what each slot added on the way from its base to its output.

    ``residual`` is, of a score, the fewest points that its open criteria can have, since those are no items.  What the
    slots of ``groups`` added together is in their own items too.
    """

    items: tuple[Contribution, ...] = ()


CLOSED_WORLD = "closed-world"
"""The issue of a slot whose description counts the absence of a record as "no"."""


class Status(StrEnum):
    """The status of an answer."""

    COMPLETE = "COMPLETE"
    PARTIAL = "PARTIAL"
    INSUFFICIENT = "INSUFFICIENT"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    FAILED = "FAILED"


class MissingInput(NamedTuple):
    """What is missing at the root of an absent value: its name, and why in words.

    ``unmeasured``: a number that nobody measured within ``window`` (None: ever); ``undocumented``: of what is so or is
    not (a diagnosis, a treatment, a finding) nothing is recorded.
    """

    name: str
    why: str
    unmeasured: bool = False
    undocumented: bool = False
    window: timedelta | None = None


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
    """The input of one slot: from records, from steps of the result's own chain, or assumed.

    slot: name of the slot in its module.
    concept: what the slot takes.
    input: the slot as described, with unit, window and selection.
    value: in the slot's unit; ``Absent`` with a reason if there is none.
    bounds: limits of an absent value in the slot's unit, if known.
    effective: latest time of its records, including those under its steps; None without a time.
    time: ``effective`` as precisely as its record gives it (a day, a period); None without a time.
    records: the records it was read from; of a series of a computed concept those under its points.
    step: position in the chain of the step that produced it, if it is exactly one; else None.
    steps: positions in the chain of all steps that produced it, one for each point of a series.
    assumed: from the question or the site's settings, not from a record; or ``presumed``.
    by_site: assumed from the site's settings.
    status: status of its record, as written there (``final``); this and the next four need exactly one record.
    issued: when that record was issued.
    recorded: value and unit as written in the record, before conversion.
    reference_range: the reference range in the record, in words.
    interpretation: the laboratory's interpretation in the record, in words.
    absence_reason: in words why there is no value; None if there is one.
    issues: issues of its records (stale, conflicting, unreadable), for readers.
    presumed: of an absent value, what it is taken to be, if the list from which it is missing is complete.
    subject: absolute FHIR reference to the patient.
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
    presumed: bool | None = None
    subject: str = ""

    @property
    def consumed(self) -> SlotInput:
        """What the module was given."""
        return SlotInput(self.value, self.bounds, self.presumed)

    @property
    def by_closed_world(self) -> bool:
        """Whether it is a "no" since a complete search found no record, as the slot declares."""
        return self.value is False and any(issue.code == CLOSED_WORLD for issue in self.issues)


@dataclass(frozen=True, slots=True)
class StepView:
    """One link: claim, grounds, warrant, qualifier, rebuttals; ``as_of`` is the time that it was evaluated for.

    ``reason`` says why it was computed or reused; ``notes`` are the module's own remarks: neither limits nor doubts.
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
    contributions: Contributions | None
    standing: Standing | None = None
    bounds: Interval | None = None
    interval: Interval | None = None


@dataclass(frozen=True)
class AnswerResult:
    """The answer for one concept.  ``chain`` and ``issues`` are computed on first use.

    patient: FHIR id of the patient in the source.
    reference: absolute URL of the Patient.
    source: id of the source.
    at: evaluation time; earlier than the question's if the patient had died.
    concept: what was asked for.
    status: whether there is a value, and how complete it is.
    value: in the concept's unit; ``Absent`` with a reason if there is none.
    effective: latest time of the records that it depends on; None without a time.
    grounds_from: oldest time of these records.
    text: the claim in one sentence.
    interpretation: what the value means, by the bands of the module's source; None if no band applies.
    interval: uncertainty of the value as the module states it, in its unit.
    risk: the value as a probability with outcome and horizon, if the module describes a risk.
    bounds: limits of an absent value, if known; of a value that is presumed, its limits without that.
    recommendations: advice that the module's source gives for this value.
    intended_use: the intended use of the module, as described; a fixed text for a recorded concept.
    fingerprint: keyed hash (hex) of all that the result was computed from; None for a recorded concept.
    leaf: the input from records, if the concept is recorded and not computed; else None.
    assumed: the answer depends on an assumption; or ``presumed``.
    presumed: the value holds only if the lists are complete from which entries are missing; ``bounds`` always hold.
    circumstances: environment, time zone and seal key of the run.
    make_chain: computes ``chain``.
    make_issues: computes the issues without those of ``attributions``.
    make_part: the step at a position of the chain as an answer of its own.
    attributions: for each requested comparison its attribution, or the issue that says why there is none.
    missing: what is missing at the root of an absent value, each once.
    unreliable_in: the state, computed from the same records, in which the value is unreliable; None: none is known.
    own_claim: the module's own sentence for the value; None where it has none.
    decimals: with how many decimals the module shows its value; None where it does not say.
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
    presumed: bool = False
    missing: tuple[MissingInput, ...] = ()
    unreliable_in: str | None = None
    own_claim: str | None = None
    decimals: int | None = None

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
        """The issues of modules, records and the run, and why there is no attribution; each once."""
        open_ = [each for each in self.attributions.values() if isinstance(each, Issue)]
        return tuple(dict.fromkeys((*self.make_issues(), *open_)))

    @property
    def step(self) -> StepView | None:
        """The step that produced the result, where one did."""
        return self.chain[-1] if self.chain else None

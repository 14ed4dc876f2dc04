"""The trace of a run: its executions, their inputs and the records used.  It is discarded after the answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from ontology.concepts import Concept
from ontology.evaluation import Evaluation, Interval, Issue, SlotInput
from ontology.resources import Resource
from ontology.slots import Slot
from ontology.values import Value
from ontology.words import PLAIN, Style
from server.catalog.descriptions import Description
from server.compiler.plan import Goal, Plan
from server.executor.fingerprint import Environment


@dataclass(frozen=True, slots=True)
class BoundInput:
    """The input of one slot in one execution.

    ``value`` is in the slot's unit; ``bounds`` are the limits of an absent value, if known.
    ``resources`` are the records from which the value was read (one, or one for each point of a series).
    ``steps`` are the positions in ``Trace.executions`` of the executions that produced it (one, or one for each point).
    ``issues`` are about records (stale, conflicting, an older value used): bound again on each run, never cached.
    ``assumed``: from the question or the site's settings, not from a record; ``by_site``: from the settings.
    ``presumed``: of an absent value, what it is if the list from which it is missing is complete.
    """

    slot: Slot
    value: Value
    bounds: Interval | None = None
    resources: tuple[Resource, ...] = ()
    steps: tuple[int, ...] = ()
    issues: tuple[Issue, ...] = ()
    assumed: bool = False
    by_site: bool = False
    presumed: bool | None = None

    @property
    def consumed(self) -> SlotInput:
        """What the module is given, and the fingerprint is made of."""
        return SlotInput(self.value, self.bounds, self.presumed)


@dataclass(frozen=True, slots=True)
class Execution:
    """One module call as of one time.

    ``as_of`` is the evaluation time, or the time of the point in a series.  ``inputs``: by slot name.  ``fingerprint``
    (hex) names the result in the cache; ``reused``: it was found there.  ``reason`` says why it ran, with values before
    and after, or that it was reused; it is empty in a run that is not an answer by itself.
    """

    description: Description
    as_of: datetime
    inputs: Mapping[str, BoundInput]
    evaluation: Evaluation
    fingerprint: str
    reused: bool
    reason: str


@dataclass(frozen=True, slots=True)
class GoalAnswer:
    """One goal of the plan, answered.

    ``execution``: the position in the trace of the execution that computed it, None for a recorded concept; ``leaf``:
    the input from records, None for a computed one.
    """

    goal: Goal
    execution: int | None
    leaf: BoundInput | None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is common to all runs of an engine: on these fingerprints depend besides inputs and descriptions.

    ``zone`` is where days begin; ``seal_key`` is the key for seals of exported arguments, None if none is configured;
    ``style`` is what the site's readers are used to.
    """

    environment: Environment
    zone: tzinfo = UTC
    seal_key: bytes | None = field(default=None, repr=False)
    style: Style = PLAIN


@dataclass(frozen=True, slots=True)
class Trace:
    """All executions of one run, each after those that it needs, and one answer for each goal.

    ``patient`` is the FHIR id, ``reference`` the absolute URL of the Patient, ``source`` the source's id; ``at`` is the
    evaluation time.  ``issues`` concern the whole run (such as an unavailable source).  ``concepts``: all concepts of
    the catalog, by id.  ``earlier_traces`` and ``without_assumptions`` are the runs to compare this one with, if the
    question asked for them: by the earlier time, and the run without its assumptions.
    """

    plan: Plan
    patient: str
    reference: str
    source: str
    at: datetime
    executions: tuple[Execution, ...]
    answers: tuple[GoalAnswer, ...]
    circumstances: Circumstances
    issues: tuple[Issue, ...] = ()
    concepts: Mapping[str, Concept] = field(default_factory=dict)
    earlier_traces: Mapping[datetime, "Trace"] = field(default_factory=dict)
    without_assumptions: "Trace | None" = None

    @property
    def zone(self) -> tzinfo:
        """Where days begin."""
        return self.circumstances.zone

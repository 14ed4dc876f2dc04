"""The trace of a run: its executions, their inputs and the records used.  Lives as long as the answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from ontology.concepts import Concept
from ontology.evaluation import Evaluation, Interval, Issue
from ontology.resources import Resource
from ontology.slots import Slot
from ontology.values import Value
from server.catalog.descriptions import Description
from server.compiler.plan import Goal, Plan
from server.executor.fingerprint import Environment


@dataclass(frozen=True, slots=True)
class BoundInput:
    """What filled one slot in one execution.

    ``resources`` are the records that the value comes straight from (one, or one a point of a series);
    ``steps`` the positions in ``Trace.executions`` of the executions that produced it (one, or one a point).
    ``issues`` are about records (stale, stepped back, conflicting): bound anew on each run, never cached.
    ``assumed``: taken from the question or the site's settings, not from a record; ``by_site``: from the settings.
    """

    slot: Slot
    value: Value
    bounds: Interval | None = None
    resources: tuple[Resource, ...] = ()
    steps: tuple[int, ...] = ()
    issues: tuple[Issue, ...] = ()
    assumed: bool = False
    by_site: bool = False


@dataclass(frozen=True, slots=True)
class Execution:
    """One module call as of one time.

    ``as_of`` is the evaluation time, or the time of the point in a series.  ``reason`` says, in words with before
    and after, why it ran, or that it was reused.
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
    """One goal of the plan, answered: by an execution (position in the trace), or by recorded facts alone."""

    goal: Goal
    execution: int | None
    leaf: BoundInput | None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What all runs of an engine are made under: what fingerprints rest on beside inputs and descriptions.

    ``zone`` is that in which days begin; ``sealing`` the key for seals of exported arguments, None where none is
    configured.
    """

    environment: Environment
    zone: tzinfo = UTC
    seal_key: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Trace:
    """All executions of one run, inputs before what needs them, and one answer for each goal.

    ``issues`` concern the whole run (a source unreachable, cache away).
    ``earlier`` and ``recorded`` are the runs that this one is to be compared with, where the question asked for them:
    by the time that was asked for, and without its assumptions.
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
        """That in which days begin."""
        return self.circumstances.zone

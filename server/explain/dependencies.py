"""What an answer depends on: its executions, its inputs and records, and the times of those records."""

from collections.abc import Iterable
from dataclasses import dataclass

from ontology.concepts import EVENT_ORIGINS
from ontology.evaluation import Issue
from ontology.resources import Span
from ontology.values import Absent, AbsentReason
from server.executor.trace import BoundInput, Trace
from server.explain.results import StepView


@dataclass(frozen=True, slots=True)
class Times:
    """The oldest and the latest time of some records; None where none carries a time.

    A condition goes on: its beginning counts as a ground's age, and does not date the answer.
    """

    oldest: Span | None = None
    latest: Span | None = None


class Dependencies:
    """Walks one trace.  No value rests on slots that only decide on applicability, or that are only compared with."""

    def __init__(self, trace: Trace) -> None:
        self.executions = trace.executions
        self._times: dict[int, Times] = {}
        # Views and issues of an execution, kept for every result that depends on it.
        self.step_views: dict[int, StepView] = {}
        self.step_issues: dict[int, tuple[Issue, ...]] = {}

    def supporting_inputs(self, position: int) -> tuple[BoundInput, ...]:
        """The inputs of an execution that its value rests on."""
        return tuple(each for each in self.executions[position].inputs.values() if supports_value(each))

    def steps(self, position: int, all_slots: bool = True) -> tuple[int, ...]:
        """Positions of all executions that this one depends on, and its own, in order."""
        seen = {position}
        pending = [position]
        while pending:
            current = pending.pop()
            inputs = self.executions[current].inputs.values() if all_slots else self.supporting_inputs(current)
            new = {step for given in inputs for step in given.steps} - seen
            seen |= new
            pending += new
        return tuple(sorted(seen))

    def rests_on_assumption(self, position: int) -> bool:
        """Whether an assumption is among what the execution rests on, its applicability included.

        What is set for the site is a fact of the site, and no assumption about the patient.
        """
        inputs = (given for step in self.steps(position) for given in self.executions[step].inputs.values())
        return any(given.assumed and not given.by_site for given in inputs)

    def rests_on_list(self, position: int) -> bool:
        """Whether the value of the execution holds only if the lists are complete from which entries are missing."""
        return bool(self.executions[position].evaluation.presumed)

    def times(self, position: int) -> Times:
        """Oldest and latest time of the records under an execution."""
        found = self._times.get(position)
        if found is None:
            # An input without a value is no ground, though its record is named.
            carrying = [given for given in self.supporting_inputs(position) if _has_value(given)]
            found = times_of(time for given in carrying for time in _spans(self.input_times(given)))
            if found.latest is not None and any(given.slot.concept.origin in EVENT_ORIGINS for given in carrying):
                dated = (given for given in carrying if given.slot.concept.origin not in EVENT_ORIGINS)
                latest = times_of(time for given in dated for time in _spans(self.input_times(given))).latest
                found = Times(found.oldest, latest)
            self._times[position] = found
        return found

    def input_times(self, given: BoundInput) -> Times:
        """Oldest and latest time of the records under one input."""
        own = [resource.effective for resource in given.resources if resource.effective is not None]
        below = [span for step in given.steps for span in _spans(self.times(step))]
        return times_of([*own, *below])


def supports_value(given: BoundInput) -> bool:
    """Whether the value rests on this input: not if it only decides on applicability, or is compared with."""
    return not (given.slot.applicability_only or given.slot.comparison)


UNMEASURED = frozenset({AbsentReason.NOT_FOUND, AbsentReason.STALE})
"""Absences that say that nobody recorded it in the time that is asked about."""


def is_untaken(given: BoundInput) -> bool:
    """Whether the input is one of several ways to the value, and was not recorded."""
    return given.slot.alternative and isinstance(given.value, Absent) and given.value.reason in UNMEASURED


def _has_value(given: BoundInput) -> bool:
    return not isinstance(given.value, Absent) or given.bounds is not None


def times_of(spans: Iterable[Span]) -> Times:
    """The oldest by its start, the latest by its end."""
    found = tuple(spans)
    if not found:
        return Times()
    return Times(min(found, key=lambda span: span.start), max(found, key=lambda span: span.end))


def _spans(times: Times) -> tuple[Span, ...]:
    return tuple(span for span in (times.oldest, times.latest) if span is not None)

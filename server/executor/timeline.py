"""A concept over time: the times at which the inputs of a plan changed, and its result at each of them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ontology.concepts import EVENT_ORIGINS, Concept
from ontology.resources import Resource
from ontology.slots import Select
from server.compiler.plan import Leaf, Plan
from server.executor.trace import Trace

_JUST_AFTER = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class ConceptTimeline:
    """One run for each time, oldest first; ``left_out`` counts earlier changes beyond the allowed number of runs."""

    traces: tuple[Trace, ...]
    left_out: int = 0

    @property
    def ran(self) -> int:
        """Number of executions that were evaluated."""
        return sum(not execution.reused for trace in self.traces for execution in trace.executions)

    @property
    def reused(self) -> int:
        """Number of executions whose results were cached."""
        return sum(execution.reused for trace in self.traces for execution in trace.executions)


def change_times(
    plan: Plan, resources: Mapping[str, tuple[Resource, ...]], start: datetime, end: datetime
) -> tuple[datetime, ...]:
    """The times after ``start``, up to ``end``, at which an input of the plan changed, oldest first.

    ``resources``: the records of each concept, by concept id.  A fact is a change once it is both made and issued; one
    with a duration, when it begins and when it ends; the latest of a concept also when it becomes too old for a slot's
    window.  The passing of time alone (age) is no change.
    """
    found: set[datetime] = set()
    for concept, windows in _windows_by_concept(plan).values():
        found.update(_effective_times(concept, resources.get(concept.id, ())))
        found.update(_same_day_times(resources.get(concept.id, ()), end))
        found.update(_expiry_times(windows, resources.get(concept.id, ())))
    return tuple(sorted(time for time in found if start < time <= end))


def _windows_by_concept(plan: Plan) -> dict[str, tuple[Concept, set[timedelta]]]:
    """The concepts that are read, each with the windows in which its latest value is used, by concept id."""
    found: dict[str, tuple[Concept, set[timedelta]]] = {}
    slots = [goal.slot for goal in plan.goals if goal.slot is not None]
    for call in plan.calls:
        for binding in call.bindings.values():
            # The points of a series are leaves of the upstream calls.
            if isinstance(binding, Leaf):
                slots.append(binding.slot)
    for slot in slots:
        _, windows = found.setdefault(slot.concept.id, (slot.concept, set()))
        if slot.window is not None and slot.select is Select.LATEST:
            windows.add(slot.window)
    return found


def _effective_times(concept: Concept, resources: Iterable[Resource]) -> Iterator[datetime]:
    for each in resources:
        if each.effective is None:
            if each.issued is not None:
                yield each.issued
            continue
        ends = {each.effective.end}
        if concept.origin in EVENT_ORIGINS:
            ends.add(each.effective.start)
        for time in ends:
            yield max(time, each.issued) if each.issued is not None else time


def _same_day_times(resources: Iterable[Resource], end: datetime) -> Iterator[datetime]:
    """A fact dated to the day is used on that day already, once it is on record: see ``selection.event_state``."""
    for each in resources:
        if each.effective is None or each.effective.start == each.effective.end:
            continue
        if each.issued is not None and each.effective.start <= each.issued < each.effective.end:
            yield each.issued
        if each.effective.start <= end < each.effective.end:
            yield end


def _expiry_times(windows: Iterable[timedelta], resources: Iterable[Resource]) -> Iterator[datetime]:
    """Just after the latest fact leaves a window, unless another followed within it."""
    times = sorted({each.effective.end for each in resources if each.effective is not None})
    for window in windows:
        for place, time in enumerate(times):
            if place + 1 == len(times) or times[place + 1] > time + window:
                yield time + window + _JUST_AFTER

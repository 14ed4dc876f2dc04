"""Expands a plan into executions for one patient, and binds the inputs of each.

A call is one execution, and one more for each point of a series.  Slots are filled from records, from assumptions,
from the site's settings and from other executions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from collectors.facts import Facts
from ontology.concepts import Concept, Origin
from ontology.evaluation import Evaluation, Interval, Issue, Severity
from ontology.resources import Resource
from ontology.slots import Select, Slot
from ontology.units import convert
from ontology.values import Absent, AbsentReason, Bound, Quantity, Series, Value
from ontology.words.time import time_words
from server.catalog.descriptions import OneSpecimen
from server.compiler.plan import FromCall, FromSeries, Leaf, Plan, PlannedCall
from server.executor.budget import Work
from server.executor.presumption import checked_presumptions
from server.executor.trace import BoundInput, Execution


@dataclass(frozen=True, slots=True)
class CallInstance:
    """One module call as of one time.

    ``level`` is the wave in which it runs (0: it needs no other instance).  ``producers`` are the positions of the
    instances that fill its slots, by slot name.  ``is_point``: it computes a point of a series.
    """

    call: PlannedCall
    as_of: datetime
    level: int
    producers: Mapping[str, tuple[int, ...]]
    is_point: bool


@dataclass(slots=True)
class PlanExpansion:
    """The instances of a run, each after those it needs.

    ``answers`` maps the IRI of each module that answers a goal to the position of its instance.
    """

    instances: list[CallInstance] = field(default_factory=list)
    answers: dict[str, int] = field(default_factory=dict)


def expand_plan(
    plan: Plan, facts: Facts, at: datetime, concepts: Mapping[str, Concept], work: Work | None = None
) -> PlanExpansion:
    """The executions of a plan.  A series of a computed concept becomes one instance for each time in the slot's window
    at which one of the underlying observations was made.  Raises QuestionError if there are more than the budget
    allows."""
    expansion = PlanExpansion()
    seen: dict[tuple[str, datetime, bool], int] = {}
    narrower: dict[str, bool] = {}

    def add_instance(iri: str, as_of: datetime, point: bool) -> int:
        # A point may have the very time of the question, and then needs fewer inputs than the answer.
        key = (iri, as_of, point and _needs_less_at_points(plan, iri, narrower))
        known = seen.get(key)
        if known is not None:
            return known
        if work is not None:
            work.take_execution()
        call = plan.call(iri)
        producers: dict[str, tuple[int, ...]] = {}
        for slot in call.description.slots:
            binding = call.bindings[slot.name]
            if point and slot.current_only:
                continue
            if isinstance(binding, FromCall):
                producers[slot.name] = (add_instance(binding.call, as_of, point),)
            elif isinstance(binding, FromSeries):
                times = facts.times(_driver_concepts(binding, concepts), _window_start(slot, as_of), as_of)
                producers[slot.name] = tuple(add_instance(binding.call, time, True) for time in times)
        level = 1 + max(
            (expansion.instances[i].level for positions in producers.values() for i in positions), default=-1
        )
        expansion.instances.append(CallInstance(call, as_of, level, producers, point))
        seen[key] = len(expansion.instances) - 1
        return seen[key]

    for goal in plan.goals:
        if goal.call is not None:
            expansion.answers[goal.call] = add_instance(goal.call, at, False)
    return expansion


def _needs_less_at_points(plan: Plan, iri: str, known: dict[str, bool]) -> bool:
    """Whether a call, or one upstream of it, needs fewer inputs at the points of a series; ``known`` caches this."""
    if iri not in known:
        call = plan.call(iri)
        below = (each.call for each in call.bindings.values() if isinstance(each, FromCall))
        less = any(slot.current_only for slot in call.description.slots)
        known[iri] = less or any(_needs_less_at_points(plan, each, known) for each in below)
    return known[iri]


def _driver_concepts(binding: FromSeries, concepts: Mapping[str, Concept]) -> tuple[Concept, ...]:
    return tuple(concepts[concept_id] for concept_id in binding.drivers)


def _window_start(slot: Slot, as_of: datetime) -> datetime | None:
    return None if slot.window is None else as_of - slot.window


class Binder:
    """Fills slots for one run.

    ``known_at`` is the question's time: only what was issued by then is used.  ``executions`` are those of the run,
    None at positions that have not run yet.  ``without_presumption`` has the slots (module id, name) for which the site
    takes no missing entry of a list as "no".
    """

    def __init__(
        self,
        facts: Facts,
        known_at: datetime,
        assumptions: Mapping[str, Value],
        site: Mapping[str, Value],
        concepts: Mapping[str, Concept],
        executions: Sequence[Execution | None],
        without_presumption: frozenset[tuple[str, str]] = frozenset(),
    ) -> None:
        self.facts = facts
        self.known_at = known_at
        self.assumptions = assumptions
        self.site = site
        self.concepts = concepts
        self.executions = executions
        self.without_presumption = without_presumption

    def bind(self, instance: CallInstance) -> dict[str, BoundInput]:
        """The input of every slot of the instance, by slot name, before ``within`` is applied."""
        bound = {slot.name: self._bind_slot(instance, slot) for slot in instance.call.description.slots}
        group = instance.call.description.one_specimen
        if group is not None:
            bound |= self._specimen_inputs(instance, group)
        if any(given.presumed is not None for given in bound.values()):
            series = (slot for slot in instance.call.description.slots if slot.select is Select.SERIES)
            assumed = {
                slot.name: in_slot_unit(self.assumptions[slot.concept.id], slot)
                for slot in series
                if slot.concept.id in self.assumptions
            }
            return checked_presumptions(instance.call.description, bound, assumed)
        return bound

    def _specimen_inputs(self, instance: CallInstance, group: OneSpecimen) -> dict[str, BoundInput]:
        """The inputs that are of one specimen; what the question assumes stays as it is assumed."""
        description, bindings = instance.call.description, instance.call.bindings
        leaves = {n: b.slot for n in (group.result, *group.parts) if isinstance(b := bindings[n], Leaf)}
        parts = tuple(leaves[name] for name in group.parts)
        found = self.facts.select_specimen(leaves[group.result], parts, instance.as_of, self.known_at)
        return {
            name: BoundInput(description.slot(name), each.value, resources=each.resources, issues=each.issues)
            for name, each in found.items()
            if leaves[name].concept.id not in self.assumptions
        }

    def bind_leaf(self, slot: Slot, as_of: datetime, filled: Slot | None = None) -> BoundInput:
        """The input of a slot that no module fills.  ``filled``: the slot that receives it, if that is another."""
        concept = slot.concept
        receiver = slot if filled is None else filled
        if concept.id in self.assumptions and slot.select is not Select.SERIES:
            return BoundInput(receiver, in_slot_unit(self.assumptions[concept.id], slot), assumed=True)
        if concept.origin is Origin.SITE:
            return self._site_input(slot, receiver)
        selected = self.facts.select(slot, as_of, self.known_at)
        return BoundInput(
            receiver,
            selected.value,
            resources=selected.resources,
            issues=selected.issues,
            presumed=selected.presumed,
        )

    def _site_input(self, slot: Slot, receiver: Slot) -> BoundInput:
        value = self.site.get(slot.concept.id)
        if value is not None:
            return BoundInput(receiver, value, assumed=True, by_site=True)
        text = f"{slot.concept.display}: neither set for this site nor assumed"
        return BoundInput(
            receiver,
            Absent(AbsentReason.NOT_FOUND),
            issues=(Issue(Severity.WARNING, "not-set", text, slot.name),),
        )

    def _bind_slot(self, instance: CallInstance, slot: Slot) -> BoundInput:
        if instance.is_point and slot.current_only:
            return BoundInput(slot, Absent(AbsentReason.NOT_QUERIED))
        if slot.enabled_by is not None and not self._is_enabled(slot.enabled_by):
            return BoundInput(slot, Absent(AbsentReason.NOT_FOUND))
        binding = instance.call.bindings[slot.name]
        if isinstance(binding, Leaf):
            return self.bind_leaf(self._asked_slot(instance, binding.slot), instance.as_of, slot)
        positions = instance.producers[slot.name]
        if isinstance(binding, FromSeries):
            return self._series_input(slot, binding, positions, instance.as_of)
        return self._computed_input(slot, positions[0], instance.as_of)

    def _asked_slot(self, instance: CallInstance, slot: Slot) -> Slot:
        """The slot; where the site sets so, and at points of a series, a missing entry of its list is never "no"."""
        if slot.no_if_reconciled is None:
            return slot
        switched_off = (instance.call.description.id, slot.name) in self.without_presumption
        return replace(slot, no_if_reconciled=None) if switched_off or instance.is_point else slot

    def _is_enabled(self, concept: str) -> bool:
        return self.assumptions.get(concept, self.site.get(concept)) is True

    def _computed_input(self, slot: Slot, position: int, as_of: datetime) -> BoundInput:
        evaluation = self._execution(position).evaluation
        value, bounds = in_slot_unit(certain_value(evaluation), slot), bounds_in_slot_unit(evaluation.bounds, slot)
        issues: tuple[Issue, ...] = ()
        newest = self._newest_record_time(position) if slot.window is not None else None
        if slot.window is not None and newest is not None and newest < as_of - slot.window:
            text = f"{slot.concept.display}: rests on records of {time_words(newest)} at the latest"
            issues = (Issue(Severity.WARNING, "stale", text, slot.name),)
            value, bounds = Absent(AbsentReason.STALE), None
        return BoundInput(slot, value, bounds, steps=(position,), issues=issues)

    def _newest_record_time(self, position: int) -> datetime | None:
        return max((r.effective.end for r in self.records_under(position) if r.effective), default=None)

    def _series_input(self, slot: Slot, binding: FromSeries, positions: tuple[int, ...], as_of: datetime) -> BoundInput:
        points: list[tuple[datetime, Decimal]] = []
        resources: list[Resource] = []
        used: list[int] = []
        left_out = 0
        for position in positions:
            execution = self._execution(position)
            value = in_slot_unit(certain_value(execution.evaluation), slot)
            records = [r for r in self.records_under(position) if r.concept in binding.drivers]
            if not any(r.effective is not None and r.effective.end == execution.as_of for r in records):
                # The observation made then is not usable (not issued yet, say): an older one must not replace it.
                continue
            if isinstance(value, Quantity):
                points.append((execution.as_of, value.value))
                resources += records
                used.append(position)
            else:
                left_out += 1
        issues = self._record_issues(slot, binding, as_of)
        if points:
            # Of several ways to a value, that there is no record of one says nothing beside those of another.
            issues = tuple(each for each in issues if each.code not in ("not-found", "stale"))
        if left_out:
            text = f"{slot.concept.display}: {left_out} of {left_out + len(used)} values could not be computed"
            issues += (Issue(Severity.WARNING, "points-left-out", text, slot.name),)
        if not points:
            return BoundInput(slot, Absent(self._no_points_reason(slot, binding, positions, as_of)), issues=issues)
        series = Series(tuple(points), slot.unit or "")
        return BoundInput(slot, series, resources=tuple(dict.fromkeys(resources)), steps=tuple(used), issues=issues)

    def _driver_slots(self, slot: Slot, binding: FromSeries) -> list[Slot]:
        concepts = [self.concepts[driver] for driver in binding.drivers]
        return [
            Slot(slot.name, c, Select.SERIES, True, unit=c.unit, window=slot.window, step_back=True) for c in concepts
        ]

    def _record_issues(self, slot: Slot, binding: FromSeries, as_of: datetime) -> tuple[Issue, ...]:
        """Issues of the records under a series, such as records that could not be read."""
        selections = [self.facts.select(driver, as_of, self.known_at) for driver in self._driver_slots(slot, binding)]
        return tuple(dict.fromkeys(issue for selected in selections for issue in selected.issues))

    def _no_points_reason(
        self, slot: Slot, binding: FromSeries, positions: tuple[int, ...], as_of: datetime
    ) -> AbsentReason:
        if positions:
            return AbsentReason.INPUT_ABSENT
        for driver in self._driver_slots(slot, binding):
            value = self.facts.select(driver, as_of, self.known_at).value
            if isinstance(value, Absent):
                return value.reason
        return AbsentReason.NOT_FOUND

    def records_under(self, position: int) -> tuple[Resource, ...]:
        """The records under an execution, its own and those of all executions upstream; each once."""
        found: dict[Resource, None] = {}
        pending = [position]
        while pending:
            for given in self._execution(pending.pop()).inputs.values():
                if not (given.slot.applicability_only or given.slot.comparison):
                    found.update(dict.fromkeys(given.resources))
                    pending += given.steps
        return tuple(found)

    def _execution(self, position: int) -> Execution:
        execution = self.executions[position]
        if execution is None:
            raise RuntimeError("an execution was needed before it was made")
        return execution


def certain_value(evaluation: Evaluation) -> Value:
    """The value for what is computed from it: absent (its bounds are known) where it needs what is presumed."""
    return Absent(AbsentReason.INPUT_ABSENT) if evaluation.presumed else evaluation.value


def in_slot_unit(value: Value, slot: Slot) -> Value:
    """A number converted to the slot's unit; any other value unchanged.  The compiler has checked that it converts."""
    if slot.unit is None:
        return value
    mass = slot.concept.molar_mass
    if isinstance(value, Quantity) and value.unit != slot.unit:
        return Quantity(convert(value.value, value.unit, slot.unit, mass), slot.unit)
    if isinstance(value, Bound) and value.unit != slot.unit:
        return Bound(value.comparator, convert(value.value, value.unit, slot.unit, mass), slot.unit)
    return value


def bounds_in_slot_unit(bounds: Interval | None, slot: Slot) -> Interval | None:
    """The bounds of an absent value, converted to the slot's unit."""
    if bounds is None or slot.unit is None or bounds.unit == slot.unit:
        return bounds
    low, high = (convert(v, bounds.unit, slot.unit, slot.concept.molar_mass) for v in (bounds.low, bounds.high))
    return replace(bounds, low=low, high=high, unit=slot.unit)
